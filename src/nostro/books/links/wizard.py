"""The link wizard: what is proposed for each account, and confirming all rows at once (books.md 4)."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import Max, Min

from nostro.books.companies.models import Company, LockType, Role
from nostro.books.companies.services import lock_company
from nostro.books.hub_client.catalogue import describe
from nostro.books.journals.held import enter_rate
from nostro.books.journals.models import Feed, GroupingChoice, Journal, JournalKind, Line, OpeningOrigin
from nostro.books.journals.services import create_journal, set_feed
from nostro.books.ledger.models import LedgerAccount
from nostro.books.ledger.posting import lock_of
from nostro.books.ledger.queries import account_balance_in_currency
from nostro.books.ledger.rates import Rates
from nostro.books.links.fetching import request_fetch
from nostro.books.links.models import Connection, ConnectionState, FetchSchedule, JournalLink, OnlineAccount
from nostro.books.links.queries import access_connection, connection_ended, locked_connection, online_accounts_of
from nostro.books.links.services import check_settings, plan_next, unlink
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem

Action = Literal["create", "link", "skip"]
DEFAULT_DAYS = 15


@dataclass(frozen=True, slots=True)
class ProposedRow:
    """One account with its pre-selection. ``journals`` are those it may be linked to."""

    account: OnlineAccount
    action: Action
    journal: Journal | None
    journals: list[Journal]
    linked_to: Journal | None
    fetch_from: dt.date
    first_allowed: dt.date | None
    opening: str
    opening_amount: Decimal | None
    rate_needed: bool
    hint: str
    grouping: str = GroupingChoice.PER_SYNCHRONIZATION
    fetch_schedule: str = FetchSchedule.EVERY_12_HOURS


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One confirmed row. ``exchange_rate`` is what one unit of a foreign currency is worth in the company's."""

    account_id: UUID
    action: Action
    journal_id: UUID | None = None
    grouping: str = GroupingChoice.PER_SYNCHRONIZATION
    fetch_schedule: str = FetchSchedule.EVERY_12_HOURS
    fetch_times: tuple[dt.time, ...] = ()
    fetch_from: dt.date | None = None
    opening: str = OpeningOrigin.NONE
    opening_amount: Decimal | None = None
    opening_account_id: UUID | None = None
    exchange_rate: Decimal | None = None
    confirmed_number: bool = False
    #: A journal without lines takes the currency of the account.
    changed_currency: bool = False


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with one row, by the catalogue."""

    account_id: UUID
    code: str
    sentence: str
    field: str = ""


class LinkErrors(Problem):
    """All errors of all rows together; nothing was linked."""

    def __init__(self, errors: list[RowError]) -> None:
        super().__init__(
            "Some accounts cannot be linked like this.",
            why=" ".join(dict.fromkeys(error.sentence for error in errors)),
            what_to_do="Correct the marked rows. Nothing was linked yet.",
            code=errors[0].code,
        )
        self.errors = errors


# --- proposals -------------------------------------------------------------------------------------------------


def propose_rows(connection: Connection, *, journal: Journal | None = None, now: dt.datetime) -> list[ProposedRow]:
    """A row for each visible account, pre-selected in the order (a) to (d) of books.md 4.

    ``journal`` is the one the wizard was opened from, if any.
    """
    company = connection.company
    accounts = [account for account in online_accounts_of(connection) if account.visible and not account.deprecated]
    free = free_journals(company)
    today = now.astimezone(ZoneInfo(company.time_zone)).date()
    unlinked = [account for account in accounts if _linked(account) is None]
    return [
        _propose(account, company, opened=journal, free=free, count=len(unlinked), today=today) for account in accounts
    ]


def free_journals(company: Company) -> list[Journal]:
    """Journals of the company without a live link. A link of an account that was replaced at the Hub does not count:
    its journal waits for the new account (H-REPLACED)."""
    journals = Journal.objects.filter(company=company, active=True)
    live = JournalLink.objects.filter(unlinked_at=None, online_account__deprecated=False)
    return list(journals.exclude(links__in=live).order_by("code"))


def suits(journal: Journal, account: OnlineAccount) -> bool:
    """Whether the journal is of the account's kind: cards feed Credit Card journals, other accounts Bank journals.

    An account whose kind the Hub does not tell may feed either.
    """
    return not account.subtype or (journal.kind == JournalKind.CREDIT_CARD) == (account.subtype == "card")


def _linked(account: OnlineAccount) -> Journal | None:
    return next((link.journal for link in account.links.all() if link.unlinked_at is None), None)


def _propose(
    account: OnlineAccount, company: Company, *, opened: Journal | None, free: list[Journal], count: int, today: dt.date
) -> ProposedRow:
    usable = [
        journal
        for journal in free
        if suits(journal, account) and (journal.currency == account.currency or not journal.lines.exists())
    ]
    linked = _linked(account)
    chosen = None if linked else _preselect(account, opened, usable, count)
    hint = "" if chosen or linked or account.declined else "One journal per bank account: choose Create new journal."
    dated = account.current_balance_date is not None
    has_lines = chosen is not None and chosen.lines.exists()
    return ProposedRow(
        account=account,
        action="skip" if linked or account.declined else "link",
        journal=chosen,
        journals=usable,
        linked_to=linked,
        fetch_from=default_fetch_from(company, chosen, today),
        first_allowed=first_allowed(company),
        opening=OpeningOrigin.COMPUTED if dated and not has_lines else OpeningOrigin.NONE,
        opening_amount=account.current_balance if dated else None,
        rate_needed=Rates(company).rate(account.currency, today) is None,
        hint=hint,
    )


def _preselect(account: OnlineAccount, opened: Journal | None, usable: list[Journal], count: int) -> Journal | None:
    if count == 1 and opened is not None and opened in usable:
        return opened
    same = [
        journal
        for journal in usable
        if account.reference and (journal.account_number, journal.currency) == (account.reference, account.currency)
    ]
    if same:
        return same[0]
    banks = [journal for journal in usable if journal.kind == JournalKind.BANK]
    return banks[0] if count == 1 and len(banks) == 1 and not banks[0].account_number else None


def default_fetch_from(company: Company, journal: Journal | None, today: dt.date) -> dt.date:
    """Today − 15 days, or the date of the newest line; never before the day after the lock, never in the future."""
    newest = journal and Line.objects.filter(journal=journal).aggregate(newest=Max("booking_date"))["newest"]
    wanted = newest or today - dt.timedelta(days=DEFAULT_DAYS)
    return min(max(wanted, first_allowed(company) or wanted), today)


def first_allowed(company: Company) -> dt.date | None:
    """The day after the lock date."""
    locked = lock_of(company, LockType.BANK)
    return locked and locked + dt.timedelta(days=1)


# --- confirming ------------------------------------------------------------------------------------------------


def confirm_links(user: User, connection_id: UUID, rows: Sequence[LinkRow], *, now: dt.datetime) -> list[JournalLink]:
    """Check all rows, then link them in one transaction and start the first fetch of each.

    Raises :class:`LinkErrors` with the errors of all rows. A row that is linked exactly so already, as after a second
    click, is returned as it is and not an error.
    """
    connection = access_connection(user, connection_id, role=Role.OWNER)
    try:
        with transaction.atomic():
            # One confirmation of a company at a time, so that the checks below still hold when the rows are written.
            company = lock_company(connection.company)
            connection = locked_connection(connection.id)
            if connection.state == ConnectionState.DISCONNECTED:
                raise connection_ended()
            return _Confirmation(user, company, connection, rows, now).run()
    except IntegrityError:
        account_id = rows[0].account_id if rows else connection.id
        error = describe("L-JOURNAL-TAKEN")
        raise LinkErrors([RowError(account_id, error.code, error.sentence)]) from None


class _Confirmation:
    """Checks and links the rows of one click."""

    def __init__(
        self, user: User, company: Company, connection: Connection, rows: Sequence[LinkRow], now: dt.datetime
    ) -> None:
        self.user, self.company, self.rows, self.now = user, company, rows, now
        self.today = now.astimezone(ZoneInfo(company.time_zone)).date()
        accounts = OnlineAccount.objects.select_for_update(of=("self",), no_key=True).select_related("connection")
        self.accounts = {row.id: row for row in accounts.filter(connection=connection).order_by("id")}
        self.journals = {j.id: j for j in Journal.objects.filter(pk__in=[r.journal_id for r in rows if r.journal_id])}
        live = JournalLink.objects.filter(unlinked_at=None).select_related("journal", "online_account")
        self.link_of_account = {x.online_account_id: x for x in live.filter(online_account__in=self.accounts)}
        self.link_of_journal = {x.journal_id: x for x in live.filter(journal__in=self.journals)}
        self.errors: list[RowError] = []

    def run(self) -> list[JournalLink]:
        self._check_all()
        if self.errors:
            raise LinkErrors(self.errors)
        skipped = [row.account_id for row in self.rows if row.action == "skip"]
        # A linked account is skipped because it is linked, and that is no choice against it.
        OnlineAccount.objects.filter(pk__in=[key for key in skipped if key not in self.link_of_account]).update(
            declined=True
        )
        return [self._done_before(row) or self._link(row) for row in self.rows if row.action != "skip"]

    # --- checks ---

    def _check_all(self) -> None:
        chosen = Counter(row.journal_id for row in self.rows if row.action == "link" and row.journal_id)
        twice = Counter(row.account_id for row in self.rows)
        for row in self.rows:
            if row.account_id not in self.accounts or twice[row.account_id] > 1:
                self._error(row, "L-ACCOUNT-TAKEN", "account")
            elif row.action != "skip" and self._done_before(row) is None:
                self._check(row, self.accounts[row.account_id], chosen)

    def _check(self, row: LinkRow, account: OnlineAccount, chosen: Counter[UUID]) -> None:
        if account.id in self.link_of_account:
            self._error(row, "L-ACCOUNT-TAKEN", "account")
        if row.action == "link":
            self._check_journal(row, account, chosen)
        elif (
            Journal.objects.filter(
                company=self.company, account_number=account.reference, currency=account.currency, active=True
            )
            .exclude(account_number="")
            .exists()
        ):
            self._error(row, "L-JOURNAL-TAKEN", "journal")
        self._check_dates_and_settings(row)
        known = row.exchange_rate or Rates(self.company).rate(account.currency, self.today)
        if known is None or known <= 0:
            self._error(row, "L-RATE", "exchange_rate")
        if row.opening not in OpeningOrigin.values or (
            row.opening == OpeningOrigin.TYPED and row.opening_amount is None
        ):
            self.errors.append(RowError(row.account_id, "invalid", "Type the opening balance.", "opening_amount"))
        if (
            row.opening_account_id
            and not LedgerAccount.objects.filter(company=self.company, pk=row.opening_account_id).exists()
        ):
            self._error(row, "L-COMPANY", "opening_account")

    def _check_journal(self, row: LinkRow, account: OnlineAccount, chosen: Counter[UUID]) -> None:
        journal = self.journals.get(row.journal_id) if row.journal_id else None
        if journal is None:
            self._error(row, "L-JOURNAL-MISSING", "journal")
            return
        if journal.company_id != self.company.id:
            self._error(row, "L-COMPANY", "journal")
            return
        if not suits(journal, account):
            self._error(row, "L-TYPE", "journal")
        if chosen[journal.id] > 1:
            self._error(row, "L-JOURNAL-TWICE", "journal")
        holder = self.link_of_journal.get(journal.id)
        if holder is not None and not holder.online_account.deprecated:
            self._error(row, "L-JOURNAL-TAKEN", "journal")
        if journal.currency != account.currency:
            if journal.lines.exists():
                self._error(row, "L-CURRENCY", "journal")
            elif not row.changed_currency:
                self._error(row, "L-CURRENCY", "changed_currency")
        other = journal.account_number and account.reference and journal.account_number != account.reference
        if other and not row.confirmed_number:
            self._error(row, "L-NUMBER", "journal")
        if not journal.suspense_account_id:
            self._error(row, "L-NO-SUSPENSE", "journal")

    def _check_dates_and_settings(self, row: LinkRow) -> None:
        allowed = first_allowed(self.company)
        if row.fetch_from and (row.fetch_from > self.today or (allowed and row.fetch_from < allowed)):
            self._error(row, "L-DATE", "fetch_from")
        try:
            check_settings(row.grouping, row.fetch_schedule, row.fetch_times)
        except Problem as problem:
            self.errors.append(RowError(row.account_id, problem.code, problem.what, problem.field))

    def _error(self, row: LinkRow, code: str, field: str) -> None:
        self.errors.append(RowError(row.account_id, code, describe(code).sentence, field))

    def _done_before(self, row: LinkRow) -> JournalLink | None:
        link = self.link_of_account.get(row.account_id)
        if link is None or (row.action == "link" and link.journal_id != row.journal_id):
            return None
        account = self.accounts[row.account_id]
        if row.action == "create" and link.journal.account_number != account.reference:
            return None
        return link

    # --- linking ---

    def _link(self, row: LinkRow) -> JournalLink:
        account = self.accounts[row.account_id]
        if row.exchange_rate is not None and account.currency != self.company.currency:
            enter_rate(self.user, self.company, account.currency, self.today, row.exchange_rate, now=self.now)
        journal = self.journals[row.journal_id] if row.action == "link" and row.journal_id else self._create(account)
        if (replaced := self.link_of_journal.get(journal.id)) is not None:
            unlink(self.user, replaced.id, now=self.now)
        fetch_from = row.fetch_from or default_fetch_from(self.company, journal, self.today)
        self._prepare(journal, account, row)
        link = JournalLink.objects.create(
            company=self.company,
            online_account=account,
            journal=journal,
            fetch_schedule=row.fetch_schedule,
            fetch_times=list(row.fetch_times),
            fetch_from=fetch_from,
            linked_at=self.now,
            linked_by=self.user,
        )
        OnlineAccount.objects.filter(pk=account.pk).update(declined=False)
        plan_next(link, now=self.now)
        request_fetch(self.user, account, trigger="link", now=self.now)
        record(
            tenant_id=self.company.id,
            actor=self.user,
            action="link.made",
            obj=link,
            sentence=f"{account.bank_name} {account.reference} {account.currency} feeds {journal.code} "
            f"from {fetch_from.isoformat()}.",
        )
        return link

    def _create(self, account: OnlineAccount) -> Journal:
        is_card = account.subtype == "card"
        return create_journal(
            self.user,
            self.company,
            name=account.reference or account.description or account.bank_name or "Bank",
            currency=account.currency,
            kind=JournalKind.CREDIT_CARD if is_card else JournalKind.BANK,
            account_number=account.reference,
            bank_name=account.bank_name,
        )

    def _is_taken(self, account: OnlineAccount) -> bool:
        """Whether a journal has this number already, as the one that the account fed before does."""
        journals = Journal.objects.filter(company=self.company, currency=account.currency, active=True)
        return journals.filter(account_number=account.reference).exists()

    def _prepare(self, journal: Journal, account: OnlineAccount, row: LinkRow) -> None:
        journal.grouping = row.grouping
        if journal.currency != account.currency:
            journal.currency = account.currency
            LedgerAccount.objects.filter(pk=journal.bank_account_id).update(currency=account.currency)
        if not journal.account_number and not self._is_taken(account):
            journal.account_number = account.reference
        journal.bank_name = journal.bank_name or account.bank_name
        if journal.opening_date is None:
            journal.opening_origin = row.opening
            journal.opening_account_id = row.opening_account_id
            if row.opening == OpeningOrigin.TYPED:
                journal.opening_amount = row.opening_amount or Decimal(0)
            elif row.opening == OpeningOrigin.LEDGER:
                before = Line.objects.filter(journal=journal).aggregate(first=Min("booking_date"))["first"]
                until = before - dt.timedelta(days=1) if before else None
                journal.opening_amount = account_balance_in_currency(journal.bank_account, until)
        journal.save()
        set_feed(journal, Feed.ONLINE)
