from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "nostro.hub.organizations"
    label = "organizations"
