"""MT940 and MT942: statements and intraday reports of SWIFT, in all their dialects (formats.md 6.2)."""
