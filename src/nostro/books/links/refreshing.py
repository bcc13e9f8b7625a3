"""Refresh: the Hub asks the bank before Books reads (books.md 2, 5.1). Reading itself never causes one (I-25)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from nostro.books.hub_client.errors import HubError, code_of
from nostro.books.hub_client.values import HubSynchronization
from nostro.books.links.schedule import interval

if TYPE_CHECKING:
    from nostro.books.links.fetching import Fetch
    from nostro.books.links.models import JournalLink

POLL_S = 2.0
MAX_POLLS = 180  # 6 minutes
SUBTYPES = ("accountTransactionsWithUnsettled", "accountDetails")
#: A refusal this long after the Hub's last reading means that the allowance is used up (H-QUOTA).
RECENT_S = 300
REFUSED = "authorizationInvalid"
UNAVAILABLE = "accountUnavailable"


def refresh(fetch: Fetch, link: JournalLink) -> UUID | None:
    """Ask for transactions, then for details. Returns the Hub's id of the first synchronization, if one was made.

    Raises :class:`HubError`; the caller goes on reading what the Hub has.
    """
    if not _is_due(fetch, link):
        return None
    _wait_as_told(fetch)
    try:
        return _asked(fetch)
    except HubError as error:
        if _has_no_bank(fetch, error):
            return None
        raise (_attended_only(fetch, error) or error) from None


def _wait_as_told(fetch: Fetch) -> None:
    """Without a person, ask again only when the Hub said that it may be asked (I-25)."""
    until, now = fetch.account.waiting_until, fetch.clock()
    if until is not None and until > now and fetch.run.trigger != "person":
        seconds = int((until - now).total_seconds()) + 1
        raise HubError("H-QUOTA", "the Hub said when it may be asked again", retry_after_s=seconds)


def _note_wait(fetch: Fetch, error: HubError) -> None:
    if error.retry_after is not None:
        account = fetch.account
        account.waiting_until = fetch.clock() + error.retry_after
        type(account).objects.filter(pk=account.pk).update(waiting_until=account.waiting_until)


def _has_no_bank(fetch: Fetch, error: HubError) -> bool:
    """Whether there is no bank to ask: an account that the Hub knows from files only has never had a consent.

    The account itself is readable, else reading it fails next.
    """
    return UNAVAILABLE in error.technical and fetch.account.consent_expires_at is None


def _asked(fetch: Fetch) -> UUID | None:
    first: UUID | None = None
    for subtype in SUBTYPES:
        try:
            synchronization = fetch.client.create_synchronization(
                str(fetch.account.hub_account_id), subtype, fetch.run.customer_ip
            )
        except HubError as error:
            _note_wait(fetch, error)
            raise _quota_or_recent(fetch, error) from None
        first = first or UUID(synchronization.id)
        _wait(fetch, synchronization)
    return first


def _is_due(fetch: Fetch, link: JournalLink) -> bool:
    """A person's fetch always asks; a planned one only if the Hub's data are older than the interval.

    The first fetch after linking reads what the Hub has just read.
    """
    if fetch.run.trigger == "person":
        return True
    between, seen = interval(link.fetch_schedule), fetch.account.synchronized_at
    if fetch.run.trigger == "link" or between is None:
        return False
    if seen is not None and fetch.clock() - seen < between:
        return False
    # That was known at the last fetch; the Hub may have read the bank by itself since then.
    seen = fetch.client.account(str(fetch.account.hub_account_id)).synchronized_at
    return seen is None or fetch.clock() - seen >= between


def _quota_or_recent(fetch: Fetch, error: HubError) -> HubError:
    seen = fetch.account.synchronized_at
    if error.code == "H-RECENT" and seen and (fetch.clock() - seen).total_seconds() > RECENT_S:
        return HubError("H-QUOTA", error.technical, request_id=error.request_id)
    return error


def _attended_only(fetch: Fetch, error: HubError) -> HubError | None:
    """H-ATTENDED-ONLY, where the answers show it; the API has no code of its own for it.

    The consent is refused without a person although it has not run out, it was refused like this before, and the last
    time the bank was asked, with a person, it answered.
    """
    account, expires = fetch.account, fetch.account.consent_expires_at
    if fetch.run.customer_ip or not error.technical.startswith(REFUSED) or (expires and expires <= fetch.clock()):
        return None
    asked = account.runs.filter(synchronization_id__isnull=False, status="done").order_by("-finished_at").first()
    if asked is None or asked.trigger != "person":
        return None
    refused = account.failures_seen.filter(code="H-CONSENT-EXPIRED", technical__startswith=REFUSED)
    if not refused.filter(last_at__lt=asked.started_at, cleared_at__gte=asked.started_at).exists():
        return None
    return HubError("H-ATTENDED-ONLY", error.technical, request_id=error.request_id)


def _wait(fetch: Fetch, synchronization: HubSynchronization) -> None:
    for _ in range(MAX_POLLS):
        if synchronization.status == "success":
            return
        if synchronization.status == "error":
            code = synchronization.error_codes[0] if synchronization.error_codes else "internalError"
            raise HubError(code_of(code, 500), f"{code}: {synchronization.detail}")
        fetch.beat()
        fetch.sleep(POLL_S)
        synchronization = fetch.client.synchronization(synchronization.id)
    raise HubError("H-BANK-DOWN", "the synchronization did not end within 6 minutes")
