"""All transactions of all accounts in one list: search, filter, sort, page, download; and one in every detail."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from nostro.core.masking import is_iban
from nostro.formats.parts import shown_parts
from nostro.hub.accounts.models import Transaction
from nostro.hub.accounts.queries import access_transaction, accounts_of, changes_of, day_sums
from nostro.hub.accounts.run_rows import raw_answer_id
from nostro.hub.accounts.search import Cursor, Filters, Sort, TransactionPage, csv_rows, search_transactions
from nostro.hub.accounts.search_text import parse_search
from nostro.hub.files.queries import files_that_showed, undone_at
from nostro.hub.pages.bank_codes import bank_code_words
from nostro.hub.pages.changes import described
from nostro.hub.pages.forms import TransactionFilterForm
from nostro.hub.pages.shell import Mode, OrganizationRequest, chosen_mode, organization_page, remember, show
from nostro.hub.sync.run_history import run_that_brought
from nostro.people.models import User
from nostro.web.errors import Problem
from nostro.web.templatetags.nostro import iban as iban_tag

SORTS = {
    "-date": Sort("date", descending=True),
    "date": Sort("date", descending=False),
    "-amount": Sort("amount", descending=True),
    "amount": Sort("amount", descending=False),
}


@dataclass(frozen=True)
class Day:
    """The rows of one day with the day's sum per currency."""

    day: date | None
    sums: list[tuple[Decimal, str]]
    rows: list[Transaction]


@organization_page()
def transactions(request: OrganizationRequest) -> HttpResponse:
    """What happened? One page of the list, grouped by day when it is sorted by date."""
    mode = chosen_mode(request, request.GET.get("mode", ""))
    form, filters = _filters(request, mode)
    sort_name = request.GET.get("sort", "-date") if request.GET.get("sort") in SORTS else "-date"
    sort = SORTS[sort_name]
    cursor = Cursor.parse(request.GET.get("cursor", ""), sort)
    if form.is_valid():
        page = search_transactions(request.organization, filters, sort, cursor)
    else:
        page = TransactionPage([], None, None)
    days = _by_day(request, filters, page.rows) if sort.key == "date" else [Day(None, [], page.rows)]
    return show(
        request,
        "transactions.html",
        form=form,
        days=days if page.rows else [],
        sort=sort_name,
        older=_address(request, cursor=str(page.next)) if page.next else "",
        newer=_address(request, cursor=str(page.previous)) if page.previous else "",
        download=_download_address(request),
        filtered=any(request.GET.get(name) for name in form.fields),
        narrowed=any(request.GET.get(name) for name in form.fields if name != "q"),
        mode=mode,
        room="transactions",
    )


@organization_page()
def download(request: OrganizationRequest) -> HttpResponseBase:
    """The same list as CSV, whole, with the same filters and order."""
    mode = chosen_mode(request, request.GET.get("mode", ""))
    form, filters = _filters(request, mode)
    if not form.is_valid():
        raise Problem(
            _("The filter of this download cannot be read."),
            why=_("The address was changed, or an account is not here any more."),
            what_to_do=_("Go to the transactions, set the filter, and download from there."),
            code="filterInvalid",
        )
    rows = csv_rows(request.organization, filters, SORTS.get(request.GET.get("sort", ""), SORTS["-date"]))
    response = StreamingHttpResponse(_with_mark(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="transactions.csv"'
    return response


@login_required
def transaction(request: HttpRequest, transaction_id: uuid.UUID) -> HttpResponse:
    """Every field that the bank sent, in words."""
    assert isinstance(request.user, User)
    found = access_transaction(request.user, transaction_id)
    remember(request, found.account.organization)
    return show(
        request,
        "transaction.html",
        transaction=found,
        account=found.account,
        rows=details(found),
        batch=shown_parts(found, account_number),
        changes=[described(each) for each in changes_of(found)],
        arrived_in=run_that_brought(found),
        raw_answer=raw_answer_id(found),
        files=files_that_showed(found),
        undone=found.removed_at in undone_at(found.account),
        mode="sandbox" if found.account.is_sandbox else "live",
        room="transactions",
    )


def details(found: Transaction) -> list[tuple[str, Any]]:
    """The fields of a transaction in words; what the bank left out is left out here too."""
    return [
        (_("Other account"), account_number(found.counterpart_reference)),
        (_("Other bank"), found.creditor_agent if found.amount < 0 else found.debtor_agent),
        (_("Structured reference"), " ".join(found.remittance_structured)),
        (_("Message"), "\n".join(found.remittance_unstructured)),
        (_("End-to-end id"), found.end_to_end_id),
        (_("Mandate"), found.mandate_id),
        (_("Creditor id"), found.creditor_id),
        (_("Cheque"), found.check_id),
        (_("Ultimate creditor"), found.ultimate_creditor),
        (_("Ultimate debtor"), found.ultimate_debtor),
        (_("Card"), found.masked_pan),
        (_("Merchant category"), found.merchant_category_code),
        (_("Purpose"), found.purpose_code),
        (_("Kind, ISO 20022"), bank_code_words(found.bank_transaction_code)),
        (_("Kind, the bank's word"), found.proprietary_bank_transaction_code),
        (_("Further information"), found.additional_information),
        (_("Payments in the batch"), found.batch_number_of_transactions),
        (_("Exchange"), _exchange(found)),
        (_("The bank's reference"), found.entry_reference),
        (_("The bank's transaction id"), found.bank_transaction_id),
        (_("Id in this Hub"), str(found.id)),
    ]


def account_number(reference: str | None) -> str:
    """An IBAN in groups with a button that copies it; any other number as the bank wrote it, empty without one."""
    return iban_tag(reference) if reference and is_iban(reference) else reference or ""


def _exchange(found: Transaction) -> str:
    """The bank's exchange data as it came: name and value pairs."""
    exchanges = found.currency_exchange or []
    return "; ".join(", ".join(f"{key} {value}" for key, value in exchange.items()) for exchange in exchanges)


def _filters(request: OrganizationRequest, mode: Mode) -> tuple[TransactionFilterForm, Filters]:
    accounts = accounts_of(request.organization, mode == "sandbox")
    form = TransactionFilterForm(request.GET, accounts=accounts)
    filters = Filters(is_sandbox=mode == "sandbox")
    if not form.is_valid():
        return form, filters
    wanted = form.cleaned_data
    filters = replace(
        filters,
        account_ids=(uuid.UUID(wanted["account"]),) if wanted["account"] else (),
        date_from=wanted["date_from"],
        date_to=wanted["date_to"],
        amount_from=wanted["amount_from"],
        amount_to=wanted["amount_to"],
        direction=wanted["direction"] or None,
    )
    return form, parse_search(wanted["q"], filters)


def _by_day(request: OrganizationRequest, filters: Filters, rows: list[Transaction]) -> list[Day]:
    known = [row.booking_date for row in rows if row.booking_date]
    sums = day_sums(request.organization, filters, known)
    days = []
    for day, group in itertools.groupby(rows, key=lambda row: row.booking_date or row.value_date):
        of_day = [(total, currency) for (sum_day, currency), total in sorted(sums.items()) if sum_day == day]
        days.append(Day(day, of_day, list(group)))
    return days


def _address(request: HttpRequest, **changes: str) -> str:
    query = request.GET.copy()
    for name, value in changes.items():
        query[name] = value
    return f"?{query.urlencode()}"


def _download_address(request: OrganizationRequest) -> str:
    query = request.GET.copy()
    query.pop("cursor", None)
    address = reverse("hub:transactions_csv", kwargs={"organization_id": request.organization.id})
    return f"{address}?{query.urlencode()}"


def _with_mark(rows: Iterator[str]) -> Iterator[bytes]:
    """Spreadsheets recognise UTF-8 by its byte order mark."""
    yield b"\xef\xbb\xbf"
    for piece in rows:
        yield piece.encode()
