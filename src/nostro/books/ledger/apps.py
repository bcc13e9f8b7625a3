from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "nostro.books.ledger"
    label = "ledger"
