"""A page on which a person plays bank, customer and weather with buttons (the control API of connectors.md 5.2)."""
