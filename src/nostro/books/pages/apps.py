from django.apps import AppConfig


class BooksPagesConfig(AppConfig):
    name = "nostro.books.pages"
    label = "books_pages"
