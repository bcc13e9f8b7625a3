from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "nostro.hub.webhooks"
    label = "webhooks"

    def ready(self) -> None:
        from nostro.hub.events.signals import event_recorded
        from nostro.hub.webhooks.outbox import address

        event_recorded.connect(address, dispatch_uid="webhooks.address")
