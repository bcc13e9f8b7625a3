"""Bank files by the API: a person hands in, looks, imports, undoes; accounts are written (decision 0035)."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import uuid
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest
from tests import factories
from tests.hub.accounts.factories import make_account
from tests.hub.api.client import Caller, Reply, caller_for
from tests.hub.api.conftest import Street
from tests.hub.api.shapes import require_shape_of_example
from tests.hub.files.factories import IBANS, camt, entry, imported, live, report, statement

from nostro.core.transactions import Window
from nostro.hub.accounts.models import Account
from nostro.hub.api import bank_file_examples, bank_files, dispatcher, examples, openapi
from nostro.hub.api.endpoints import ENDPOINTS
from nostro.hub.api.models import IdempotentRequest
from nostro.hub.files import exporting, working
from nostro.hub.files.models import FileImport
from nostro.hub.integrations.personal import create_personal_token
from nostro.hub.organizations.models import Membership, Role
from nostro.web.received import receive

NOW = factories.NOW
ROWS = [entry(day=10), entry(day=10), entry("-20.00", 11, "Bread")]
CALLS = [each for each in ENDPOINTS if "bank-files" in each.path]


@dataclass
class Desk:
    street: Street
    account: Account
    owner: Caller
    member: Caller
    neighbour: Caller
    other_token: Caller  # of the owner, for another organization


def person(member: Membership) -> Caller:
    caller = Caller()
    _, caller.token = create_personal_token(member.user, member.organization, name="Laptop", now=NOW)
    return caller


@pytest.fixture
def desk(street: Street) -> Desk:
    member = factories.membership(street.owner.organization, role=Role.MEMBER)
    stranger = Membership.objects.get(organization=street.foreign.organization)
    elsewhere = Membership.objects.create(
        user=street.owner.user, organization=factories.membership().organization, role=Role.OWNER
    )
    account = make_account(street.owner.organization)
    return Desk(street, account, person(street.owner), person(member), person(stranger), person(elsewhere))


def send(caller: Caller, data: bytes, query: str = "", **headers: str) -> Reply:
    headers = {"authorization": f"Bearer {caller.token}", "content_type": "application/octet-stream", **headers}
    return caller.send("POST", f"/bank-files{query}", data, **headers)


def handed_in(desk: Desk, data: bytes, query: str = "?name=november.xml") -> str:
    """A file that a worker has read; its id."""
    reply = send(desk.owner, data, query)
    assert reply.status == 201, reply.body
    file_id = str(reply.json["data"]["id"])
    assert reply.json["data"]["attributes"]["status"] == "received"
    working.read_file(uuid.UUID(file_id), clock=lambda: NOW)
    return file_id


def data(reply: Reply) -> Any:
    assert reply.status in {200, 201}, reply.body
    return reply.json["data"]


def ask(caller: Caller, file_id: str, **attributes: Any) -> Reply:
    return caller.call("POST", f"/bank-files/{file_id}/import", {"data": {"attributes": attributes}})


def test_a_file_is_handed_in_looked_at_imported_and_undone(desk: Desk) -> None:
    file_id = handed_in(desk, camt(statement(ROWS, iban=desk.account.reference)))
    one = data(desk.owner.get(f"/bank-files/{file_id}"))["attributes"]
    assert (one["status"], one["format"], one["name"], one["rowsRead"]) == ("waiting", "camt.053", "november.xml", 3)
    [account] = data(desk.owner.get(f"/bank-files/{file_id}/accounts"))
    told = account["attributes"]
    assert (told["accountId"], told["newCount"], told["knownCount"]) == (str(desk.account.pk), 3, 0)
    [found] = data(desk.member.get(f"/bank-files/{file_id}/statements"))
    assert found["attributes"]["proof"] == "proved" and str(found["attributes"]["debitSum"]) == "-27"
    assert found["attributes"]["bankFileAccountId"] == account["id"]
    first = desk.owner.get(f"/bank-files/{file_id}/rows?limit=2")
    assert [int(row["attributes"]["number"]) for row in data(first)] == [1, 2]
    [last] = data(desk.owner.follow(first.json["links"]["next"]))
    assert str(last["attributes"]["amount"]) == "-20" and last["attributes"]["remittanceInformation"] == "Bread"

    for _ in range(2):  # a repeated click
        assert data(ask(desk.owner, file_id))["attributes"]["status"] == "importing"
    working.store_file(uuid.UUID(file_id), clock=lambda: NOW)
    assert [day for day, *_ in live(desk.account)] == [10, 10, 11]
    assert data(desk.owner.get("/bank-files"))[0]["attributes"]["importedAt"] is not None
    assert ask(desk.owner, file_id).status == 201
    assert desk.owner.call("DELETE", f"/bank-files/{file_id}").code == "fileNotInThisState"
    for _ in range(2):
        undone = desk.owner.call("DELETE", f"/bank-files/{file_id}/import")
        assert data(undone)["attributes"]["status"] == "undone" and live(desk.account) == []


def test_an_unknown_account_is_asked_about_and_a_wrong_balance_needs_a_reason(desk: Desk) -> None:
    bad = camt(statement(ROWS, iban=desk.account.reference)).replace(b"973.00", b"974.00")
    file_id = handed_in(desk, bad)
    one = data(desk.owner.get(f"/bank-files/{file_id}"))["attributes"]
    assert one["quarantined"] is True and one["problems"][0]["code"] == "F-BALANCE"
    assert ask(desk.owner, file_id).code == "F-BALANCE"
    assert data(ask(desk.owner, file_id, reason="The bank confirmed it."))["attributes"]["status"] == "importing"

    unknown = handed_in(desk, camt(statement(ROWS, iban=IBANS[2])))
    assert ask(desk.owner, unknown).code == "accountUndecided"
    [account] = data(desk.owner.get(f"/bank-files/{unknown}/accounts"))
    same = {"id": account["id"], "decision": "same", "account_id": str(desk.street.foreign.pk)}
    assert ask(desk.owner, unknown, accounts=[{**same, "accountId": same["account_id"]}]).status == 404
    skip = {"id": account["id"], "decision": "skip"}
    assert ask(desk.owner, unknown, accounts=[skip]).code == "nothingToImport"
    assert data(desk.owner.call("DELETE", f"/bank-files/{unknown}"))["id"] == unknown
    for wrong in ({"accounts": [{"id": "x"}]}, {"addHeld": "yes"}, {"reason": "x" * 501}, {"accounts": 3}):
        refused = ask(desk.owner, file_id, **wrong)
        assert refused.status == 400 and refused.code == "validationError"


def test_the_examples_of_the_documentation_have_the_shape_of_answers(desk: Desk) -> None:
    """Each example's body is sent as it stands, but for ids; a file is in the state that the call is about."""
    file_id = handed_in(desk, camt(statement(ROWS, iban=IBANS[2])))
    [account] = data(desk.owner.get(f"/bank-files/{file_id}/accounts"))
    other_id = handed_in(desk, camt(statement(ROWS[2:], iban=IBANS[1])))
    for example in bank_file_examples.CALLS:
        verb, path, body = example.verb, example.path, example.body
        if (verb, path) == ("DELETE", "/bank-files/{bankFileId}/import"):
            working.store_file(uuid.UUID(file_id), clock=lambda: NOW)
        document = examples.body_of(verb, path)
        if body and "accounts" in body:
            decision = {**body["accounts"][0], "id": account["id"], "accountId": str(desk.account.pk)}
            document["data"]["attributes"]["accounts"] = [decision]
        # What is read anew, and what is discarded, is another file than the one that is imported and undone.
        subject = other_id if path.endswith("}") and verb != "GET" else file_id
        if (verb, path) == ("POST", "/bank-files"):
            reply = send(desk.owner, camt(statement(ROWS[:1], iban=IBANS[0])))
        else:
            reply = desk.owner.call(verb, path.replace("{bankFileId}", subject), document)
        require_shape_of_example(reply, verb, path)
        shown, found = examples.answer_of(verb, path)["data"], data(reply)
        if isinstance(shown, dict) and "attributes" in shown:
            assert found["attributes"]["status"] == shown["attributes"]["status"], path


def test_what_is_no_file_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert send(desk.owner, b"").code == "validationError"
    assert send(desk.owner, b"x", content_type="multipart/form-data; boundary=x").code == "validationError"
    assert send(desk.owner, b"x", "?sandbox=maybe").json["errors"][0]["meta"]["attribute"] == "sandbox"
    assert send(desk.owner, b"x", content_length="2").code == "validationError"
    assert send(desk.owner, b"x", content_length="-2").code == "validationError"
    assert send(desk.owner, b"x", f"?accountId={desk.street.foreign.pk}").status == 404
    assert send(desk.other_token, b"x", f"?accountId={desk.account.pk}").status == 404
    monkeypatch.setattr(dispatcher, "MAX_UPLOAD_BYTES", 10)
    refused = send(desk.owner, b"x" * 11)
    assert refused.code == "F-TOO-LARGE" and FileImport.objects.count() == 0
    assert refused.json["errors"][0]["meta"]["requestId"] == refused.headers["ibanity-request-id"]


def test_a_chunked_body_ends_at_the_limit() -> None:
    environ = {"wsgi.input_terminated": True}
    received = receive({**environ, "wsgi.input": io.BytesIO(b"x" * 100_000)}, 100_000)
    assert received.size == 100_000 and b"".join(received.chunks()) == b"x" * 100_000
    with pytest.raises(Exception, match="too large"):
        receive({**environ, "wsgi.input": io.BytesIO(b"x" * 100_001)}, 100_000)


def test_a_repeated_key_takes_a_file_once(desk: Desk) -> None:
    content = camt(statement(ROWS, iban=desk.account.reference))
    first, again = (send(desk.owner, content, ibanity_idempotency_key="once") for _ in range(2))
    assert again.headers["idempotent-replayed"] == "true" and data(again)["id"] == data(first)["id"]
    assert send(desk.owner, content + b" ", ibanity_idempotency_key="once").code == "idempotencyKeyReused"
    assert (FileImport.objects.count(), IdempotentRequest.objects.count()) == (1, 1)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.verb} {call.path}")
def test_the_neighbour_is_refused_and_roles_hold(desk: Desk, call: Any) -> None:
    file_id = handed_in(desk, camt(statement(ROWS, iban=desk.account.reference)))
    path = call.path.replace("{bankFileId}", file_id)

    def attempt(caller: Caller) -> Reply:
        if call.takes_file:
            return send(caller, b"x", f"?accountId={desk.account.pk}")
        return caller.call(call.verb, path, {"data": {"attributes": {}}} if call.verb in {"POST", "PATCH"} else None)

    assert attempt(desk.street.caller).code == "insufficientScope"  # an integration
    assert desk.owner.send(call.verb, path).status == 401
    for stranger in (desk.neighbour, desk.other_token):
        reply = attempt(stranger)
        assert reply.status == 404 or (reply.status == 200 and reply.json["data"] == [])
    if call.verb != "GET":
        assert attempt(desk.member).code == "insufficientScope"
        assert FileImport.objects.get().status == "waiting"
        return
    reply = attempt(desk.member)
    answers = openapi.document()["paths"][call.path]["get"]["responses"]
    schema = answers["200"]["content"]["application/json"]["schema"]
    assert reply.json["data"]
    jsonschema.validate(json.loads(reply.body), {**schema, "components": openapi.document()["components"]})


# --- accounts as files


def test_an_account_is_written_as_a_file_by_whoever_may_read_it(desk: Desk) -> None:
    account = desk.street.account
    factories.transactions(account, 3)
    path = f"/account-files/{account.pk}"
    reply = desk.street.caller.get(path)
    assert (reply.status, reply.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert reply.body.count(b"\r\n") == 4 and int(reply.headers["content-length"]) == len(reply.body)
    assert re.fullmatch(r'attachment; filename="[\w.-]+\.csv"', reply.headers["content-disposition"])
    assert desk.member.get(path).body == reply.body
    assert desk.street.caller.call("HEAD", path).body == b""
    for refused in (desk.neighbour, desk.street.neighbour, desk.other_token):
        assert refused.get(path).status == 404
    assert desk.street.caller.get(f"/account-files/{desk.street.hidden.pk}").status == 404
    assert desk.owner.send("GET", path).status == 401
    assert desk.owner.get(f"/ponto-connect{path}").status in {401, 404}


def test_format_and_period_are_chosen_and_losses_named(desk: Desk) -> None:
    imported(desk.street.owner.user, camt(statement(ROWS, iban=desk.account.reference)), desk.account)
    path = f"/account-files/{desk.account.pk}"
    whole = desk.owner.get(f"{path}?format=mt940")
    assert whole.body.count(b":61:") == 3 and b":62F:" in whole.body
    assert "references" in whole.headers.get(bank_files.LEFT_OUT_HEADER, "")
    part = desk.owner.get(f"{path}?format=mt940&from=2026-10-11&to=2026-10-31")
    assert part.body.count(b":61:") == 1
    for query, code in {
        "format=pdf": "exportFormatUnknown", "from=2026-13-01": "validationError",
        "from=2026-10-02&to=2026-10-01": "exportPeriodInvalid",
    }.items():  # fmt: skip
        assert desk.owner.get(f"{path}?{query}").code == code
    # What was written comes back as a no-op.
    file_id = handed_in(desk, desk.owner.get(f"{path}?format=camt.053").body)
    [told] = data(desk.owner.get(f"/bank-files/{file_id}/accounts"))
    assert (told["attributes"]["newCount"], told["attributes"]["knownCount"]) == (0, 3)


def test_a_period_without_rows_and_one_with_too_many(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    account, today = desk.account, dt.date(2026, 11, 28)
    assert exporting.period_of(account, None, None, today) == Window(today, today)
    later = dt.date(2027, 1, 1)
    assert exporting.period_of(account, later, None, today) == Window(later, later)
    imported(desk.street.owner.user, camt(statement(ROWS, iban=account.reference)), account)
    monkeypatch.setattr(exporting, "MAX_ENTRIES", 2)
    assert desk.owner.get(f"/account-files/{account.pk}").code == "exportTooLarge"


def test_a_table_is_explained_and_the_proved_statements_taken(desk: Desk) -> None:
    table = b"Dag;Tekst;Geld\n13/11/2026;koffie;-2,40\n14/11/2026;brood;-3,40\n"
    file_id = handed_in(desk, table, f"?accountId={desk.account.pk}")
    one = data(desk.owner.get(f"/bank-files/{file_id}"))["attributes"]
    assert (one["status"], one["problems"][0]["code"]) == ("asking", "F-MAPPING")
    columns = {"Dag": "booking_date", "Tekst": "description", "Geld": "amount"}

    def say(**attributes: Any) -> Reply:
        return desk.owner.call("PATCH", f"/bank-files/{file_id}", {"data": {"attributes": attributes}})

    for wrong in ({"mapping": {"columns": {"Dag": "x"}}}, {"encoding": "rot13"}, {"dateOrder": "dm"}, {"mapping": 1}):
        assert say(**wrong).status == 400
    assert data(say(mapping={"columns": columns}, remember=True))["attributes"]["status"] == "received"
    working.read_file(uuid.UUID(file_id), clock=lambda: NOW)
    assert len(data(desk.owner.get(f"/bank-files/{file_id}/rows"))) == 2
    assert ask(desk.owner, file_id, provedOnly=True).code == "nothingProved"


def test_announced_rows_are_pending_transactions_of_the_api_until_they_are_booked(desk: Desk) -> None:
    account = make_account(desk.street.owner.organization, is_sandbox=True)
    reader = caller_for(desk.street.owner, [account])
    undated = re.sub(rb"<BookgDt>.*?</BookgDt>|<ValDt>.*?</ValDt>", b"", report(ROWS[2:], status="PDNG"))
    for body in (undated, report(ROWS[:2])):
        file_id = handed_in(desk, body, f"?accountId={account.pk}")
        [told] = data(desk.owner.get(f"/bank-files/{file_id}/accounts"))
        assert told["attributes"]["announcedCount"] == len(data(desk.owner.get(f"/bank-files/{file_id}/rows")))
        ask(desk.owner, file_id)
        working.store_file(uuid.UUID(file_id), clock=lambda: NOW)
    path = f"/accounts/{account.pk}"
    assert data(reader.get(f"{path}/transactions")) == []
    pending = data(reader.get(f"{path}/pending-transactions"))
    assert sorted(str(each["attributes"]["amount"]) for each in pending) == ["-20", "-3.5", "-3.5"]
    assert desk.street.neighbour.get(f"{path}/pending-transactions").status == 404
    file_id = handed_in(desk, camt(statement(ROWS)), f"?accountId={account.pk}")
    ask(desk.owner, file_id)
    working.store_file(uuid.UUID(file_id), clock=lambda: NOW)
    assert len(data(reader.get(f"{path}/transactions"))) == 3
    left = data(reader.get(f"{path}/pending-transactions"))
    assert [str(each["attributes"]["amount"]) for each in left] == ["-20"], "undated: its day is that of the import"
