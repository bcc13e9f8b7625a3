from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "nostro.books.files"
    label = "books_files"
