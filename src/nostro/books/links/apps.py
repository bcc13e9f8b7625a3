from django.apps import AppConfig


class LinksConfig(AppConfig):
    name = "nostro.books.links"
    label = "links"
