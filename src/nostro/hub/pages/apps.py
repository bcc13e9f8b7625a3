from django.apps import AppConfig


class HubPagesConfig(AppConfig):
    name = "nostro.hub.pages"
    label = "hub_pages"
