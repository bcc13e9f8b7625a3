"""AEB43 (Norma 43), the statement of Spanish banks in records of 80 characters (formats.md 6.7)."""
