from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "nostro.people"
    label = "people"
