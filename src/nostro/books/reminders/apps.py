from django.apps import AppConfig


class RemindersConfig(AppConfig):
    name = "nostro.books.reminders"
    label = "reminders"
