"""Tables: CSV and XLSX, read by a mapping of their columns or by a preset, and written (formats.md 6.9, 6.10, 7)."""
