"""The REST API of the Books: every endpoint for its person, none for the neighbour or a reader (books.md 14.5)."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal

import pytest
from django.test import Client
from tests.books.api.conftest import Ask, asking
from tests.books.conftest import NOW
from tests.books.hub_server import ScriptedAccount, ScriptedHub

from nostro.books.api.openapi import document
from nostro.books.api.routing import ENDPOINTS, Endpoint
from nostro.books.api.tokens import create_token, revoke_token
from nostro.books.companies.models import Company, CompanyMember, Role
from nostro.books.companies.services import create_company
from nostro.books.journals.models import Line
from nostro.books.ledger.models import Document
from nostro.books.links.models import JournalLink
from nostro.people.models import AuditRecord, User


def address(endpoint: Endpoint, keys: dict[str, uuid.UUID]) -> str:
    return endpoint.path.replace("<uuid:key>", str(keys.get(endpoint.path.split("/", maxsplit=1)[0])))


def test_every_endpoint_answers_its_person_and_nobody_else(
    owner: User, stranger: User, company: Company, ask: Ask, keys: dict[str, uuid.UUID]
) -> None:
    """The neighbour is somebody of another company; the second one is the owner with a token for another company."""
    other = create_company(stranger, name="Other", country="BE")
    second = create_company(owner, name="Second", country="BE")
    neighbours = [asking(create_token(stranger, other, name="x", now=NOW)[1]),
                  asking(create_token(owner, second, name="x", now=NOW)[1])]  # fmt: skip
    before = AuditRecord.objects.count()
    for endpoint in ENDPOINTS:
        path = address(endpoint, keys)
        if endpoint.method == "GET":
            status, answer = ask("GET", path)
            assert status == 200, (path, answer)
            json.dumps(answer, default=str)
        if "<uuid:key>" in endpoint.path:
            for neighbour in neighbours:
                status, answer = neighbour(endpoint.method, path, {})
                assert (status, answer["errors"][0]["code"]) == (404, "resourceNotFound"), path
        else:
            for neighbour in neighbours if endpoint.method == "GET" else []:
                found = json.dumps(neighbour("GET", path)[1], default=str)
                assert not any(str(key) in found for key in keys.values()), path
        status, answer = asking("nostro_books_guess")(endpoint.method, path, {})
        assert (status, answer["errors"][0]["code"]) == (401, "credentialsInvalid")
    assert AuditRecord.objects.count() == before


DRAFT = {"kind": "invoice", "partnerName": "B", "date": "2026-11-01", "amount": 5}
BODIES: dict[str, dict[str, object]] = {
    "connections": {"hubUrl": "http://127.0.0.1:1", "clientId": "a", "secret": "b"},
    "journals": {"name": "X", "currency": "EUR"},
    "documents": {"kind": "invoice", "partnerName": "B", "number": "2", "date": "2026-11-01", "amount": 5},
    "create_links": {"rows": [{"accountId": str(uuid.uuid4()), "action": "create"}]},
    "move_link": {"journalId": str(uuid.uuid4())}, "set_automatic": {"automaticSynchronization": True},
    "update_credentials": {"clientId": "a", "secret": "b"}, "preview_credentials": {"clientId": "a", "secret": "b"},
    "add_line": {"date": "2026-11-01", "amount": 5, "label": "x"}, "remove_line": {"reason": "x"},
    "create_match": {"accountId": str(uuid.uuid4())}, "check_line": {"toCheck": True},
    "connections/token": {"hubUrl": "http://127.0.0.1:1", "apiToken": "a"}, "change_contacts": {"addresses": []},
    "import_found": {"transactionIds": [str(uuid.uuid4())]}, "note": {"note": "x"},
    "link_to_entry": {"entryId": str(uuid.uuid4())},
    "choose": {"key": "x"}, "rules": {"name": "x", "kind": "manual", "definition": {}},
    "edit_rule": {"name": "x", "definition": {}}, "rules/order": {"ruleIds": []}, "change_member": {"role": "owner"},
    "invitations": {"email": "new@example.test", "role": "reader"}, "lock": {"lockDate": None},
    "payments": {"journalId": str(uuid.uuid4()), "date": "2026-11-01", "payments": [{"itemId": str(uuid.uuid4())}]},
    "change": {"state": "cancelled"}, "suspense-account": {"accountId": str(uuid.uuid4())},
    "drafts": DRAFT, "edit_draft": {**DRAFT, "version": 1}, "entries": {"date": "2026-11-01", "sides": []},
    "close_line": {"itemIds": [str(uuid.uuid4())], "rests": [{"accountId": str(uuid.uuid4())}]},
    "state_foreign": {"amount": 5, "currency": "USD"}, "change_line_partner": {"partnerId": None},
    "book_line_to_partner": {"purpose": "receivable"}, "partners": {"name": "x"},
    "add_partner_number": {"accountNumber": "BE68539007547034"},
    "switch_partner_number": {"numberId": str(uuid.uuid4()), "active": True},
    "import_accounts": {"file": ""}, "import_documents": {"file": ""}, "upload_invoice": {"file": ""},
    "document-settings": {"references": "rf"}, "reconcile-settings": {"enabled": True},
    "exchange-rates": {"currency": "USD", "validFrom": "2026-11-01", "rate": "0.9"},
}  # fmt: skip


def test_a_reader_reads_and_changes_nothing(stranger: User, company: Company, keys: dict[str, uuid.UUID]) -> None:
    CompanyMember.objects.create(company=company, user=stranger, role=Role.READER)
    reader = asking(create_token(stranger, company, name="x", now=NOW)[1])
    before = AuditRecord.objects.count()
    for endpoint in ENDPOINTS:
        body = BODIES.get(endpoint.path) or BODIES.get(endpoint.handler.__name__) or {}
        status, answer = reader(endpoint.method, address(endpoint, keys), body if endpoint.method == "POST" else None)
        assert status == (200 if endpoint.method == "GET" else 403), (endpoint.path, answer)
    assert AuditRecord.objects.count() == before


def test_amounts_are_exact_numbers(ask: Ask, link: JournalLink) -> None:
    Line.objects.filter(amount=7).update(suspense_residual=Decimal("12345678901234567.89"))
    response = ask("GET", "lines?limit=3")[1]

    assert [each["attributes"]["amount"] for each in response["data"]][:2] == [Decimal("-50.10"), Decimal("121.00")]
    assert response["data"][2]["attributes"]["residual"] == Decimal("12345678901234567.89")


def test_pages_follow_each_other(ask: Ask, link: JournalLink) -> None:
    for path in ("lines", "accounts", "audit-records"):
        whole = [each["id"] for each in ask("GET", f"{path}?limit=100")[1]["data"]]
        seen, after = list[str](), ""
        for _page in range(200):
            answer = ask("GET", f"{path}?limit=2{after}")[1]
            seen += [each["id"] for each in answer["data"]]
            if answer["meta"]["paging"]["after"] is None:
                break
            after = f"&after={answer['meta']['paging']['after']}"
        assert seen == whole
    assert ask("GET", "accounts?after=nothing")[1]["errors"][0]["code"] == "invalidCursor"
    assert ask("GET", "lines?limit=0")[1]["errors"][0]["code"] == "validationError"
    assert ask("GET", f"lines?after={uuid.uuid4()}")[0] == 404


def test_a_key_is_answered_once(ask: Ask, company: Company) -> None:
    body = {"kind": "invoice", "partnerName": "A", "number": "7", "date": "2026-11-01", "amount": "12.30"}
    first = ask("POST", "documents", body, Idempotency_Key="k1")
    again = ask("POST", "documents", body, Idempotency_Key="k1")

    assert first == again
    assert Document.objects.count() == 1
    status, answer = ask("POST", "documents", {**body, "number": "8"}, Idempotency_Key="k1")
    assert (status, answer["errors"][0]["code"]) == (400, "idempotencyKeyReused")
    assert ask("POST", "documents", {**body, "amount": "-1"}, Idempotency_Key="k2")[0] == 400
    assert ask("POST", "documents", {**body, "number": "9"}, Idempotency_Key="k2")[0] == 200


def test_a_line_is_matched_and_the_match_undone(ask: Ask, company: Company, link: JournalLink) -> None:
    document = ask("POST", "documents", {"kind": "invoice", "partnerName": "A", "number": "7", "date": "2026-11-01",
                                         "amount": "121.00"})[1]["data"]  # fmt: skip
    line = Line.objects.get(amount=121)
    item = document["relationships"]["openItem"]["data"]["id"]
    status, match = ask("POST", f"lines/{line.id}/matches", {"itemIds": [item]})
    assert status == 200, match
    assert ask("GET", f"lines/{line.id}")[1]["data"]["attributes"]["reconciled"] is True

    assert ask("POST", f"matches/{match['data']['id']}/undo")[0] == 200
    assert ask("GET", f"documents/{document['id']}")[1]["data"]["attributes"]["residual"] == Decimal("121.00")


def test_a_hub_is_connected_and_its_accounts_are_linked(ask: Ask, company: Company, hub: ScriptedHub) -> None:
    hub.accounts = [ScriptedAccount(), ScriptedAccount(reference="BE71096123456769")]
    pair = {"hubUrl": hub.url, "clientId": hub.client_id, "secret": hub.secret}
    connection = ask("POST", "connections", pair)[1]["data"]["id"]
    accounts = ask("GET", f"connections/{connection}/accounts")[1]["data"]
    rows = [{"accountId": each["id"], "action": "link"} for each in accounts]
    status, refused = ask("POST", f"connections/{connection}/links", {"rows": rows})
    assert (status, [error["code"] for error in refused["errors"]]) == (400, ["L-JOURNAL-MISSING"] * 2)

    rows = [{**row, "action": "create", "fetchFrom": "2026-11-01"} for row in rows]
    status, made = ask("POST", f"connections/{connection}/links", {"rows": rows})
    assert status == 200, made
    link = made["data"][0]["id"]
    assert ask("POST", f"links/{link}", {"fetchSchedule": "1h"})[1]["data"]["attributes"]["fetchSchedule"] == "1h"
    assert ask("POST", f"connections/{connection}/fetch")[1]["data"][0]["attributes"]["status"] == "queued"
    assert hub.secret not in json.dumps(ask("GET", f"connections/{connection}")[1])


@pytest.mark.parametrize(
    "raw", [b"{", b"[]", b'{"data": 1}', b'{"data": {"attributes": []}}', b"\xff", b"[" * 5000],
    ids=["cut", "list", "number", "attributes", "bytes", "deep"],
)  # fmt: skip
def test_bad_bodies_are_refused(raw: bytes, ask: Ask, company: Company) -> None:
    status, answer = ask("POST", "documents", raw=raw)
    assert (status, answer["errors"][0]["code"]) == (400, "validationError")
    assert answer["errors"][0]["meta"]["requestId"]


def test_a_revoked_token_and_an_unknown_path_and_verb(owner: User, company: Company) -> None:
    token, text = create_token(owner, company, name="x", now=NOW)
    asks = asking(text)
    assert asks("DELETE", "company")[0] == 405
    assert asks("GET", "nothing/here")[0] == 404
    assert asks("GET", "lines/two%0Alines")[0] == 404, "which programs can read"
    revoke_token(owner, token.id, now=NOW)
    assert asks("GET", "company")[0] == 401
    CompanyMember.objects.all().delete()
    other = create_token(owner, create_company(owner, name="N", country="BE"), name="x", now=NOW)[1]
    CompanyMember.objects.all().delete()
    assert asking(other)("GET", "company")[0] == 401


@pytest.mark.django_db
def test_the_openapi_document_names_every_endpoint() -> None:
    found = json.loads(Client().get("/books/api/openapi.json").content)

    assert found == json.loads(json.dumps(document()))
    operations = [(path, verb) for path, verbs in found["paths"].items() for verb in verbs]
    assert len(operations) == len(ENDPOINTS) == len(set(operations))
    names = [verb["operationId"] for verbs in found["paths"].values() for verb in verbs.values()]
    assert len(names) == len(set(names))
