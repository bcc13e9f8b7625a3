from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "nostro.hub.billing"
    label = "billing"
