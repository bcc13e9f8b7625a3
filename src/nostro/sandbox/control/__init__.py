"""The control API: tests play bank, customer and weather with it (connectors.md 5.2)."""
