"""BAI2, the cash management balance reports of American banks (formats.md 6.8)."""
