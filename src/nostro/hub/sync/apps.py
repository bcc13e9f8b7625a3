from django.apps import AppConfig


class SyncConfig(AppConfig):
    name = "nostro.hub.sync"
    label = "sync"
