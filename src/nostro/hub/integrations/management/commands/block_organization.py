"""``block_organization ORGANIZATION [--undo]``: shut the software of an organization out, or let it in again."""

from __future__ import annotations

import argparse
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from nostro.hub.integrations.blocking import block_organization, unblock_organization
from nostro.web.errors import NotFound


class Command(BaseCommand):
    help = "Refuse every token of an organization's integrations from the next request on; --undo allows them again."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("organization", type=uuid.UUID, help="the id of the organization")
        parser.add_argument("--undo", action="store_true", help="let its software in again")

    def handle(self, *args: Any, **options: Any) -> None:
        act = unblock_organization if options["undo"] else block_organization
        try:
            changed = act(options["organization"], timezone.now())
        except NotFound:
            raise CommandError("There is no such organization.") from None
        self.stdout.write("Done." if changed else "It was so already.")
