"""An import from hand-in to undo: accounts that are asked about, refusals, killed workers, files that are wrong."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import transaction
from tests.hub.accounts.factories import apply, row
from tests.hub.files.factories import (
    IBANS,
    NOW,
    OPENING,
    Upload,
    camt,
    chained,
    confirm,
    entry,
    imported,
    live,
    make_account,
    make_member,
    make_organization,
    read,
    report,
    statement,
)

from nostro.core.transactions import Window
from nostro.hub.accounts.models import Account, Balance, Transaction, TransactionChange
from nostro.hub.events.models import Event
from nostro.hub.files import leases, services, working
from nostro.hub.files.models import FileAccount, FileImport, FilePart, FileStatement, Sighting, StagedRow
from nostro.hub.files.queries import access_import, earlier_import, file_days
from nostro.hub.files.receiving import bytes_of
from nostro.hub.files.services import Answer
from nostro.hub.files.tasks import take_over_expired
from nostro.hub.organizations.models import Membership
from nostro.hub.sync.models import Synchronization
from nostro.people.models import User
from nostro.web.errors import Forbidden, NotFound, Problem

pytestmark = pytest.mark.django_db
ROWS = [entry(day=10), entry(day=10), entry("-20.00", 11, "Bread")]


def undo(user: User, file: FileImport, at: dt.datetime = NOW + dt.timedelta(hours=1)) -> FileImport:
    return services.undo(user, file.pk, at)


# --- a run like any other


def test_an_import_is_a_run_with_events_and_balances(account: Account, user: User) -> None:
    imported(user, camt(statement(ROWS)), account)
    run = Synchronization.objects.get(account=account)
    assert (run.trigger, run.status, run.created_count) == ("file", "success", 3)
    assert (run.window_from, run.window_to) == (dt.date(2026, 10, 10), dt.date(2026, 10, 11))
    event = Event.objects.get(event_type="account.transactionsCreated")
    assert (event.attributes, event.synchronization_id) == ({"count": 3}, run.pk)
    assert Balance.objects.filter(account=account, synchronization_id=run.pk).count() == 2
    account.refresh_from_db()
    assert (account.transaction_count, account.booked_total) == (3, Decimal("-27.00"))
    [window] = file_days(account)
    assert window.date_to == dt.date(2026, 10, 11)


def test_the_order_of_creation_is_that_of_the_days(account: Account, user: User) -> None:
    imported(user, camt(statement(ROWS)), account)
    days = Transaction.objects.filter(account=account).order_by("sequence").values_list("booking_date", flat=True)
    assert list(days) == sorted(days)  # type: ignore[type-var]


# --- undo


def test_undo_takes_all_of_it_back(account: Account, user: User) -> None:
    file = imported(user, camt(statement(ROWS)), account)
    undone = undo(user, file)
    assert undone.status == "undone"
    assert not live(account)
    assert Transaction.objects.filter(account=account).count() == 3  # tombstones
    assert TransactionChange.objects.filter(kind="removed").count() == 3
    assert Event.objects.filter(event_type="account.transactionsUpdated").count() == 1
    account.refresh_from_db()
    assert (account.transaction_count, account.booked_total, account.current_balance) == (0, Decimal(0), None)
    assert account.proof == "unknown"
    assert not file_days(account)
    assert undo(user, file).status == "undone"


def test_an_import_that_was_undone_can_be_imported_again_with_the_same_ids(account: Account, user: User) -> None:
    file = imported(user, camt(statement(ROWS)), account)
    ids = set(Transaction.objects.values_list("id", flat=True))
    undo(user, file)
    again = imported(user, camt(statement(ROWS)), account)
    found = FileAccount.objects.get(file=again)
    assert (found.new, found.restored) == (0, 3)
    assert set(Transaction.objects.filter(removed_at=None).values_list("id", flat=True)) == ids
    account.refresh_from_db()
    assert (account.proof, account.current_balance) == ("green", OPENING - Decimal("27.00"))


def test_undo_leaves_what_another_file_shows_too(account: Account, user: User) -> None:
    first = imported(user, camt(statement(ROWS)), account)
    imported(user, camt(statement(ROWS[:2])), account)
    undo(user, first)
    assert [each[0] for each in live(account)] == [10, 10]
    account.refresh_from_db()
    assert account.current_balance == OPENING - Decimal("7.00")


def test_undo_leaves_what_the_connection_shows_too(account: Account, user: User) -> None:
    file = imported(user, camt(statement(ROWS[:1])), account)
    bank = row("-3.50", 10, remittance_information_unstructured=("Coffee",), creditor_name=None, debtor_name=None)
    apply(account, bank, window=Window(dt.date(2026, 10, 8), dt.date(2026, 10, 20)))
    undo(user, file)
    assert len(live(account)) == 1


def test_a_row_of_an_undone_import_comes_back_when_the_connection_shows_it(account: Account, user: User) -> None:
    file = imported(user, camt(statement(ROWS[:1])), account)
    undo(user, file)
    bank = row("-3.50", 10, remittance_information_unstructured=("Coffee",), creditor_name=None, debtor_name=None)
    assert apply(account, bank).restored == 1


# --- whose account


def test_an_unknown_account_is_asked_about_first(account: Account, user: User) -> None:
    file = read(user, camt(statement(ROWS, iban=IBANS[1])))
    found = FileAccount.objects.get(file=file)
    assert (file.status, found.account, found.new) == ("waiting", None, 3)
    with pytest.raises(Problem, match="Say first"):
        services.confirm(user, file.pk, {}, NOW)
    confirm(user, file, {found.pk: Answer("create", bank="NSTRBEB0")})
    added = Account.objects.get(reference=IBANS[1])
    assert (added.is_selected, added.institution_id, len(live(added))) == (True, account.institution_id, 3)


def test_an_unknown_account_may_be_one_of_ours_or_be_left_out(account: Account, user: User) -> None:
    file = read(user, camt(statement(ROWS, iban=IBANS[1]), statement(ROWS, iban=IBANS[2])))
    first, second = FileAccount.objects.filter(file=file).order_by("position")
    confirm(user, file, {first.pk: Answer("same", account_id=account.pk), second.pk: Answer("skip")})
    assert len(live(account)) == 3
    assert Account.objects.count() == 1


def test_one_number_in_two_currencies_is_two_accounts(account: Account, user: User) -> None:
    file = read(user, camt(statement([entry(currency="USD")], currency="USD")))
    found = FileAccount.objects.get(file=file)
    assert found.account is None
    with pytest.raises(Problem, match="another currency"):
        services.confirm(user, file.pk, {found.pk: Answer("same", account_id=account.pk)}, NOW)


def test_a_bank_that_is_not_found_is_asked_for(user: User) -> None:
    file = read(user, camt(statement(ROWS, iban=IBANS[1])))
    found = FileAccount.objects.get(file=file)
    with pytest.raises(Problem, match="bank of this account"):
        services.confirm(user, file.pk, {found.pk: Answer("create", bank="no such bank anywhere")}, NOW)


def test_the_file_of_another_account_is_refused_on_an_accounts_page(account: Account, user: User) -> None:
    file = read(user, camt(statement(ROWS, iban=IBANS[1])), account)
    assert FileAccount.objects.get(file=file).refusal == "other_account"
    with pytest.raises(Problem, match="Nothing of this file"):
        services.confirm(user, file.pk, {}, NOW)


def test_the_file_of_another_company_of_the_same_person_is_refused(account: Account, user: User) -> None:
    other = make_account(make_organization("Other"), iban=IBANS[1])
    Membership.objects.create(organization=other.organization, user=user, role="owner")
    organization = account.organization
    [file] = services.hand_in(
        user, organization, [Upload(camt(statement(ROWS, iban=IBANS[1])))], is_sandbox=False, now=NOW
    )
    working.read_file(file.pk, clock=lambda: NOW)
    assert FileAccount.objects.get(file=file).refusal == "other_organization"


def test_accounts_of_strangers_are_not_told(account: Account, user: User) -> None:
    make_account(make_organization("Stranger"), iban=IBANS[1])
    file = read(user, camt(statement(ROWS, iban=IBANS[1])))
    assert FileAccount.objects.get(file=file).refusal == ""


def test_an_account_of_a_stranger_is_no_answer(account: Account, user: User) -> None:
    foreign = make_account(make_organization("Stranger"), iban=IBANS[2])
    file = read(user, camt(statement(ROWS, iban=IBANS[1])))
    found = FileAccount.objects.get(file=file)
    with pytest.raises(NotFound):
        services.confirm(user, file.pk, {found.pk: Answer("same", account_id=foreign.pk)}, NOW)


def test_strangers_and_members(account: Account, user: User) -> None:
    file = read(user, camt(statement(ROWS)), account)
    stranger = make_member(make_organization("Stranger"))
    member = make_member(account.organization, role="member")
    verbs: tuple[Callable[[User], object], ...] = (
        lambda who: services.confirm(who, file.pk, {}, NOW),
        lambda who: services.discard(who, file.pk, NOW),
        lambda who: services.undo(who, file.pk, NOW),
    )
    for verb in verbs:
        with pytest.raises(NotFound):
            verb(stranger)
        with pytest.raises(Forbidden):
            verb(member)
    assert access_import(member, file.pk) == file


# --- wrong files


BAD = {
    "empty": (b"", "F-EMPTY"),
    "no statement": (b"hello there, general", "F-UNKNOWN"),
    "pdf": (b"%PDF-1.7 ...", "F-REFUSED"),
    "truncated": (camt(statement(ROWS))[:-300], "F-TRUNCATED"),
    "entities": (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><BkToCstmrStmt/>', "F-UNSAFE"),
}


@pytest.mark.parametrize("kind", sorted(BAD))
def test_nothing_of_a_bad_file_stays_but_what_is_wrong_with_it(account: Account, user: User, kind: str) -> None:
    data, code = BAD[kind]
    file = read(user, data, account)
    assert file.status == "failed"
    assert file.problems[0]["code"] == code
    assert "Nothing was imported" in file.problems[0]["sentence"]
    left = (StagedRow, FileStatement, FileAccount, Transaction, Balance, Sighting, Synchronization)
    assert not any(model.objects.exists() for model in left)


def test_wrong_balances_wait_in_quarantine_for_a_reason(account: Account, user: User) -> None:
    data = camt(statement(ROWS)).replace(b"973.00", b"974.00")
    file = read(user, data, account)
    assert file.quarantined
    assert FileStatement.objects.get(file=file).difference == Decimal("1.00")
    with pytest.raises(Problem, match="do not add up"):
        services.confirm(user, file.pk, {}, NOW)
    confirm(user, file, reason="The bank's closing balance is wrong.")
    account.refresh_from_db()
    assert (account.proof, len(live(account))) == ("red", 3)


def test_limits_of_handing_in(account: Account, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    organization = account.organization
    with pytest.raises(Problem, match="No file"):
        services.hand_in(user, organization, [], is_sandbox=False, now=NOW)
    with pytest.raises(Problem, match="too many files"):
        services.hand_in(user, organization, [Upload(b"x")] * 51, is_sandbox=False, now=NOW)
    monkeypatch.setattr("nostro.hub.files.receiving.MAX_UPLOAD_BYTES", 10)
    with pytest.raises(Problem, match="too large"):
        services.hand_in(user, organization, [Upload(b"small"), Upload(b"far too large")], is_sandbox=False, now=NOW)
    assert not FileImport.objects.exists()


def test_a_file_is_sealed_and_comes_out_as_it_came(
    account: Account, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nostro.hub.files.receiving.PART_BYTES", 700)
    data = camt(statement(ROWS))
    file = read(user, data, account, name="../../etc/October.xml")
    assert b"".join(bytes_of(file)) == data
    assert file.name == "October.xml"
    parts = FilePart.objects.filter(file=file)
    assert parts.count() > 1
    assert not any(b"BE68" in bytes(part.sealed_bytes) for part in parts)


def test_a_discarded_file_is_forgotten(account: Account, user: User) -> None:
    file = read(user, camt(statement(ROWS)), account)
    services.discard(user, file.pk, NOW)
    assert not FilePart.objects.exists()
    assert not StagedRow.objects.exists()
    with pytest.raises(Problem, match="cannot be done"):
        services.confirm(user, file.pk, {}, NOW)


def test_the_same_bytes_are_recognised(account: Account, user: User) -> None:
    first = imported(user, camt(statement(ROWS)), account)
    second = read(user, camt(statement(ROWS)), account)
    assert earlier_import(second) == first


def test_rows_for_information_are_left_out_and_counted(account: Account, user: User) -> None:
    file = read(user, report(ROWS, status="INFO"), account)
    found = FileAccount.objects.get(file=file)
    assert (found.rows, found.announced, found.left_out) == (0, 0, 3)


# --- archives


def zipped(*members: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return packed.getvalue()


def test_each_file_of_an_archive_is_an_import_of_its_own(account: Account, user: User) -> None:
    first, second = chained([ROWS[:1], ROWS[1:]])
    data = zipped(("../a.xml", camt(first)), ("b.sta", camt(second, form="mt940")))
    archive = read(user, data, account, name="october.zip")
    assert (archive.status, archive.format) == ("unpacked", "zip")
    files = FileImport.objects.filter(archive=archive).order_by("id")
    assert [file.name for file in files] == ["a.xml", "b.sta"]
    for file in files:
        working.read_file(file.pk, clock=lambda: NOW)
        confirm(user, file)
    assert len(live(account)) == 3


def test_an_archive_with_an_archive_or_with_damage_brings_nothing(account: Account, user: User) -> None:
    nested = zipped(("a.xml", camt(statement(ROWS))), ("inner.zip", zipped(("b.xml", b"x"))))
    archive = read(user, nested, account)
    inner = FileImport.objects.get(archive=archive, name="inner.zip") if archive.status == "unpacked" else None
    if inner is not None:
        working.read_file(inner.pk, clock=lambda: NOW)
        inner.refresh_from_db()
        assert (inner.status, inner.problems[0]["code"]) == ("failed", "F-UNSAFE")
    broken = read(user, zipped(("a.xml", camt(statement(ROWS))))[:-200], account)
    assert broken.status == "failed"
    assert not FileImport.objects.filter(archive=broken).exists()


# --- killed workers


class Killed(BaseException):
    """kill -9."""


def kill_at(number: int) -> Callable[[str], None]:
    seen = 0

    def reached(point: str) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            raise Killed(point)

    return reached


@pytest.mark.parametrize("point", range(1, 6))
def test_a_worker_killed_while_reading_changes_nothing(
    account: Account, user: User, point: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nostro.hub.files.staging.STAGE_ROWS", 2)
    [file] = services.hand_in(
        user, account.organization, [Upload(camt(statement(ROWS)))], is_sandbox=False, now=NOW, account=account
    )
    with pytest.raises(Killed):
        working.read_file(file.pk, clock=lambda: NOW, reached=kill_at(point))
    later = NOW + leases.LEASE
    read_again = working.read_file(file.pk, clock=lambda: later)
    file.refresh_from_db()
    assert (file.status, StagedRow.objects.count()) == ("waiting", 3)
    assert (read_again is None) == (point == 5)  # the last point is behind the end
    confirm(user, file)
    assert len(live(account)) == 3


@pytest.mark.parametrize("point", range(1, 6))
def test_a_worker_killed_while_storing_stores_nothing_or_all(account: Account, user: User, point: int) -> None:
    other = make_account(account.organization, iban=IBANS[1])
    file = read(user, camt(statement(ROWS), statement(ROWS, iban=IBANS[1])))
    services.confirm(user, file.pk, {}, NOW)
    with pytest.raises(Killed):
        working.store_file(file.pk, clock=lambda: NOW, reached=kill_at(point))
    assert Transaction.objects.count() in {0, 6}
    working.store_file(file.pk, clock=lambda: NOW + leases.LEASE)
    file.refresh_from_db()
    assert file.status == "imported"
    assert len(live(account)) == len(live(other)) == 3
    assert Sighting.objects.count() == 6
    assert Synchronization.objects.count() == 2
    assert Event.objects.count() == 2


def test_an_error_gives_the_file_back_at_once(account: Account, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    file = read(user, camt(statement(ROWS)), account)
    services.confirm(user, file.pk, {}, NOW)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("nostro.hub.files.importing.prove_from_files", broken)
        with pytest.raises(RuntimeError), transaction.atomic():
            working.store_file(file.pk, clock=lambda: NOW)
    assert not Transaction.objects.exists()
    assert working.store_file(file.pk, clock=lambda: NOW) is not None


def test_files_without_a_worker_are_found(account: Account, user: User) -> None:
    [file] = services.hand_in(user, account.organization, [Upload(b"x")], is_sandbox=False, now=NOW)
    assert take_over_expired(NOW) == 0
    assert take_over_expired(NOW + dt.timedelta(minutes=3)) == 1
    FileImport.objects.filter(pk=file.pk).update(attempts=3)
    assert working.read_file(file.pk, clock=lambda: NOW) is not None
    file.refresh_from_db()
    assert file.status == "failed"


def test_statements_of_many_days_in_stretches(account: Account, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nostro.hub.files.comparing.STRETCH_ROWS", 2)
    pieces = chained([[entry(day=day), entry(day=day)] for day in range(1, 9)])
    imported(user, camt(*pieces), account)
    again = imported(user, camt(*reversed(pieces)), account)
    found = FileAccount.objects.get(file=again)
    assert (found.new, found.known) == (0, 16)
    assert len(live(account)) == 16


# --- some statements, and the account that came with a file


def test_only_the_proved_statements_are_imported_when_a_person_says_so(account: Account, user: User) -> None:
    good, bad = chained([ROWS, [entry("-9.00", 14, "Fish")]])
    file = read(user, camt(good, bad).replace(b">964.00<", b">965.00<"), account)
    assert file.quarantined
    with pytest.raises(Problem):
        services.confirm(user, file.pk, {}, NOW)
    confirm(user, file, proved_only=True)
    assert [text for _, _, text in live(account)] == ["Coffee", "Coffee", "Bread"]
    account.refresh_from_db()
    assert (account.current_balance, account.proof) == (Decimal("973.00"), "green")
    assert list(FileStatement.objects.filter(account=account).values_list("index", flat=True)) == [1]
    assert file_days(account)[-1].date_to == dt.date(2026, 10, 11)
    assert services.undo(user, file.pk, NOW).status == "undone" and live(account) == []
    # The rows that were left out are no one's: the right file brings them.
    imported(user, camt(*chained([ROWS, [entry("-9.00", 14, "Fish")]])), account)
    assert len(live(account)) == 4


def test_without_a_proved_statement_there_is_nothing_to_take(account: Account, user: User) -> None:
    file = read(user, camt(statement(ROWS)).replace(b">973.00<", b">974.00<"), account)
    with pytest.raises(Problem, match="No statement"):
        services.confirm(user, file.pk, {}, NOW, proved_only=True)
    assert not FileStatement.objects.filter(left_out=True).exists()


def test_an_account_that_an_import_added_goes_with_it_and_comes_back_with_it(account: Account, user: User) -> None:
    def bring() -> FileImport:
        file = read(user, camt(statement(ROWS, iban=IBANS[1])))
        found = FileAccount.objects.get(file=file)
        return confirm(user, file, {found.pk: Answer("create", bank="NSTRBEB0")} if found.account is None else {})

    first = bring()
    added = Account.objects.get(reference=IBANS[1])
    ids = set(Transaction.objects.filter(account=added).values_list("pk", flat=True))
    undo(user, first)
    added.refresh_from_db()
    assert added.removed_at is not None
    again = bring()
    added.refresh_from_db()
    assert added.removed_at is None and Account.objects.filter(reference=IBANS[1]).count() == 1
    assert set(Transaction.objects.filter(account=added, removed_at=None).values_list("pk", flat=True)) == ids
    # What another import stands on stays.
    other = confirm(user, read(user, camt(statement([entry(day=20)], iban=IBANS[1]))))
    undo(user, again)
    added.refresh_from_db()
    assert added.removed_at is None and len(live(added)) == 1
    undo(user, other)
    added.refresh_from_db()
    assert added.removed_at is None  # this import did not add it
