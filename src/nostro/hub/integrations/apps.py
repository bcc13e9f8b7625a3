from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "nostro.hub.integrations"
    label = "integrations"
