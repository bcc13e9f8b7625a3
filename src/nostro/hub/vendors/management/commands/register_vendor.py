"""``register_vendor NAME URI…``: the operator lets a vendor's software use /ponto-connect. Shows its secret once."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from nostro.hub.vendors.services import register_application
from nostro.web.errors import Problem


class Command(BaseCommand):
    help = "Register a vendor's software for /ponto-connect and show its client id and secret, once."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("redirect_uris", nargs="+", metavar="redirect-uri")
        parser.add_argument("--sandbox", action="store_true", help="for sandbox accounts instead of live ones")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            application, secret = register_application(
                name=options["name"], redirect_uris=options["redirect_uris"], is_sandbox=options["sandbox"],
                now=timezone.now(),
            )  # fmt: skip
        except Problem as problem:
            raise CommandError(f"{problem.what} {problem.what_to_do}") from None
        self.stdout.write(f"client id      {application.client_id}\nclient secret  {secret}\n")
