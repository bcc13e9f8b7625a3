from django.apps import AppConfig


class ReconcileConfig(AppConfig):
    name = "nostro.books.reconcile"
    label = "reconcile"

    def ready(self) -> None:
        from nostro.books.companies.signals import company_created
        from nostro.books.reconcile.rules.shipped import lay_down_rules

        company_created.connect(lay_down_rules, dispatch_uid="reconcile.rules")
