"""How the bank treats one account: ids, status, paging, format, quota, a balance that is not the sum of its rows."""

from __future__ import annotations

from werkzeug.wrappers import Response

from nostro.sandbox import paging, reports
from nostro.sandbox.bank import Bank
from nostro.sandbox.control.accounts import any_account, minor_of, rows_account
from nostro.sandbox.errors import Refusal, format_error
from nostro.sandbox.habits import NewIds
from nostro.sandbox.money import amount_text
from nostro.sandbox.quota import PLACES
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest, json_object, truth_value, whole_number

MAX_PAGE = 1_000
QUOTA_ENDPOINTS = ("accounts", "details", "balances", "transactions", "transaction")


def balance_gap(bank: Bank, request: BankRequest, account_id: str) -> Response:
    """``POST /accounts/{a}/balance-gap {amount}``: balances say so much more than the rows, until ``"0"`` undoes it."""
    account, body = rows_account(bank, account_id), json_object(request)
    habits = bank.changes.set_habits(account, gap_minor=minor_of(body, account.currency))
    return json_reply({"gap": amount_text(habits.gap_minor, account.currency)})


def change_ids(bank: Bank, request: BankRequest, account_id: str) -> Response:
    """``POST /accounts/{a}/change-ids {resourceId?, transactionId?, entryReference?, on_new_consent?}``.

    Each is true, false or a share in percent (of ``resourceId`` all or nothing). New ids now, or with
    ``on_new_consent`` true with each renewal of a consent.
    """
    account, body = any_account(bank, account_id), json_object(request)
    new = NewIds(
        100 if truth_value(body, "resourceId", False) else 0,
        _percent(body, "transactionId"),
        _percent(body, "entryReference"),
    )
    if truth_value(body, "on_new_consent", False):
        bank.changes.set_habits(account, new_ids=new)
    else:
        bank.changes.renew_ids(account, new)
    return json_reply({"resourceId": any_account(bank, account.id).resource_id})


def _percent(body: dict[str, object], name: str) -> int:
    value = body.get(name, False)
    return 100 * value if isinstance(value, bool) else whole_number(body, name, None, 0, 100)


def status(bank: Bank, request: BankRequest, account_id: str) -> Response:
    """``POST /accounts/{a}/status {blocked?, deleted?}``: closes an account; both false opens it again."""
    account, body = any_account(bank, account_id), json_object(request)
    is_blocked, is_deleted = truth_value(body, "blocked", False), truth_value(body, "deleted", False)
    word = "deleted" if is_deleted else "blocked" if is_blocked else "enabled"
    bank.changes.set_status(account, word)
    return json_reply({"status": word})


def set_paging(bank: Bank, request: BankRequest) -> Response:
    """``POST /paging {account, size?, mode?}``: how lists of this account come in pages."""
    body = json_object(request)
    account, mode = any_account(bank, body.get("account")), body.get("mode", "links")
    if mode not in paging.MODES:
        raise format_error(f"mode must be one of {', '.join(paging.MODES)}.", "mode")
    size = None if body.get("size") is None else whole_number(body, "size", None, 1, MAX_PAGE)
    bank.changes.set_habits(account, paging=mode, page_size=size)
    return json_reply({"account": account.id, "size": size, "mode": mode})


def set_format(bank: Bank, request: BankRequest) -> Response:
    """``POST /format {account, format}``: in which format lists of this account are written."""
    body = json_object(request)
    account, wanted = any_account(bank, body.get("account")), body.get("format")
    if wanted not in reports.CONTENT_TYPES:
        raise format_error(f"format must be one of {', '.join(reports.CONTENT_TYPES)}.", "format")
    if wanted != "json" and (account.is_card or account.is_aggregate):
        raise Refusal(400, "PARAMETER_NOT_SUPPORTED", "Files are written of single accounts that are no cards.")
    bank.changes.set_habits(account, format=wanted)
    return json_reply({"account": account.id, "format": wanted})


def set_quota(bank: Bank, request: BankRequest) -> Response:
    """``POST /quota {consent, account?, endpoint, used?, counts_pages?}``: fills or empties the bank's counter.

    ``account`` is needed for all endpoints but ``accounts``; ``counts_pages`` makes follow-up pages cost a place.
    """
    body = json_object(request)
    consent, endpoint = body.get("consent"), body.get("endpoint")
    if endpoint not in QUOTA_ENDPOINTS:
        raise format_error(f"endpoint must be one of {', '.join(QUOTA_ENDPOINTS)}.", "endpoint")
    account = None if endpoint == "accounts" else any_account(bank, body.get("account"))
    if "counts_pages" in body and account is not None:
        bank.changes.set_habits(account, counts_pages=truth_value(body, "counts_pages", False))
    known = bank.consents.require(consent if isinstance(consent, str) else "", 404)
    used = whole_number(body, "used", 0, 0, PLACES)
    bank.quota.fill(known.id, "" if account is None else account.id, str(endpoint), used, bank.clock.now())
    return json_reply({"used": used})
