from django.apps import AppConfig

from nostro.hub.pages.sayings import SENTENCES
from nostro.web.said import register


class HubPagesConfig(AppConfig):
    name = "nostro.hub.pages"
    label = "hub_pages"

    def ready(self) -> None:
        """Sentences with values are known from the first page on."""
        register(SENTENCES)
