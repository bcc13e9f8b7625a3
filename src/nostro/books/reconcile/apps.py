from django.apps import AppConfig


class ReconcileConfig(AppConfig):
    name = "nostro.books.reconcile"
    label = "reconcile"
