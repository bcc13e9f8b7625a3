"""Workbooks: their tables go the way of CSV (formats.md 6.10, 7)."""
