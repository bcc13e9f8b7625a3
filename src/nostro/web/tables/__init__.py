"""Tables without a known bank's columns: what a person is asked about them, for the pages of both halves."""
