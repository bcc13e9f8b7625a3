"""OFX 1 (SGML) and 2 (XML), with QFX and QBO, as one stream of tags (formats.md 6.4)."""
