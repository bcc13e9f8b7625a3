from django.apps import AppConfig


class SyncConfig(AppConfig):
    name = "nostro.hub.sync"
    label = "sync"

    def ready(self) -> None:
        from nostro.hub.linking.signals import accounts_chosen
        from nostro.hub.sync.first_runs import start_first_runs

        accounts_chosen.connect(start_first_runs, dispatch_uid="sync.start_first_runs")
