from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "nostro.people"
    label = "people"

    def ready(self) -> None:
        from nostro.people import signals

        signals.connect()
