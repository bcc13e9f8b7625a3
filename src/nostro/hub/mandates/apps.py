from django.apps import AppConfig


class MandatesConfig(AppConfig):
    name = "nostro.hub.mandates"
    label = "mandates"
