from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    name = "nostro.hub.directory"
    label = "directory"
