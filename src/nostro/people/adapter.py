"""What allauth asks this project: how mails are addressed and how their links are built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings


@dataclass(frozen=True, slots=True)
class Site:
    """What allauth's mails call the current site."""

    name: str
    domain: str


def on_public_address(url: str, public_urls: list[str]) -> str:
    """``url`` with the scheme and host of a public address of this installation.

    A request may name any host (settings, ALLOWED_HOSTS), so its own idea of the host must never reach a mail: a
    stranger could otherwise have a reset link sent that points to their machine. A host that is public stays.
    """
    parts = urlsplit(url)
    known = {(urlsplit(public).scheme, urlsplit(public).netloc) for public in public_urls}
    if (parts.scheme, parts.netloc) in known:
        return url
    public = urlsplit(public_urls[0])
    return urlunsplit((public.scheme, public.netloc, parts.path, parts.query, parts.fragment))


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Mails with our name, and with links that lead to this installation only."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        safe = {
            key: on_public_address(value, settings.PUBLIC_URLS) if key.endswith("_url") and value else value
            for key, value in context.items()
        }
        safe["current_site"] = Site("Nostro", urlsplit(settings.PUBLIC_URL).netloc)
        super().send_mail(template_prefix, email, safe)
