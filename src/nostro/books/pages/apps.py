from django.apps import AppConfig

from nostro.books.pages.sayings import SENTENCES
from nostro.web.said import register


class BooksPagesConfig(AppConfig):
    name = "nostro.books.pages"
    label = "books_pages"

    def ready(self) -> None:
        register(SENTENCES)
