from django.apps import AppConfig


class DestinationsConfig(AppConfig):
    name = "nostro.books.destinations"
    label = "destinations"
