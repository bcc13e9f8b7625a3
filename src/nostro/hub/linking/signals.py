"""What this room tells the rooms above it, in the same transaction.

``accounts_chosen``: a person chose accounts to be read, or renewed the consent of accounts that are. Sent with
``accounts`` (list of Account), ``user``, ``psu`` (PsuContext of the person who is present), ``now``. The room sync
answers by starting a synchronization of each with trigger ``link`` (connectors.md 1.11 point 1).
"""

from django.dispatch import Signal

accounts_chosen = Signal()
