"""CFONB 120, the statement of French banks in records of 120 characters (formats.md 6.6)."""
