from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "nostro.web"
    label = "web"
