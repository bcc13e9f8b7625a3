from django.apps import AppConfig


class BooksApiConfig(AppConfig):
    name = "nostro.books.api"
    label = "books_api"
