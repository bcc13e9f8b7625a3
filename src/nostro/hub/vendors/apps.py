from django.apps import AppConfig


class VendorsConfig(AppConfig):
    name = "nostro.hub.vendors"
    label = "vendors"
