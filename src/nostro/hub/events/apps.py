from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "nostro.hub.events"
    label = "events"
