from django.apps import AppConfig


class HubApiConfig(AppConfig):
    name = "nostro.hub.api"
    label = "hub_api"
