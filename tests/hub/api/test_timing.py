"""A wrong id and a foreign one cost the same questions to the database, so that their timing tells nothing."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests import factories
from tests.hub.api.conftest import Street

from nostro.hub.integrations import credentials, tokens
from nostro.web import hot_reads


@pytest.fixture
def filled(street: Street) -> Street:
    for account in (street.account, street.foreign, street.hidden):
        factories.synchronization(account)
        factories.transactions(account, 2)
        factories.pending_transactions(account, 1)
    return street


def questions(street: Street, path: str) -> list[str]:
    """The statements of a refused request, without the values in them."""
    asked: list[str] = []
    send = hot_reads._sent

    def noted(sql: str, arguments: Any) -> Any:
        asked.append(sql)
        return send(sql, arguments)

    with pytest.MonkeyPatch.context() as patch, CaptureQueriesContext(connection) as captured:
        patch.setattr(hot_reads, "_sent", noted)
        reply = street.caller.get(path)
    assert reply.status in {400, 404}
    return asked + [re.sub(r"'[^']*'", "?", query["sql"]) for query in captured.captured_queries]


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/{account}", "/accounts/{account}/transactions", "/accounts/{account}/pending-transactions",
        "/accounts/{account}/transactions/{row}", "/synchronizations/{run}",
        "/synchronizations/{run}/updated-transactions",
        "/accounts/{own}/transactions/{row}", "/accounts/{own}/transactions?after={row}",
    ],
)  # fmt: skip
def test_foreign_and_unknown_ids_are_asked_for_alike(filled: Street, path: str) -> None:
    street = filled
    street.caller.get("/accounts")  # notes the use of the integration once a minute
    street.caller.get(f"/accounts/{street.account.id}/transactions")
    asked = []
    for account in (street.foreign, street.hidden, None):
        run = None if account is None else account.synchronizations.get()
        row = None if account is None else account.transactions.first()
        ids = {
            "own": street.account.id,
            "account": uuid.uuid4() if account is None else account.id,
            "run": uuid.uuid4() if run is None else run.id,
            "row": uuid.uuid4() if row is None else row.id,
        }
        asked.append(questions(street, path.format(**ids)))
    assert asked[0] == asked[1] == asked[2] and asked[0]


def test_a_client_id_that_nobody_has_is_checked_as_long_as_a_wrong_secret(street: Street) -> None:
    seen: list[str] = []
    verify = credentials.verify_secret

    def counted(secret: str, stored: str) -> bool:
        seen.append(stored.split("$", maxsplit=1)[0])
        return verify(secret, stored)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "verify_secret", counted)
        assert street.caller.integration is not None
        for client in (street.caller.integration.client_id, str(uuid.uuid4())):
            assert tokens.issue_access_token(client, "wrong", "", factories.NOW) is None
    assert seen == ["machine", "machine"]
