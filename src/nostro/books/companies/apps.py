from django.apps import AppConfig


class CompaniesConfig(AppConfig):
    name = "nostro.books.companies"
    label = "companies"
