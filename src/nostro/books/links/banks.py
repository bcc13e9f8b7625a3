"""Which banks the preset Hub serves (books.md 4, step 0)."""

from __future__ import annotations

from django.conf import settings

from nostro.books.hub_client.errors import HubError
from nostro.books.hub_client.values import HubInstitution
from nostro.books.links.hub import client_for, problem_of


def search_banks(name: str, limit: int = 20) -> list[HubInstitution]:
    """Banks of the Hub's public list by a part of their name, those it can link first.

    Raises :class:`Problem` when the Hub does not answer.
    """
    client = client_for(settings.DEFAULT_HUB_URL, "", "")
    try:
        return sorted(client.search_institutions(name, limit), key=lambda bank: bank.consent_days is None)
    except HubError as error:
        raise problem_of(error) from None
