"""Bank files by the API of the Books, from the upload to the undo (decision 0035)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.books.api.conftest import Ask, asking
from tests.books.conftest import NOW
from tests.books.files.steps import IBAN, OTHER, archive
from tests.hub.files.factories import camt, entry, statement

from nostro.books.api import views
from nostro.books.api.tokens import create_token
from nostro.books.companies.models import Company, CompanyMember, Role
from nostro.books.companies.services import create_company
from nostro.books.files import services, working
from nostro.books.files.models import JournalFile, TableMapping
from nostro.books.journals.models import Journal, Line
from nostro.books.journals.services import create_journal
from nostro.people.models import User

ROWS = [entry("-3.50", 10, "Coffee"), entry("-20.00", 11, "Bread")]
CAMT = camt(statement(ROWS, iban=IBAN))
TABLE = b"Dag;Waarde;Wie\n12/11/2026;-2,40;CAFE\n13/11/2026;5,00;KLANT\n"
MAPPING = {"columns": {"Dag": "booking_date", "Waarde": "amount", "Wie": "counterparty_name"}, "sign": "signed"}


@pytest.fixture
def journal(owner: User, company: Company) -> Journal:
    return create_journal(owner, company, name="Bank", currency="EUR", account_number=IBAN)


def send(ask: Ask, content: bytes, query: str = "", **headers: str) -> tuple[int, Any]:
    return ask("POST", f"bank-files{query}", raw=content, content_type="application/octet-stream", **headers)


def worked(answer: tuple[int, Any]) -> str:
    """The id of the file in an answer, when a worker has done what there was to do."""
    assert answer[0] == 200, answer
    file_id = str(answer[1]["data"]["id"])
    assert working.work(JournalFile.objects.get(pk=file_id).pk, clock=lambda: NOW) is not None
    return file_id


def told(ask: Ask, path: str) -> Any:
    status, answer = ask("GET", path)
    assert status == 200, answer
    data = answer["data"]
    return [each["attributes"] for each in data] if isinstance(data, list) else data["attributes"]


def test_from_the_upload_to_the_lines_and_back(ask: Ask, journal: Journal) -> None:
    sent = send(ask, CAMT, "?name=october.xml")
    assert (sent[1]["data"]["type"], sent[1]["data"]["attributes"]["status"]) == ("bankFile", "received")
    path = f"bank-files/{worked(sent)}"
    file = told(ask, path)
    assert (file["name"], file["status"], file["format"], file["newCount"]) == (
        "october.xml", "waiting", "camt.053", 2
    )  # fmt: skip
    [account] = told(ask, f"{path}/accounts")
    assert (account["reference"], account["decision"], account["choices"]) == (IBAN, "import", ["import", "skip"])
    [one] = told(ask, f"{path}/statements")
    assert (one["proof"], one["debitSum"], one["closingBalance"]) == ("proved", Decimal("-23.5"), Decimal("976.5"))
    rows = told(ask, f"{path}/rows")
    assert [(each["amount"], each["remittanceInformation"]) for each in rows] == [
        (Decimal("-3.5"), "Coffee"), (Decimal(-20), "Bread")
    ]  # fmt: skip
    assert not Line.objects.exists()

    worked(ask("POST", f"{path}/import", {}))
    assert ask("POST", f"{path}/import", {})[1]["data"]["attributes"]["status"] == "imported"
    assert sorted(Line.objects.values_list("amount", flat=True)) == [Decimal(-20), Decimal("-3.5")]
    again = ask("GET", f"bank-files/{worked(send(ask, CAMT))}")[1]["data"]
    assert (again["attributes"]["knownCount"], again["attributes"]["newCount"]) == (2, 0)
    assert f"bank-files/{again['relationships']['earlier']['data']['id']}" == path

    undone = [ask("POST", f"{path}/undo", {})[1]["data"]["attributes"]["status"] for _ in range(2)]
    assert undone == ["undone", "undone"]
    assert set(Line.objects.values_list("status", flat=True)) == {"removed"}


def test_pages_of_files_and_rows_follow_each_other(ask: Ask, journal: Journal, owner: User) -> None:
    other = create_journal(owner, journal.company, name="Savings", currency="EUR", account_number=OTHER)
    first = worked(send(ask, CAMT))
    second = worked(send(ask, camt(statement(ROWS, iban=OTHER)), f"?journalId={other.id}"))
    page = ask("GET", "bank-files?limit=1")[1]
    assert ([each["id"] for each in page["data"]], page["meta"]["paging"]["after"]) == ([second], second)
    rest = ask("GET", f"bank-files?limit=1&after={second}")[1]
    assert ([each["id"] for each in rest["data"]], rest["meta"]["paging"]["after"]) == ([first], None)
    assert [each["id"] for each in ask("GET", f"bank-files?journalId={other.id}")[1]["data"]] == [second]
    rows = ask("GET", f"bank-files/{first}/rows?limit=1")[1]
    assert rows["meta"]["paging"]["after"] == "1"
    assert ask("GET", f"bank-files/{first}/rows?after=1")[1]["data"][0]["attributes"]["number"] == 2
    assert ask("GET", f"bank-files/{first}/rows?after=x")[0] == 400


def test_tables_of_an_archive_are_answered(ask: Ask, journal: Journal) -> None:
    path = f"bank-files/{worked(send(ask, archive(a_csv=TABLE, b_xml=CAMT)))}"
    assert told(ask, path)["status"] == "asking"
    [table] = told(ask, f"{path}/tables")
    assert (table["number"], table["name"], table["asked"]) == (1, "a.csv", True)
    assert (table["columns"], table["rows"][0]) == (["Dag", "Waarde", "Wie"], ["12/11/2026", "-2,40", "CAFE"])

    status, refused = ask("POST", path, {"table": 1, "mapping": {"columns": {"Dag": "nothing"}}})
    assert (status, refused["errors"][0]["meta"]["attribute"]) == (400, "mapping")
    assert ask("POST", path, {"table": 7, "mapping": MAPPING})[0] == 404
    body = {"table": 1, "mapping": MAPPING, "account": IBAN, "currency": "EUR", "remember": True}
    worked(ask("POST", path, body))
    assert (told(ask, path)["status"], told(ask, path)["newCount"]) == ("waiting", 4)
    assert told(ask, f"{path}/tables")[0]["mapping"] == MAPPING
    assert TableMapping.objects.get().data == MAPPING


def test_decisions_about_accounts(ask: Ask, journal: Journal) -> None:
    path = f"bank-files/{worked(send(ask, camt(statement(ROWS, iban=IBAN), statement(ROWS, iban=OTHER))))}"
    accounts = ask("GET", f"{path}/accounts")[1]["data"]
    unknown = next(each for each in accounts if each["attributes"]["reference"] == OTHER)
    assert (unknown["attributes"]["decision"], unknown["attributes"]["choices"]) == (None, ["create", "skip"])
    assert ask("POST", f"{path}/import", {})[1]["errors"][0]["code"] == "accountUndecided"
    wrong = [{"id": unknown["id"], "decision": "same"}]
    assert ask("POST", f"{path}/import", {"accounts": wrong})[1]["errors"][0]["code"] == "validationError"
    worked(ask("POST", f"{path}/import", {"accounts": [{"id": unknown["id"], "decision": "create"}]}))
    assert Journal.objects.filter(account_number=OTHER).exists()


def test_a_file_is_taken_once_for_a_key(ask: Ask, journal: Journal) -> None:
    first, again = (send(ask, CAMT, Idempotency_Key="once") for _ in range(2))
    assert first == again
    assert send(ask, CAMT + b" ", Idempotency_Key="once")[1]["errors"][0]["code"] == "idempotencyKeyReused"
    # The same bytes for one journal only are another request.
    other = send(ask, CAMT, f"?journalId={journal.id}", Idempotency_Key="once")
    assert other[1]["errors"][0]["code"] == "idempotencyKeyReused"
    assert JournalFile.objects.count() == 1


def test_what_is_no_file_is_refused(ask: Ask, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert send(ask, b"")[1]["errors"][0]["code"] == "validationError"
    form = ask("POST", "bank-files", raw=b"x", content_type="multipart/form-data; boundary=x")
    assert form[1]["errors"][0]["code"] == "validationError"
    status, refused = send(ask, b"x", "?journal=1")
    assert (status, refused["errors"][0]["meta"]["attribute"]) == (400, "journal")
    monkeypatch.setattr(views, "MAX_UPLOAD_BYTES", 10)
    assert send(ask, b"x" * 11)[1]["errors"][0]["code"] == "F-TOO-LARGE"
    monkeypatch.setattr(services, "MAX_WAITING", 1)
    assert send(ask, b"x" * 10)[0] == 200
    assert send(ask, b"y" * 10)[1]["errors"][0]["code"] == "tooManyFilesWaiting"
    assert JournalFile.objects.count() == 1


def test_a_journal_of_the_neighbour_takes_no_file(owner: User, ask: Ask, stranger: User, journal: Journal) -> None:
    """The stranger, and the owner with a token for another company."""
    elsewhere = create_company(stranger, name="Other", country="BE")
    second = create_company(owner, name="Second", country="BE")
    for user, company in ((stranger, elsewhere), (owner, second)):
        neighbour = asking(create_token(user, company, name="x", now=NOW)[1])
        assert send(neighbour, CAMT, f"?journalId={journal.id}")[0] == 404
        assert neighbour("GET", f"bank-files?journalId={journal.id}")[0] == 404
    assert not JournalFile.objects.exists()


def test_a_clerk_imports_and_does_not_undo(ask: Ask, stranger: User, company: Company, journal: Journal) -> None:
    CompanyMember.objects.create(company=company, user=stranger, role=Role.CLERK)
    clerk = asking(create_token(stranger, company, name="x", now=NOW)[1])
    path = f"bank-files/{worked(send(clerk, CAMT))}"
    worked(clerk("POST", f"{path}/import", {}))
    assert clerk("POST", f"{path}/undo", {})[0] == 403
    assert clerk("POST", f"{path}/discard", {})[1]["errors"][0]["code"] == "fileNotInThisState"
    waiting = f"bank-files/{worked(send(clerk, CAMT))}"
    assert [clerk("POST", f"{waiting}/discard", {})[1]["data"]["attributes"]["status"] for _ in range(2)] == [
        "discarded", "discarded"
    ]  # fmt: skip
