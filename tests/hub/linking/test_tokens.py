"""Refresh tokens that are good for one use only: one process refreshes, the others take what it stored."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Lock
from typing import Any

import pytest
from django.db import connection as database
from tests.hub.linking.conftest import make_world

from nostro.connectors.contract import Tokens
from nostro.connectors.errors import ConsentExpired
from nostro.hub.linking.models import Consent
from nostro.hub.linking.tokens import StoredTokens, open_tokens, seal_tokens

NOW = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)
PROCESSES = 4


class OneUse:
    """An OAuth server that ends everything when a refresh token comes back (RFC 9700 section 4.14.2)."""

    def __init__(self) -> None:
        self.uses: list[str] = []
        self._lock = Lock()

    def refresh_tokens(self, tokens: Tokens) -> Tokens:
        with self._lock:
            assert tokens.refresh_token is not None
            if tokens.refresh_token in self.uses:
                raise ConsentExpired(code="invalid_grant")
            self.uses.append(tokens.refresh_token)
            number = len(self.uses)
        return replace(
            tokens,
            access_token=f"access-{number}",
            refresh_token=f"refresh-{number}",
            expires_at=NOW + dt.timedelta(minutes=15),
        )


class Killed(BaseException):
    """What kill -9 is to the code."""


def stored(address: str, *, expires_at: dt.datetime = NOW) -> Consent:
    world = make_world(address)
    connection, _ = world.link()
    consent = Consent.objects.get(connection=connection)
    first = Tokens("access-0", expires_at, "https://bank.example/token", "nostro", "refresh-0")
    Consent.objects.filter(pk=consent.pk).update(sealed_tokens=seal_tokens(consent, first))
    return Consent.objects.get(pk=consent.pk)


def source_of(consent: Consent, server: Any) -> StoredTokens:
    return StoredTokens(Consent.objects.get(pk=consent.pk), server, lambda: NOW)


@pytest.mark.parametrize("why", ["over", "refused"])
@pytest.mark.django_db(transaction=True)
def test_processes_that_need_a_token_at_once_use_one_refresh(bank_address: str, why: str) -> None:
    later = NOW + dt.timedelta(minutes=10)
    consent, server = stored(bank_address, expires_at=NOW if why == "over" else later), OneUse()
    gate = Barrier(PROCESSES)

    def process(_: int) -> str:
        try:
            source = source_of(consent, server)
            if why == "refused":
                source.refused(source.get())
            gate.wait(10)
            return source.get()
        finally:
            database.close()

    with ThreadPoolExecutor(PROCESSES) as pool:
        assert list(pool.map(process, range(PROCESSES))) == ["access-1"] * PROCESSES
    assert server.uses == ["refresh-0"]
    kept = open_tokens(Consent.objects.get(pk=consent.pk))
    assert kept is not None and kept.refresh_token == "refresh-1"


@pytest.mark.django_db(transaction=True)
def test_a_process_that_dies_while_it_refreshes_blocks_nobody(bank_address: str) -> None:
    """Killed before the bank heard of it, nothing is lost; killed between the bank's answer and the store, the tokens
    are, and the next process says that the person must renew instead of asking for ever."""
    consent, server = stored(bank_address), OneUse()

    class Dying(OneUse):
        def refresh_tokens(self, tokens: Tokens) -> Tokens:
            raise Killed

    class DyingLate(OneUse):
        def refresh_tokens(self, tokens: Tokens) -> Tokens:
            server.refresh_tokens(tokens)
            raise Killed

    def die(dying: OneUse) -> None:
        try:
            with pytest.raises(Killed):
                source_of(consent, dying).get()
        finally:
            database.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(die, Dying()).result(10)
        assert source_of(consent, server).get() == "access-1"
        Consent.objects.filter(pk=consent.pk).update(
            sealed_tokens=seal_tokens(consent, Tokens("a", NOW, "https://bank.example/token", "nostro", "refresh-1"))
        )
        pool.submit(die, DyingLate()).result(10)
    assert server.uses == ["refresh-0", "refresh-1"]
    with pytest.raises(ConsentExpired):
        source_of(consent, server).get()


@pytest.mark.django_db(transaction=True)
def test_a_fresh_token_that_the_bank_refuses_ends_the_consent(bank_address: str) -> None:
    consent, server = stored(bank_address), OneUse()
    source = source_of(consent, server)
    fresh = source.get()
    with pytest.raises(ConsentExpired):
        source.refused(fresh)
