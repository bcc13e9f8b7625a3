from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "nostro.hub.files"
    label = "files"
