"""QIF, the old exchange format of household software: bank, cash and card accounts (formats.md 6.5)."""
