from django.apps import AppConfig


class JournalsConfig(AppConfig):
    name = "nostro.books.journals"
    label = "journals"
