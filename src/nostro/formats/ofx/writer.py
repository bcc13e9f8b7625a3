"""The streaming writer of OFX 2.2 and 1.0.2 (formats.md 7)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from html import escape

from nostro.core.money import decimals
from nostro.formats.letters import letters
from nostro.formats.ofx.transactions import NESTED, Context, entry_of
from nostro.formats.problems import WriteError
from nostro.formats.texts import tidy
from nostro.formats.values import Entry, FileAccount, StatementHead
from nostro.formats.writing import Outgoing, OutgoingStatement, WriteOptions

Leaf = tuple[str, str]

_NAME, _MEMO = 32, 255
_TYPES = frozenset(
    (
        "CREDIT", "DEBIT", "INT", "DIV", "FEE", "SRVCHG", "DEP", "ATM", "POS", "XFER", "CHECK", "PAYMENT", "CASH",
        "DIRECTDEP", "DIRECTDEBIT", "REPEATPMT", "OTHER",
    )
)  # fmt: skip
#: Fields that come back as they were, unless they are longer than OFX or hold letters that it has not.
_KEPT = (
    "transaction_id", "check_id", "value_date", "transaction_date", "creditor_name", "creditor_account", "debtor_name",
    "debtor_account", "remittance_information_structured", "remittance_information_unstructured",
    "proprietary_bank_transaction_code", "merchant_category_code", "currency_exchange", "corrects",
)  # fmt: skip
_WITHOUT_PLACE = (
    "entry_reference", "end_to_end_id", "mandate_id", "creditor_id", "fee", "creditor_agent", "debtor_agent",
    "ultimate_creditor", "ultimate_debtor", "additional_information", "purpose_code", "bank_transaction_code",
    "masked_pan", "batch_indicator", "balance_after_transaction", "details", "reversal", "raw",
)  # fmt: skip
_KEPT_REFERENCES = frozenset(("fitId", "prtry:REFNUM"))
#: Aggregates around a statement, from the outermost.
_BANK = ("BANKMSGSRSV1", "STMTTRNRS", "STMTRS")
_CARD = ("CREDITCARDMSGSRSV1", "CCSTMTTRNRS", "CCSTMTRS")
_CONTROLS = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def lossy_fields(outgoing: Outgoing) -> Iterable[str]:
    """Fields that are not the same after reading what would be written as OFX 2.2; 1.0.2 transliterates letters too."""
    for statement in outgoing.statements:
        for ordinal, entry in enumerate(statement.entries, 1):
            yield from (name for name in _WITHOUT_PLACE if getattr(entry, name))
            if any(scheme not in _KEPT_REFERENCES for scheme, _ in entry.references):
                yield "references"
            written = dict(_paths(_leaves(entry, ordinal)))
            read = entry_of(written, Context(entry.currency, ordinal))
            yield from (name for name in _KEPT if getattr(entry, name) and getattr(entry, name) != getattr(read, name))


def _paths(leaves: Iterable[Leaf]) -> Iterator[Leaf]:
    """Leaves named with the aggregate they stand in."""
    prefix = ""
    for name, text in leaves:
        if text:
            yield prefix + name, escape(text, quote=False)
        else:
            prefix = f"{name}/" if name in NESTED else ""


def write(outgoing: Outgoing, options: WriteOptions) -> Iterator[bytes]:
    """The file in pieces: OFX 2.2 in UTF-8, or 1.0.2 in cp1252. Raises :class:`WriteError` for what OFX cannot hold."""
    is_xml = options.ofx_version == "220"
    created = re.sub(r"\D", "", options.created)[:14]
    if len(created) < 8:
        raise WriteError(f"the time of writing {options.created!r} is no date")
    yield (_xml_head() if is_xml else _sgml_head()).encode("ascii")
    head = [
        ("OFX", ""), ("SIGNONMSGSRSV1", ""), ("SONRS", ""), *_STATUS, ("DTSERVER", created), ("LANGUAGE", "ENG"),
        ("/SONRS", ""), ("/SIGNONMSGSRSV1", ""),
    ]  # fmt: skip
    yield _encoded(head, is_xml=is_xml)
    for number, statement in enumerate(outgoing.statements, 1):
        for leaves in _statement(statement, f"{options.message_id}-{number}"):
            yield _encoded(leaves, is_xml=is_xml)
    yield _encoded([("/OFX", "")], is_xml=is_xml)


_STATUS: tuple[Leaf, ...] = (("STATUS", ""), ("CODE", "0"), ("SEVERITY", "INFO"), ("/STATUS", ""))


def _xml_head() -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\r\n'
        '<?OFX OFXHEADER="200" VERSION="220" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>\r\n'
    )


def _sgml_head() -> str:
    return (
        "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\nENCODING:USASCII\r\nCHARSET:1252\r\n"
        "COMPRESSION:NONE\r\nOLDFILEUID:NONE\r\nNEWFILEUID:NONE\r\n\r\n"
    )


def _encoded(leaves: Iterable[Leaf], *, is_xml: bool) -> bytes:
    lines = []
    for name, text in leaves:
        written = escape(_CONTROLS.sub("", text) if is_xml else letters(text), quote=False)
        end = f"</{name}>" if is_xml and text else ""
        lines.append(f"<{name}>{written}{end}\r\n")
    return "".join(lines).encode("utf-8" if is_xml else "cp1252")


def _statement(statement: OutgoingStatement, identity: str) -> Iterator[list[Leaf]]:
    head = statement.head
    account = head.account
    names = _CARD if account.masked_pan is not None else _BANK
    yield [
        (names[0], ""), (names[1], ""), ("TRNUID", tidy(identity)[:36]), *_STATUS, (names[2], ""),
        ("CURDEF", account.currency), *_account(account), ("BANKTRANLIST", ""), *_period(statement),
    ]  # fmt: skip
    last: dt.date | None = head.to_date
    for ordinal, entry in enumerate(statement.entries, 1):
        yield _leaves(entry, ordinal)
        last = max(filter(None, (last, entry.booking_date)), default=None)
    end: list[Leaf] = [("/BANKTRANLIST", "")]
    closing = statement.closing
    if closing is not None:
        day = closing.reference_date or last
        if day is None:
            raise WriteError("OFX needs the date of the closing balance, or the period of the statement")
        amount = _amount(closing.amount, account.currency)
        end += [("LEDGERBAL", ""), ("BALAMT", amount), ("DTASOF", f"{day:%Y%m%d}"), ("/LEDGERBAL", "")]
    yield [*end, *((f"/{name}", "") for name in reversed(names))]


def _account(account: FileAccount) -> list[Leaf]:
    if account.masked_pan is not None:
        return [("CCACCTFROM", ""), ("ACCTID", account.masked_pan[:22]), ("/CCACCTFROM", "")]
    if not account.number:
        raise WriteError("OFX needs the number of the account")
    bank, _, number = account.number.rpartition("/") if account.bban else ("", "", account.number)
    bank = bank or (account.bic if account.iban and account.bic else "0")[:9]
    return [
        ("BANKACCTFROM", ""), ("BANKID", bank), ("ACCTID", number), ("ACCTTYPE", "CHECKING"), ("/BANKACCTFROM", "")
    ]  # fmt: skip


def _period(statement: OutgoingStatement) -> Iterator[Leaf]:
    """DTSTART and DTEND are required: the statement's period, else from its first row to its last."""
    head: StatementHead = statement.head
    start, end = head.from_date, head.to_date
    if start is None or end is None:
        days = [entry.booking_date for entry in statement.entries if entry.booking_date]
        balances = (statement.opening, statement.closing)
        days += [balance.reference_date for balance in balances if balance and balance.reference_date]
        if not days:
            raise WriteError("OFX needs the period of the statement")
        start, end = start or min(days), end or max(days)
    yield "DTSTART", f"{start:%Y%m%d}"
    yield "DTEND", f"{end:%Y%m%d}"


def _leaves(entry: Entry, ordinal: int) -> list[Leaf]:
    if entry.booking_status != "booked":
        raise WriteError("OFX holds booked rows only; leave the others out")
    if entry.booking_date is None:
        raise WriteError("OFX needs a booking date for every row")
    side = "creditor" if entry.amount < 0 else "debtor"
    code = entry.proprietary_bank_transaction_code or ""
    known = dict(entry.references)
    # A row without an identity gets its position for one, which no reader of ours takes for an identity.
    identity = entry.transaction_id or known.get("fitId") or f"{entry.booking_date}.{ordinal}"
    texts = (*entry.remittance_information_structured, *entry.remittance_information_unstructured)
    account = getattr(entry, f"{side}_account") or ""
    optional = [
        ("DTUSER", _day(entry.transaction_date)), ("DTAVAIL", _day(entry.value_date)),
        ("TRNAMT", _amount(entry.amount, entry.currency)), ("FITID", tidy(identity)[:255]),
        ("CORRECTFITID", entry.corrects or ""), ("CORRECTACTION", _action(entry)),
        ("CHECKNUM", tidy(entry.check_id or "")[:12]), ("REFNUM", tidy(known.get("prtry:REFNUM", ""))[:32]),
        ("SIC", tidy(entry.merchant_category_code or "")), ("NAME", tidy(getattr(entry, f"{side}_name") or "")[:_NAME]),
    ]  # fmt: skip
    return [
        ("STMTTRN", ""), ("TRNTYPE", code if code in _TYPES else "DEBIT" if entry.amount < 0 else "CREDIT"),
        ("DTPOSTED", _day(entry.booking_date)), *((name, text) for name, text in optional if text),
        *_counterparty_account(account), *_memo(" ".join(texts)), *_exchange(entry), ("/STMTTRN", ""),
    ]  # fmt: skip


def _day(day: dt.date | None) -> str:
    return f"{day:%Y%m%d}" if day else ""


def _action(entry: Entry) -> str:
    action = str(entry.raw.get("CORRECTACTION", "REPLACE"))
    return action if entry.corrects else ""


def _counterparty_account(account: str) -> Iterator[Leaf]:
    if account := tidy(account)[:34]:
        yield from (
            ("BANKACCTTO", ""),
            ("BANKID", "0"),
            ("ACCTID", account),
            ("ACCTTYPE", "CHECKING"),
            ("/BANKACCTTO", ""),
        )


def _memo(text: str) -> Iterator[Leaf]:
    if text := tidy(text)[:_MEMO].rstrip():
        yield "MEMO", text


def _exchange(entry: Entry) -> Iterator[Leaf]:
    for exchange in entry.currency_exchange[:1]:
        source, rate = str(exchange.get("source") or ""), str(exchange.get("rate") or "")
        if source and rate and exchange.get("target") in (None, entry.currency):
            yield from (("ORIGCURRENCY", ""), ("CURRATE", rate), ("CURSYM", source), ("/ORIGCURRENCY", ""))


def _amount(amount: Decimal, currency: str) -> str:
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or amount.adjusted() >= 24:
        raise WriteError(f"OFX cannot hold the amount {amount}")
    return f"{amount:.{decimals(currency)}f}" if -exponent < decimals(currency) else f"{amount:f}"
