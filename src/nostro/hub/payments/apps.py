from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "nostro.hub.payments"
    label = "payments"
