"""CAMT.052, .053 and .054: account reports, statements and notifications of ISO 20022 (formats.md 6.1)."""
