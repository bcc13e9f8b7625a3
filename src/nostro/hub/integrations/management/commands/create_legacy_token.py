"""``create_legacy_token ORGANIZATION``: for software that knows only the single API token. Deprecated."""

from __future__ import annotations

import argparse
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from nostro.hub.integrations.legacy import create_legacy_token
from nostro.hub.organizations.models import Organization
from nostro.web.errors import Problem


class Command(BaseCommand):
    help = "DEPRECATED: make the single API token of an organization and show it, once. Prefer an integration."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("organization", type=uuid.UUID, help="the id of the organization")
        parser.add_argument("--sandbox", action="store_true", help="for sandbox accounts instead of live ones")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = Organization.objects.filter(id=options["organization"]).first()
        if organization is None:
            raise CommandError("There is no such organization.")
        try:
            token = create_legacy_token(organization, is_sandbox=options["sandbox"], now=timezone.now())
        except Problem as problem:
            raise CommandError(f"{problem.what} {problem.what_to_do}") from None
        self.stderr.write("API tokens are deprecated: move the software to an integration and revoke the token.")
        self.stdout.write(f"{token}\n")
