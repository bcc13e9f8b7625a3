from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "nostro.hub.accounts"
    label = "accounts"
