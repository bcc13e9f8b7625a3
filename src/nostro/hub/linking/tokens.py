"""Access tokens of banks that want them besides the consent: sealed, refreshed before they end (connectors.md 4.1).

A refresh token may be good for one use only, and using it twice can end everything that came from it. So one process at
a time refreshes the tokens of a consent, and the next ones are stored before the new access token is used. A process
that is killed between the bank's answer and the store has lost them; then the person renews.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from django.db import connection as database

from nostro.connectors.contract import Clock, Connector, Tokens
from nostro.connectors.errors import ConsentExpired
from nostro.hub.linking.models import Consent
from nostro.keys.envelope import value_context
from nostro.web.secrets import open_sealed, seal

#: A token that ends this soon is not sent any more: the bank's clock may be ahead, and a request takes its time.
MARGIN = dt.timedelta(seconds=60)


class StoredTokens:
    """The tokens of one consent, as :class:`nostro.connectors.contract.TokenSource`."""

    def __init__(self, consent: Consent, connector: Connector, clock: Clock) -> None:
        self._consent, self._connector, self._clock = consent, connector, clock
        self._tokens = open_tokens(consent)
        self._refused = ""
        self._fresh = ""

    def get(self) -> str:
        """A token that is good for another minute. Raises ``ConsentExpired`` where the bank gives no more."""
        if not self._is_good(self._tokens):
            with _alone(self._consent):
                # Somebody else may have been faster.
                self._consent.refresh_from_db(fields=["sealed_tokens"])
                self._tokens = open_tokens(self._consent)
                if not self._is_good(self._tokens):
                    self._refresh()
        assert self._tokens is not None
        return self._tokens.access_token

    def refused(self, access_token: str) -> None:
        """The next :meth:`get` refreshes. Raises ``ConsentExpired`` where the token was fresh (connectors.md 1.7)."""
        if access_token == self._fresh:
            raise ConsentExpired("The bank does not take its own new access token.")
        self._refused = access_token

    def _is_good(self, tokens: Tokens | None) -> bool:
        if tokens is None or tokens.access_token == self._refused:
            return False
        return tokens.expires_at - MARGIN > self._clock()

    def _refresh(self) -> None:
        if self._tokens is None:
            raise ConsentExpired("The access tokens of this connection are not known any more.", reached_bank=False)
        following = self._connector.refresh_tokens(self._tokens)
        sealed = seal_tokens(self._consent, following)
        Consent.objects.filter(pk=self._consent.pk).update(sealed_tokens=sealed)
        self._tokens, self._fresh = following, following.access_token


def seal_tokens(consent: Consent, tokens: Tokens | None) -> bytes | None:
    """The tokens as they are stored with their consent."""
    if tokens is None:
        return None
    written = json.dumps({**asdict(tokens), "expires_at": tokens.expires_at.isoformat()})
    return seal(written, context=_context(consent))


def open_tokens(consent: Consent) -> Tokens | None:
    """The stored tokens of a consent, None where its bank needs none."""
    if consent.sealed_tokens is None:
        return None
    values = json.loads(open_sealed(consent.sealed_tokens, context=_context(consent)))
    return Tokens(**{**values, "expires_at": dt.datetime.fromisoformat(values["expires_at"])})


@contextmanager
def _alone(consent: Consent) -> Iterator[None]:
    """One process at a time, without a transaction: the bank is asked in between. A dead process lets go by itself."""
    with database.cursor() as cursor:
        key = [f"linking.tokens:{consent.pk}"]
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", key)
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", key)


def _context(consent: Consent) -> str:
    return value_context("linking_consent", "sealed_tokens", consent.pk)
