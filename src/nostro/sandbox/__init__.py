"""The sandbox bank: a bank of our own that speaks Berlin Group XS2A AIS 1.3.x, for demonstrations and tests.

It is a separate web service with its own storage (connectors.md section 5) and knows nothing of the Hub. It has its
own money, check digits and dates, so that a mistake shared with the Hub cannot hide.
"""
