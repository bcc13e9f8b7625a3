from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "nostro.books.ledger"
    label = "ledger"

    def ready(self) -> None:
        from nostro.books.companies.signals import company_created
        from nostro.books.ledger.chart import lay_down_chart

        company_created.connect(lay_down_chart, dispatch_uid="ledger.chart")
