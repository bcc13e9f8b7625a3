"""Rules of a company (books.md 16.8): stored, edited, simulated, learned. What a rule means is in ``engine.rules``."""
