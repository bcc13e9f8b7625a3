"""The streaming writer of camt.053.001.08 (formats.md 7). Elements stand in the order of its schema."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from nostro.core.account_keys import normalise_account_number
from nostro.core.transactions import Balance
from nostro.formats.problems import WriteError
from nostro.formats.texts import is_valid_iban
from nostro.formats.values import Detail, Entry, FileAccount
from nostro.formats.writing import Outgoing, OutgoingStatement, WriteOptions, summary

_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
_STATUS = {"booked": "BOOK", "pending": "PDNG", "information": "INFO"}
_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_CODE = re.compile(r"([A-Z0-9]{1,4})-([A-Z0-9]{1,4})-([A-Z0-9]{1,4})")
_REFS = (
    ("msgId", "MsgId"), ("acctSvcrRef", "AcctSvcrRef"), ("pmtInfId", "PmtInfId"), ("instrId", "InstrId"),
    ("", "EndToEndId"), ("uetr", "UETR"), ("txId", "TxId"), ("", "MndtId"), ("", "ChqNb"), ("clrSysRef", "ClrSysRef"),
    ("acctOwnrTxId", "AcctOwnrTxId"), ("acctSvcrTxId", "AcctSvcrTxId"),
)  # fmt: skip
_REF_FIELDS = {"EndToEndId": "end_to_end_id", "MndtId": "mandate_id", "ChqNb": "check_id", "TxId": "transaction_id"}
_MAX_REFERENCE, _MAX_NAME, _MAX_PART, _MAX_INFORMATION = 35, 140, 140, 500
_FLUSH_ENTRIES = 64


def lossy_fields(outgoing: Outgoing) -> Iterable[str]:
    """Fields of which the schema cannot hold the whole."""
    for statement in outgoing.statements:
        for entry in statement.entries:
            yield from _lossy(entry)


def _lossy(entry: Entry) -> Iterator[str]:
    if entry.raw or any(detail.raw for detail in entry.details):
        yield "raw"
    if entry.balance_after_transaction is not None:
        yield "balance_after_transaction"
    if entry.corrects:
        yield "corrects"
    for payment in entry.details or (entry,):
        if any(len(part) > _MAX_PART for part in payment.remittance_information_unstructured):
            yield "remittance_information_unstructured"
        if len(payment.currency_exchange) > 1 or any(not _is_whole(one) for one in payment.currency_exchange):
            yield "currency_exchange"
        if any(len(value) > _MAX_REFERENCE for _, value in payment.references):
            yield "references"
        for name in ("creditor_name", "debtor_name", "ultimate_creditor", "ultimate_debtor"):
            if len(getattr(payment, name) or "") > _MAX_NAME:
                yield name
    if len(entry.additional_information or "") > _MAX_INFORMATION:
        yield "additional_information"


def write(outgoing: Outgoing, options: WriteOptions) -> Iterator[bytes]:
    """The message in pieces."""
    head = f"{_text('MsgId', options.message_id, 35)}{_text('CreDtTm', options.created)}"
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="{_NAMESPACE}"><BkToCstmrStmt><GrpHdr>{head}</GrpHdr>\n'
    ).encode()
    for number, statement in enumerate(outgoing.statements, 1):
        yield from _statement(statement, number, options)
    yield b"</BkToCstmrStmt></Document>\n"


# --- statement -------------------------------------------------------------------------------------------------


def _statement(statement: OutgoingStatement, number: int, options: WriteOptions) -> Iterator[bytes]:
    head = statement.head
    period = ""
    if head.from_date and head.to_date:
        period = f"<FrToDt><FrDtTm>{head.from_date}T00:00:00</FrDtTm><ToDtTm>{head.to_date}T23:59:59</ToDtTm></FrToDt>"
    copy = {"copy": "COPY", "duplicate": "DUPL"}.get(head.copy, "")
    balances = [
        _balance(code, balance, day)
        for code, balance, day in (
            ("OPBD", statement.opening, head.from_date),
            ("CLBD", statement.closing, head.to_date),
        )
        if balance is not None
    ]
    begin = "".join(
        [
            "<Stmt>", _text("Id", head.statement_id or f"{options.message_id}-{number}", 35),
            _digits("ElctrncSeqNb", head.sequence), _digits("LglSeqNb", head.legal_sequence),
            _text("CreDtTm", options.created), period, _text("CpyDplctInd", copy), _account(head.account), *balances,
            _summary(statement), "\n",
        ]
    )  # fmt: skip
    yield begin.encode()
    pieces: list[str] = []
    for entry in statement.entries:
        pieces.append(_entry(entry))
        if len(pieces) >= _FLUSH_ENTRIES:
            yield "".join(pieces).encode()
            pieces.clear()
    yield ("".join(pieces) + "</Stmt>\n").encode()


def _account(account: FileAccount) -> str:
    owner = f"<Ownr>{_text('Nm', account.owner_name, _MAX_NAME)}</Ownr>" if account.owner_name else ""
    servicer = _agent_id(account.bic, "Svcr") if account.bic else ""
    parts = [_number(account.number), _text("Ccy", account.currency), _text("Nm", account.display_name, 70)]
    return f"<Acct>{''.join(parts)}{owner}{servicer}</Acct>"


def _balance(code: str, balance: Balance, otherwise: dt.date | None) -> str:
    day = balance.reference_date or otherwise
    if day is None:
        raise WriteError("CAMT needs the dates of the balances, or the period of the statement")
    amount = f"{_money('Amt', balance.amount, balance.currency)}{_mark(balance.amount)}"
    return f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{amount}<Dt><Dt>{day}</Dt></Dt></Bal>"


def _summary(statement: OutgoingStatement) -> str:
    sums = summary(statement)
    net = sums.credit_sum - sums.debit_sum
    return (
        f"<TxsSummry><TtlNtries><NbOfNtries>{sums.credits + sums.debits}</NbOfNtries>"
        f"<TtlNetNtry><Amt>{abs(net):f}</Amt>{_mark(net)}</TtlNetNtry></TtlNtries>"
        f"<TtlCdtNtries><NbOfNtries>{sums.credits}</NbOfNtries><Sum>{sums.credit_sum:f}</Sum></TtlCdtNtries>"
        f"<TtlDbtNtries><NbOfNtries>{sums.debits}</NbOfNtries><Sum>{sums.debit_sum:f}</Sum></TtlDbtNtries></TxsSummry>"
    )


# --- entry -----------------------------------------------------------------------------------------------------


def _entry(entry: Entry) -> str:
    references = dict(entry.references)
    booked = f"<BookgDt><Dt>{entry.booking_date}</Dt></BookgDt>" if entry.booking_date else ""
    valued = f"<ValDt><Dt>{entry.value_date}</Dt></ValDt>" if entry.value_date else ""
    ordinal = references.get("ntryRef", "")
    # A line's uid has 36 characters with its hyphens and 32 without; the element holds 35.
    ordinal = ordinal.replace("-", "") if len(ordinal) == 36 else ordinal
    return "".join(
        [
            "<Ntry>", _text("NtryRef", ordinal, 35), _money("Amt", entry.amount, entry.currency), _mark(entry.amount),
            "<RvslInd>true</RvslInd>" if entry.reversal else "",
            f"<Sts><Cd>{_STATUS[entry.booking_status]}</Cd></Sts>",
            booked, valued, _text("AcctSvcrRef", entry.entry_reference, 35), _code(entry),
            _charges(entry.fee, entry.currency), _card(entry), _details(entry, references),
            _text("AddtlNtryInf", entry.additional_information, _MAX_INFORMATION), "</Ntry>\n",
        ]
    )  # fmt: skip


def _code(entry: Entry) -> str:
    found = _CODE.fullmatch(entry.bank_transaction_code or "")
    domain = ""
    if found:
        domain = "<Domn><Cd>{}</Cd><Fmly><Cd>{}</Cd><SubFmlyCd>{}</SubFmlyCd></Fmly></Domn>".format(*found.groups())
    own = _text("Cd", entry.proprietary_bank_transaction_code, 35)
    return f"<BkTxCd>{domain}{f'<Prtry>{own}</Prtry>' if own else ''}</BkTxCd>"


def _charges(fee: Decimal | None, currency: str) -> str:
    if fee is None:
        return ""
    return f"<Chrgs><Rcrd>{_money('Amt', fee, currency)}{_mark(-fee)}</Rcrd></Chrgs>"


def _card(entry: Entry) -> str:
    if not (entry.masked_pan or entry.merchant_category_code):
        return ""
    card = f"<Card>{_text('AddtlCardData', entry.masked_pan, 70)}</Card>" if entry.masked_pan else ""
    category = _text("TxCtgy", entry.merchant_category_code, 4)
    return f"<CardTx>{card}{f'<AggtdNtry>{category}</AggtdNtry>' if category else ''}</CardTx>"


def _details(entry: Entry, references: dict[str, str]) -> str:
    batch = ""
    if entry.batch_number_of_transactions is not None:
        ids = "".join(
            _text(tag, references.get(scheme), 35) for scheme, tag in (("msgId", "MsgId"), ("pmtInfId", "PmtInfId"))
        )
        batch = f"<Btch>{ids if entry.details else ''}<NbOfTxs>{entry.batch_number_of_transactions}</NbOfTxs></Btch>"
    payments = entry.details or (entry,)
    texts = "".join(_payment(payment, entry) for payment in payments)
    return f"<NtryDtls>{batch}{texts}</NtryDtls>" if batch or texts else ""


def _payment(payment: Detail | Entry, entry: Entry) -> str:
    amount = payment.amount if payment is not entry else _own_amount(entry)
    own = _money("Amt", amount, entry.currency) + _mark(amount) if amount is not None else ""
    information = payment.additional_information if payment is not entry else None
    fee = _charges(payment.fee, entry.currency) if payment is not entry else ""
    day = payment.transaction_date
    made = f"<RltdDts><TxDtTm>{day}T00:00:00</TxDtTm></RltdDts>" if day else ""
    text = "".join(
        [
            _references(payment, is_entry=payment is entry), own, _exchange(payment, entry), fee, _parties(payment),
            _agents(payment), _purpose(payment.purpose_code), _remittance(payment),
            made,
            _text("AddtlTxInf", information, _MAX_INFORMATION),
        ]
    )  # fmt: skip
    return f"<TxDtls>{text}</TxDtls>" if text or payment is not entry else ""


def _own_amount(entry: Entry) -> Decimal | None:
    return None if entry.details_difference is None else entry.amount - entry.details_difference


def _references(payment: Detail | Entry, *, is_entry: bool) -> str:
    known = {scheme: value for scheme, value in payment.references if scheme != "ntryRef"}
    if is_entry:
        known.pop("acctSvcrRef", None)
    parts = []
    for scheme, tag in _REFS:
        field = _REF_FIELDS.get(tag)
        value = known.pop(scheme, None) if scheme else None
        value = value or (getattr(payment, field) if field else None)
        parts.append(_text(tag, value, _MAX_REFERENCE))
    for scheme, value in known.items():
        kind = scheme.removeprefix("prtry:") or "OTHR"
        parts.append(f"<Prtry>{_text('Tp', kind, 35)}{_text('Ref', value, 35)}</Prtry>")
    text = "".join(parts)
    return f"<Refs>{text}</Refs>" if text else ""


def _is_whole(exchange: Any) -> bool:
    return bool(exchange.get("instructed_amount") is not None and exchange.get("instructed_currency"))


def _exchange(payment: Detail | Entry, entry: Entry) -> str:
    if not payment.currency_exchange or not _is_whole(payment.currency_exchange[0]):
        return ""
    given = payment.currency_exchange[0]
    rate = ""
    if given.get("source") and given.get("rate"):
        tags = (
            ("SrcCcy", "source"),
            ("TrgtCcy", "target"),
            ("UnitCcy", "unit"),
            ("XchgRate", "rate"),
            ("CtrctId", "contract"),
        )
        rate = f"<CcyXchg>{''.join(_text(tag, given.get(name)) for tag, name in tags)}</CcyXchg>"
    amount = _money("Amt", given["instructed_amount"], given["instructed_currency"])
    return f"<AmtDtls><InstdAmt>{amount}{rate}</InstdAmt></AmtDtls>"


def _parties(payment: Detail | Entry) -> str:
    parts = []
    for role, side in (("Dbtr", "debtor"), ("Cdtr", "creditor")):
        name = _text("Nm", getattr(payment, f"{side}_name"), _MAX_NAME)
        if side == "creditor" and payment.creditor_id:
            scheme = "<SchmeNm><Prtry>SEPA</Prtry></SchmeNm>"
            name += f"<Id><PrvtId><Othr>{_text('Id', payment.creditor_id, 35)}{scheme}</Othr></PrvtId></Id>"
        parts.append(f"<{role}><Pty>{name}</Pty></{role}>" if name else "")
        account = getattr(payment, f"{side}_account")
        parts.append(f"<{role}Acct>{_number(account)}</{role}Acct>" if account else "")
        ultimate = _text("Nm", getattr(payment, f"ultimate_{side}"), _MAX_NAME)
        parts.append(f"<Ultmt{role}><Pty>{ultimate}</Pty></Ultmt{role}>" if ultimate else "")
    text = "".join(parts)
    return f"<RltdPties>{text}</RltdPties>" if text else ""


def _agents(payment: Detail | Entry) -> str:
    text = "".join(
        _agent_id(agent, tag)
        for tag, agent in (("DbtrAgt", payment.debtor_agent), ("CdtrAgt", payment.creditor_agent))
        if agent
    )
    return f"<RltdAgts>{text}</RltdAgts>" if text else ""


def _agent_id(bic: str, tag: str) -> str:
    inner = _text("BICFI", bic) if _BIC.fullmatch(bic) else f"<Othr>{_text('Id', bic, 35)}</Othr>"
    return f"<{tag}><FinInstnId>{inner}</FinInstnId></{tag}>"


def _number(number: str) -> str:
    if is_valid_iban(number) and normalise_account_number(number) == number:
        return f"<Id><IBAN>{number}</IBAN></Id>"
    return f"<Id><Othr>{_text('Id', number, 34)}</Othr></Id>"


def _purpose(code: str | None) -> str:
    if not code:
        return ""
    return f"<Purp>{_text('Cd' if len(code) <= 4 else 'Prtry', code, 35)}</Purp>"


def _remittance(payment: Detail | Entry) -> str:
    parts = [
        _text("Ustrd", part[at : at + _MAX_PART])
        for part in payment.remittance_information_unstructured
        for at in range(0, len(part), _MAX_PART)
    ]
    parts += [
        "<Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp>"
        f"{_text('Ref', reference, _MAX_REFERENCE)}</CdtrRefInf></Strd>"
        for reference in payment.remittance_information_structured
    ]
    return f"<RmtInf>{''.join(parts)}</RmtInf>" if parts else ""


# --- texts -----------------------------------------------------------------------------------------------------


def _text(tag: str, value: str | None, limit: int = 4000) -> str:
    return f"<{tag}>{escape(value[:limit])}</{tag}>" if value else ""


def _digits(tag: str, value: str | None) -> str:
    return f"<{tag}>{value}</{tag}>" if value and value.isascii() and value.isdigit() and len(value) <= 18 else ""


def _money(tag: str, amount: Decimal, currency: str) -> str:
    text = f"{abs(amount):f}"
    _, _, fraction = text.partition(".")
    if len(text.replace(".", "").lstrip("0")) > 18 or len(fraction) > 5:
        raise WriteError(f"CAMT cannot hold the amount {amount} {currency}: it has more than 18 digits or 5 decimals")
    return f'<{tag} Ccy="{currency}">{text}</{tag}>'


def _mark(amount: Decimal) -> str:
    return f"<CdtDbtInd>{'DBIT' if amount < 0 else 'CRDT'}</CdtDbtInd>"
