"""The daily work on pages: fetch, look, match, take back, invoice, import, download."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from tests.books.conftest import NOW
from tests.books.pages.conftest import HOSTILE, House

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal, Line
from nostro.books.journals.services import add_manual_line, create_journal, remove_line
from nostro.books.ledger.models import Document
from nostro.books.ledger.rates import set_rate
from nostro.books.links.models import Failure, JournalLink, Run
from nostro.books.reconcile.models import MatchGroup
from nostro.people.models import User
from nostro.web.once import new_form_key

SHOWN = {"EUR": ("12.30", "12.30"), "JPY": ("1200", "1,200"), "KWD": ("1.234", "1.234")}


def get(browser: Client, name: str, *args: Any, **query: str) -> str:
    return browser.get(reverse(f"books:{name}", args=args), query).content.decode()


def test_a_company_is_made_once_by_two_clicks(owner: User, browser: Client) -> None:
    fields = {"name": "Twice NV", "country": "BE", "currency": "EUR", "form_key": new_form_key()}

    answers = [browser.post(reverse("books:new_company"), fields) for _ in range(2)]

    assert answers[0]["Location"] == answers[1]["Location"]
    assert Company.objects.filter(name="Twice NV").count() == 1


def test_a_refused_company_keeps_what_was_typed(browser: Client, owner: User) -> None:
    response = browser.post(reverse("books:new_company"), {"name": "Here NV", "country": "BE", "currency": "E1R"})

    assert "Here NV" in response.content.decode()
    assert not Company.objects.exists()


@pytest.mark.parametrize("currency", SHOWN)
def test_amounts_have_the_decimals_of_their_currency(
    currency: str, owner: User, company: Company, browser: Client
) -> None:
    typed, shown = SHOWN[currency]
    set_rate(company, currency, dt.date(2026, 1, 1), Decimal("0.5")) if currency != "EUR" else None
    journal = create_journal(owner, company, name="Bank", currency=currency)
    response = browser.post(
        reverse("books:add_line", args=[journal.id]),
        {"date": "2026-11-10", "amount": typed, "label": "Sale", "form_key": new_form_key()},
    )

    assert response.status_code == 302
    line = Line.objects.get()
    assert line.amount == Decimal(typed)
    for page in (
        get(browser, "journal", journal.id),
        get(browser, "line", line.id),
        get(browser, "company", company.id),
        get(browser, "reconcile", company.id),
    ):
        assert f">{shown}</bdi>" in page or f"</span>{shown}</bdi>" in page
        assert currency in page
    rows = download(browser, journal)
    assert rows[0]["amount"] == typed
    assert rows[0]["balance"] == typed


def test_an_amount_with_too_many_decimals_is_refused_and_kept(owner: User, company: Company, browser: Client) -> None:
    set_rate(company, "JPY", dt.date(2026, 1, 1), Decimal("0.006"))
    journal = create_journal(owner, company, name="Tokyo", currency="JPY")

    page = browser.post(
        reverse("books:add_line", args=[journal.id]), {"date": "2026-11-10", "amount": "12.5", "label": "Sale"}
    ).content.decode()

    assert 'value="12.5"' in page
    assert "field-error" in page
    assert not Line.objects.exists()


def test_a_double_click_posts_one_line(owner: User, company: Company, browser: Client) -> None:
    journal = create_journal(owner, company, name="Bank", currency="EUR")
    fields = {"date": "2026-11-10", "amount": "-3,50", "label": "Coffee", "form_key": new_form_key()}
    for _ in range(2):
        browser.post(reverse("books:add_line", args=[journal.id]), fields)

    assert Line.objects.get().amount == Decimal("-3.50")


def download(browser: Client, journal: Journal) -> list[dict[str, str]]:
    response: Any = browser.get(reverse("books:export_journal", args=[journal.id, "lines", "csv"]))
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_a_download_has_every_line_and_no_formula(owner: User, company: Company, browser: Client) -> None:
    journal = create_journal(owner, company, name="Bank", currency="EUR")
    for day in range(1, 4):
        add_manual_line(
            owner, journal.id, date=dt.date(2026, 11, day), amount=Decimal("-1.10"), label="=HYPERLINK(1)", now=NOW
        )

    rows = download(browser, journal)

    assert [row["balance"] for row in rows] == ["-3.30", "-2.20", "-1.10"]
    assert {row["label"] for row in rows} == {"'=HYPERLINK(1)"}


def test_a_held_line_stays_among_the_lines_of_its_statement(owner: User, house: House, browser: Client) -> None:
    remove_line(owner, house.line("121").id, reason="private", now=NOW)

    page = get(browser, "journal", house.journal.id)

    assert page.count('scope="rowgroup"') == 1
    assert "Not in a statement" not in page


def test_the_card_says_both_balances_and_that_they_agree(house: House, browser: Client) -> None:
    page = get(browser, "company", house.company.id)

    assert page.count("1,071.00") == 2
    assert "(computed)" in page
    assert "(bank-stated)" in page
    assert "Agrees with the bank" in page
    assert "3 to reconcile" in page
    assert "1 pending" in page


def test_two_clicks_on_fetch_are_one_fetch_with_live_progress(house: House, browser: Client) -> None:
    before = Run.objects.count()
    address = reverse("books:fetch", args=[house.journal.id])

    card = browser.post(address, headers={"HX-Request": "true"}).content.decode()
    browser.post(address)

    assert Run.objects.count() == before + 1
    assert 'hx-trigger="load delay:1s"' in card
    assert reverse("books:card", args=[house.journal.id]) in card


def test_hostile_text_is_shown_as_text_and_isolated(house: House, browser: Client) -> None:
    for page in (
        get(browser, "journal", house.journal.id),
        get(browser, "line", house.line("-50").id),
        get(browser, "reconcile", house.company.id),
        get(browser, "account", house.journal.suspense_account_id),
    ):
        assert "&lt;script&gt;alert(" in page
        assert "<script>alert" not in page
        assert HOSTILE not in page
        # A heading and a title are paragraphs of their own; everything else must isolate the text.
        rest = re.sub(r"<(bdi|h1|title)\b[^>]*>.*?</\1>", "", page, flags=re.DOTALL)
        assert "&lt;script&gt;" not in rest


def test_a_statement_divides_the_lines_and_can_be_confirmed(house: House, browser: Client) -> None:
    page = get(browser, "journal", house.journal.id)

    assert "Complete" in page
    assert "Valid" in page
    statement = house.journal.statements.latest("id")
    browser.post(reverse("books:confirm_statement", args=[statement.id]))
    assert "Confirmed" in get(browser, "journal", house.journal.id)


def test_lines_come_in_pages(owner: User, company: Company, browser: Client) -> None:
    journal = create_journal(owner, company, name="Bank", currency="EUR")
    for number in range(51):
        add_manual_line(
            owner, journal.id, date=dt.date(2026, 11, 1), amount=Decimal(number + 1), label=f"n{number}", now=NOW
        )
    first = browser.get(reverse("books:journal", args=[journal.id]))
    second = browser.get(reverse("books:journal", args=[journal.id]) + first.context["older"])

    ids = [row.line.id for page in (first, second) for block in page.context["blocks"] for row in block.rows]
    assert len(ids) == len(set(ids)) == 51
    assert "Show more" in first.content.decode()


def test_the_invoice_with_the_reference_is_proposed_matched_once_and_taken_back(house: House, browser: Client) -> None:
    line = house.line("121")
    page = get(browser, "reconcile", house.company.id, line=str(line.id))
    assert "INV/2026/0007, amount exact" in page
    fields = {"items": str(house.document.open_item_id), "form_key": new_form_key()}

    answers = [browser.post(reverse("books:match_items", args=[line.id]), fields) for _ in range(2)]

    assert answers[0]["Location"] == answers[1]["Location"]
    assert MatchGroup.objects.filter(line=line).count() == 1
    line.refresh_from_db()
    assert line.reconciled
    after = browser.get(answers[0]["Location"]).content.decode()
    assert "Undo match" in after
    group = MatchGroup.objects.get(line=line)
    assert "paid" in get(browser, "documents", house.company.id, show="all")
    assert "Why it is matched" in get(browser, "line", line.id)
    for _ in range(2):
        browser.post(reverse("books:undo_match", args=[group.id]))
    line.refresh_from_db()
    house.document.open_item.refresh_from_db()
    assert not line.reconciled
    assert house.document.open_item.residual_currency == Decimal(121)


def test_a_part_of_a_line_is_matched_with_an_account_found_by_name(house: House, browser: Client) -> None:
    line = house.line("-50")
    fields = {"account": "rent", "amount": "-20", "label": "Part", "form_key": new_form_key()}

    browser.post(reverse("books:match_account", args=[line.id]), fields)

    line.refresh_from_db()
    assert line.suspense_residual == Decimal(-30)
    assert "Partly matched" in get(browser, "reconcile", house.company.id, line=str(line.id))


@pytest.mark.parametrize(
    ("account", "amount", "told"),
    [("nothing", "", "No account has this"), ("sa", "", "Several accounts fit"), ("613000", "70", "not a part")],
)
def test_a_refused_match_says_why_and_keeps_what_was_typed(
    account: str, amount: str, told: str, house: House, browser: Client
) -> None:
    line = house.line("-50")

    page = browser.post(
        reverse("books:match_account", args=[line.id]), {"account": account, "amount": amount}
    ).content.decode()

    assert told in page
    assert f'value="{account}"' in page
    assert not MatchGroup.objects.filter(line=line).exists()


def test_matching_nothing_is_told(house: House, browser: Client) -> None:
    page = browser.post(reverse("books:match_items", args=[house.line("121").id]), {}).content.decode()

    assert "No open item is chosen" in page


def test_a_removed_line_can_be_restored(house: House, browser: Client) -> None:
    line = house.line("-50")
    browser.post(reverse("books:remove_line", args=[line.id]), {"reason": "Not ours"})
    assert "Removed" in get(browser, "line", line.id)

    browser.post(reverse("books:restore_line", args=[line.id]))

    line.refresh_from_db()
    assert line.status == "posted"


def test_a_line_is_marked_to_check_and_found_by_the_filter(house: House, browser: Client) -> None:
    line = house.line("-50")
    browser.post(reverse("books:check_line", args=[line.id]), {"value": "yes"})

    page = browser.get(reverse("books:journal", args=[house.journal.id]), {"filter": "to_check"})

    assert [row.line.id for block in page.context["blocks"] for row in block.rows] == [line.id]


@pytest.mark.parametrize(("currency", "amount"), [("EUR", "1.234,50"), ("JPY", "1200"), ("KWD", "1.234")])
def test_an_invoice_is_posted_once(currency: str, amount: str, owner: User, company: Company, browser: Client) -> None:
    set_rate(company, currency, dt.date(2026, 1, 1), Decimal("0.5")) if currency != "EUR" else None
    fields = {
        "kind": "invoice", "partner_name": "Acme", "number": "N1", "date": "2026-11-01", "amount": amount,
        "currency": currency, "form_key": new_form_key(),
    }  # fmt: skip
    for _ in range(2):
        assert browser.post(reverse("books:add_document", args=[company.id]), fields).status_code == 302

    document = Document.objects.get()
    assert document.amount == {"EUR": Decimal("1234.50"), "JPY": 1200, "KWD": Decimal("1.234")}[currency]
    shown = {"EUR": "1,234.50", "JPY": "1,200", "KWD": "1.234"}[currency]
    assert f">{shown}</bdi>" in get(browser, "documents", company.id)
    assert f">{shown}</bdi>" in get(browser, "document", document.id)


def test_a_refused_invoice_keeps_what_was_typed(company: Company, browser: Client) -> None:
    fields = {
        "kind": "bill", "partner_name": "Acme", "number": "N1", "date": "2026-11-01", "amount": "1.005",
        "currency": "EUR",
    }  # fmt: skip

    page = browser.post(reverse("books:add_document", args=[company.id]), fields).content.decode()

    assert 'value="1.005"' in page
    assert "is no amount in EUR" in page
    assert not Document.objects.exists()


def imported(browser: Client, company: Company, text: str) -> Any:
    file = SimpleUploadedFile("items.csv", text.encode(), content_type="text/csv")
    return browser.post(reverse("books:import_documents", args=[company.id]), {"file": file})


def test_a_file_is_imported_whole_or_not_at_all(company: Company, browser: Client) -> None:
    head = "kind;partner;number;date;due_date;amount;currency;reference\n"
    good = head + "invoice;Acme;N1;2026-11-01;;121.00;EUR;\nbill;<script>alert(1)</script>;B1;2026-11-01;;5;EUR;\n"
    page = imported(browser, company, good + "invoice;Acme;N2;soon;;x;EUR;\n").content.decode()
    assert "Nothing was imported" in page
    assert "is no" in page
    assert not Document.objects.exists()

    assert imported(browser, company, good).status_code == 302
    assert imported(browser, company, good).status_code == 302

    assert Document.objects.count() == 2
    listed = get(browser, "documents", company.id)
    assert "<script>alert" not in listed
    assert "0 new, 2 known already" in listed


def test_the_chart_shows_that_debit_and_credit_are_equal(house: House, browser: Client) -> None:
    response = browser.get(reverse("books:chart", args=[house.company.id]))

    assert response.context["debit"] == response.context["credit"] > 0
    assert "equal" in response.content.decode()


def test_settings_of_a_link_are_changed(house: House, browser: Client) -> None:
    address = reverse("books:edit_link", args=[house.link.id])
    typed = {
        "grouping": "weekly",
        "fetch_schedule": "daily_at",
        "fetch_from": house.link.fetch_from.isoformat(),
        "opening": house.journal.opening_origin,
    }
    refused = browser.post(address, {**typed, "fetch_times": "8 o'clock"})
    assert "Type times like" in refused.content.decode()

    assert browser.post(address, {**typed, "fetch_times": "8:00, 13:30"}).status_code == 302

    house.link.refresh_from_db()
    house.journal.refresh_from_db()
    assert house.link.fetch_times == [dt.time(8), dt.time(13, 30)]
    assert house.journal.grouping == "weekly"


def test_unlinking_twice_ends_one_link_and_keeps_the_lines(house: House, browser: Client) -> None:
    assert "does not end the bank" in get(browser, "edit_link", house.link.id)
    for _ in range(2):
        assert browser.post(reverse("books:unlink", args=[house.link.id])).status_code == 302

    assert not JournalLink.objects.filter(unlinked_at=None).exists()
    assert Line.objects.filter(journal=house.journal).count() == 4
    assert "Without synchronization" in get(browser, "company", house.company.id)


def test_a_failure_is_told_with_code_remedy_and_details(house: House, browser: Client) -> None:
    Failure.objects.create(
        company=house.company, connection=house.connection, online_account=house.link.online_account,
        code="H-CREDENTIALS", technical="401 invalid_client", hub_request_id="request-7", correlation_id="corr-9",
        first_at=NOW, last_at=NOW,
    )  # fmt: skip

    page = get(browser, "connection", house.connection.id)

    for told in ("H-CREDENTIALS", "Update the credentials", "request-7", "corr-9", "data-copy", "Update credentials"):
        assert told in page
    assert "See error" in get(browser, "company", house.company.id)


def test_automatic_synchronization_is_switched_and_the_connection_ended(house: House, browser: Client) -> None:
    browser.post(reverse("books:automatic", args=[house.connection.id]), {"on": "no"})
    house.connection.refresh_from_db()
    assert not house.connection.automatic_sync

    for _ in range(2):
        browser.post(reverse("books:disconnect", args=[house.connection.id]))

    house.connection.refresh_from_db()
    assert house.connection.state == "disconnected"
    assert "Disconnected" in get(browser, "synchronization", house.company.id)


def test_an_account_without_a_hub_gets_a_journal_by_hand(company: Company, browser: Client) -> None:
    fields = {
        "name": "", "kind": "bank", "account_number": "NL91 ABNA 0417 1643 00", "bank_name": "ABN", "currency": "eur",
        "form_key": new_form_key(),
    }  # fmt: skip
    for _ in range(2):
        assert browser.post(reverse("books:add_manually", args=[company.id]), fields).status_code == 302

    assert Journal.objects.get().account_number == "NL91ABNA0417164300"
