"""What other rooms do when a company begins: the ledger lays down its chart, in the same transaction."""

from django.dispatch import Signal

#: Sent with ``company``.
company_created = Signal()
