from django.apps import AppConfig


class LinkingConfig(AppConfig):
    name = "nostro.hub.linking"
    label = "linking"
