"""CODA 2, the coded statements of Belgian banks: records of 128 characters (formats.md 6.3)."""
