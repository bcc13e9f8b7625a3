"""Berlin Group XS2A AIS 1.3.x, the reference dialect (connectors.md 4.1)."""

from nostro.connectors.berlin_group.connector import BerlinGroupConnector

__all__ = ["BerlinGroupConnector"]
