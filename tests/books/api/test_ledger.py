"""Drafts, entries, write-offs, foreign amounts, partners, files and settings over the API (books.md 1)."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest
from tests.books.api.conftest import Ask
from tests.books.api.test_payments import attributes, bill
from tests.books.test_ledger_ubl import invoice

from nostro.books.companies.models import Company
from nostro.books.journals.models import Line
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Document, DocumentDraft, LedgerAccount, MiscEntry, Partner, Purpose
from nostro.books.links.models import JournalLink

INVOICE = {"kind": "invoice", "partnerName": "Customer NV", "date": "2026-11-10", "amount": "121.00",
           "taxes": [{"percent": 21, "net": "100.00"}]}  # fmt: skip


def related(answer: Any, name: str) -> Any:
    return answer["data"]["relationships"][name]["data"]["id"]


def coded(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["errors"][0]["code"]


def sides(company: Company, amount: str) -> list[dict[str, str]]:
    return [
        {"accountId": str(account_for(company, Purpose.RECEIVABLE).id), "amount": amount, "partnerName": "Customer NV",
         "structuredReference": "RF18 1234 5678 9"},
        {"accountId": str(account_for(company, Purpose.SALES).id), "amount": f"-{amount}"},
    ]  # fmt: skip


def test_a_draft_is_made_changed_and_posted_once(ask: Ask, company: Company) -> None:
    status, made = ask("POST", "drafts", INVOICE, Idempotency_Key="one")
    assert status == 200, made
    assert ask("POST", "drafts", INVOICE, Idempotency_Key="one") == (200, made)
    key = made["data"]["id"]
    assert [each["id"] for each in ask("GET", "drafts")[1]["data"]] == [key]
    bare = {name: value for name, value in INVOICE.items() if name != "taxes"}
    changed = ask("POST", f"drafts/{key}", {**bare, "amount": "60.50", "version": 1})[1]
    assert attributes(changed)["version"] == 2 and attributes(changed)["content"]["amount"] == "60.50"
    assert coded(ask("POST", f"drafts/{key}", {**INVOICE, "version": 1})) == (400, "draftStale")
    posted = ask("POST", f"drafts/{key}/post", {"version": 2})
    assert posted[0] == 200 and ask("POST", f"drafts/{key}/post") == posted
    document = ask("GET", f"documents/{related(posted[1], 'document')}")[1]
    assert (attributes(document)["number"], attributes(document)["amount"]) == ("INV/2026/0001", Decimal("60.50"))
    assert attributes(document)["structuredReference"] == "+++026/0000/00137+++"
    assert coded(ask("POST", f"drafts/{key}/delete")) == (400, "draftPosted")
    assert Document.objects.count() == 1


def test_a_draft_is_deleted(ask: Ask, company: Company) -> None:
    key = ask("POST", "drafts", {"kind": "misc", "date": "2026-11-10", "sides": sides(company, "5.00")})[1]["data"][
        "id"
    ]
    assert ask("POST", f"drafts/{key}/delete")[0] == 200
    assert coded(ask("GET", f"drafts/{key}")) == (404, "resourceNotFound") and not DocumentDraft.objects.exists()


def test_an_entry_is_posted_opens_an_item_and_is_reversed(ask: Ask, company: Company) -> None:
    body = {"date": "2026-11-10", "label": "Deposit", "sides": sides(company, "50.00")}
    status, made = ask("POST", "entries", body, Idempotency_Key="e")
    assert status == 200 and ask("POST", "entries", body, Idempotency_Key="e") == (200, made)
    assert attributes(made)["number"] == "MISC/2026/0001" and attributes(made)["label"] == "Deposit"
    (item,) = ask("GET", "open-items")[1]["data"]
    assert (item["attributes"]["residual"], item["attributes"]["partnerName"]) == (Decimal("50.00"), "Customer NV")
    key = made["data"]["id"]
    back = ask("POST", f"entries/{key}/reverse")[1]
    assert attributes(back)["number"] == "MISC/2026/0002" and MiscEntry.objects.count() == 2
    assert attributes(ask("GET", f"entries/{key}")[1])["reversed"] is True
    assert ask("GET", "open-items")[1]["data"] == []
    uneven = {**body, "sides": [*sides(company, "50.00")[:1], {**sides(company, "50.00")[1], "amount": "-49.00"}]}
    assert coded(ask("POST", "entries", uneven)) == (400, "entryUnbalanced")


def test_a_document_is_reversed(ask: Ask, company: Company) -> None:
    key = ask("POST", "documents", INVOICE)[1]["data"]["id"]
    status, credit = ask("POST", f"documents/{key}/reverse", {"date": "2026-11-11"})
    assert (status, attributes(credit)["kind"], attributes(credit)["date"]) == (200, "credit_note", "2026-11-11")
    assert related(credit, "reverses") == key
    assert ask("POST", f"documents/{key}/reverse")[1] == credit


def test_a_line_pays_items_and_what_is_left_is_booked_with_its_tax(
    ask: Ask, company: Company, link: JournalLink
) -> None:
    item = bill(ask, "1", "48.00")
    fees = str(account_for(company, Purpose.BANK_FEES).id)
    line = Line.objects.get(amount=Decimal("-50.10"))
    body = {"itemIds": [item], "rests": [{"accountId": fees, "taxPercent": 5, "label": "Charges"}]}
    status, made = ask("POST", f"lines/{line.id}/close", body, Idempotency_Key="c")
    assert status == 200, made
    assert ask("POST", f"lines/{line.id}/close", body, Idempotency_Key="c") == (200, made)
    amounts = {part.account.purpose: part.amount for part in line.match_groups.get().parts.select_related("account")}
    assert amounts == {
        "payable": Decimal("-48.00"), "bank_fees": Decimal("-2.00"), "vat_recoverable": Decimal("-0.10"),
    }  # fmt: skip
    for wrong in ({}, {"itemIds": [item]}, {"itemIds": [item], "rests": [{}]}, {"itemIds": [item], "rests": "x"}):
        assert coded(ask("POST", f"lines/{line.id}/close", wrong)) == (400, "validationError")


def test_the_foreign_amount_of_a_line_is_stated_once(ask: Ask, company: Company, link: JournalLink) -> None:
    line = Line.objects.get(amount=Decimal("121.00"))
    status, told = ask("POST", f"lines/{line.id}/foreign-amount", {"amount": "130.00", "currency": "USD"})
    assert (status, attributes(told)["foreignAmount"], attributes(told)["foreignCurrency"]) == (200, 130, "USD")
    again = ask("POST", f"lines/{line.id}/foreign-amount", {"amount": "131.00", "currency": "USD"})
    assert coded(again) == (400, "foreignAmountKnown")


def test_a_line_gets_a_partner_and_is_booked_to_it_and_stays_open(
    ask: Ask, company: Company, link: JournalLink
) -> None:
    line = Line.objects.get(amount=Decimal("121.00"))
    partner = ask("POST", "partners", {"name": "Customer NV"})[1]["data"]["id"]
    assert related(ask("POST", f"lines/{line.id}/partner", {"partnerId": partner})[1], "partner") == partner
    assert ask("POST", f"lines/{line.id}/book", {"purpose": "receivable"})[0] == 200
    (item,) = ask("GET", "open-items")[1]["data"]
    assert item["attributes"]["residual"] == Decimal("-121.00")
    assert coded(ask("POST", f"lines/{line.id}/book", {"purpose": "sales"})) == (400, "validationError")


def test_partners_are_listed_changed_and_known_by_numbers(ask: Ask, company: Company) -> None:
    keys = [ask("POST", "partners", {"name": name})[1]["data"]["id"] for name in ("Beta", "Alpha", "Gamma")]
    first = ask("GET", "partners?limit=2")[1]
    rest = ask("GET", f"partners?limit=2&after={first['meta']['paging']['after']}")[1]
    names = [each["attributes"]["name"] for each in [*first["data"], *rest["data"]]]
    assert names == ["Alpha", "Beta", "Gamma"] and rest["meta"]["paging"]["after"] is None
    told = ask("POST", f"partners/{keys[0]}/numbers", {"accountNumber": "BE68 5390 0754 7034"})[1]
    (number,) = attributes(told)["accountNumbers"]
    told = ask("POST", f"partners/{keys[0]}/numbers/switch", {"numberId": number["id"], "active": False})[1]
    assert attributes(told)["accountNumbers"][0]["active"] is False
    assert attributes(ask("POST", f"partners/{keys[0]}", {"active": False})[1]) == {
        **attributes(told), "name": "Beta", "active": False,
    }  # fmt: skip
    assert [each["attributes"]["name"] for each in ask("GET", "partners?q=gam")[1]["data"]] == ["Gamma"]
    assert Partner.objects.count() == 3


def test_files_are_imported_all_or_none_and_twice_the_same(ask: Ask, company: Company) -> None:
    def send(path: str, file: bytes) -> tuple[int, Any]:
        return ask("POST", path, {"file": base64.b64encode(file).decode()})

    chart = b"code,name,kind\n619000,Insurance,expense\n"
    assert attributes(send("accounts/import", chart)[1]) == {"created": 1, "changed": 0, "known": 0}
    assert attributes(send("accounts/import", chart)[1]) == {"created": 0, "changed": 0, "known": 1}
    assert coded(send("accounts/import", b"code,name,kind\n1,A,expense\n2,B,nonsense\n")) == (400, "rowsInvalid")
    assert not LedgerAccount.objects.filter(code="1").exists()
    items = b"partner,number,date,amount\nAcme,7,2026-11-01,5.00\n"
    assert attributes(send("documents/import", items)[1]) == {"created": 1, "known": 0}
    assert attributes(send("documents/import", items)[1]) == {"created": 0, "known": 1}
    first, again = send("documents/upload", invoice()), send("documents/upload", invoice())
    assert first[0] == 200 and first == again
    assert coded(ask("POST", "accounts/import", {"file": "no base64!"})) == (400, "validationError")


def test_how_the_company_reconciles_and_refers_is_read_and_changed(ask: Ask, company: Company) -> None:
    before = attributes(ask("GET", "reconcile-settings")[1])
    changed = ask("POST", "reconcile-settings", {"graceDays": 3, "reconcileMode": "keep_suspense"})
    assert attributes(changed[1]) == {**before, "graceDays": 3, "reconcileMode": "keep_suspense"}
    assert attributes(ask("GET", "reconcile-settings")[1]) == attributes(changed[1])
    for wrong in (
        {"graceDays": "x"},
        {"graceDays": None},
        {"enabled": 1},
        {"reconcileMode": "x"},
        {"graceDays": 10**8},
    ):
        assert ask("POST", "reconcile-settings", wrong)[0] == 400, wrong
    assert attributes(ask("GET", "document-settings")[1]) == {"references": "country"}
    ask("POST", "document-settings", {"references": "rf"})
    posted = ask("POST", "documents", INVOICE)[1]
    assert attributes(posted)["structuredReference"] == "RF72 2600 0000 1"
    assert coded(ask("POST", "document-settings", {"references": "x"})) == (400, "validationError")


@pytest.mark.parametrize("path", ["drafts", "entries", "open-items", "partners"])
def test_lists_refuse_a_cursor_that_is_not_theirs(path: str, ask: Ask, company: Company) -> None:
    assert ask("GET", f"{path}?after=00000000-0000-7000-8000-000000000000")[0] in {400, 404}
