"""Invented histories of invented companies, made day by day.

The rows of one day depend on seed, account and day alone, so a clock that moves on only adds rows and two banks of
one seed answer byte for byte the same (connectors.md 5.1).
"""
