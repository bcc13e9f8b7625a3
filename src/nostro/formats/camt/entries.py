"""From the texts of one ``Ntry`` to an Entry (formats.md 6.1). Keys are those of ``paths.KEYS``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nostro.core.transactions import BookingStatus
from nostro.formats.amounts import amount_of, exact, exceeds
from nostro.formats.batches import add_batch
from nostro.formats.dates import iso_date
from nostro.formats.problems import excerpt, problem
from nostro.formats.texts import (
    REFERENCE_SCHEMES,
    account_number,
    lone_reference,
    mask_card,
    passes_gate,
    structured_reference,
    tidy,
)
from nostro.formats.values import NOWHERE, Entry, Position, Problem

Values = dict[str, Any]
Raw = dict[str, str]

_STATUS: dict[str, BookingStatus] = {"PDNG": "pending", "INFO": "information", "FUTR": "information"}
_PROPRIETARY = "proprietary_bank_transaction_code"
#: Fields that references of Refs fill beside ``references`` itself.
_REFERENCE_FIELDS = {
    "ref acctSvcrRef": "entry_reference",
    "ref txId": "transaction_id",
    "ref endToEndId": "end_to_end_id",
    "ref mndtId": "mandate_id",
    "ref chqNb": "check_id",
}
_SCHEMES = {
    f"ref {scheme}": scheme
    for scheme in (
        "acctSvcrRef", "ntryRef", "txId", "uetr", "pmtInfId", "msgId", "instrId", "clrSysRef", "acctOwnrTxId",
        "acctSvcrTxId",
    )
}  # fmt: skip


#: What is done with the text of a payment's key; keys not named here are looked for by name.
_KINDS = {
    **dict.fromkeys((*_REFERENCE_FIELDS, *_SCHEMES), "reference"),
    **dict.fromkeys(("debtor_name", "creditor_name", "ultimate_debtor", "ultimate_creditor", "purpose_code"), "name"),
    **dict.fromkeys(("debtor_account", "creditor_account"), "account"),
    **dict.fromkeys(("debtor_agent", "creditor_agent"), "as it is"),
}


class FieldError(ValueError):
    """A value of wrong form: ``tag`` below the entry, ``text`` as written, and what was expected."""

    def __init__(self, tag: str, text: str, expected: str) -> None:
        super().__init__(f"{tag} {excerpt(text)!r} is not {expected}" if text else f"{tag} is missing")
        self.tag = tag


@dataclass(slots=True)
class Statement:
    """What entries need to know of their statement, and of the entry being made.

    ``ordinal`` and ``sign`` are the current entry's running number and direction; ``problems`` collects what is to be
    said of it.
    """

    currency: str
    account: str
    provisional: bool
    date: dt.date | None = None
    ordinal: int = 0
    sign: int = 1
    position: Position = NOWHERE
    #: The entry's amount as written and as read, because its only detail mostly repeats it.
    amount_text: str | None = None
    unsigned: Decimal = Decimal(0)
    problems: list[Problem] = field(default_factory=list)

    def warn(self, code: str, message: str) -> None:
        """Note a problem of the current entry."""
        self.problems.append(problem(code, message, self.position))


def entry_of(values: Values, raw: Raw, details: list[tuple[Values, Raw]], statement: Statement) -> Entry:
    """The row of one ``Ntry``. Raises :class:`FieldError`."""
    pop = values.pop
    currency = pop("amount text@", None) or statement.currency
    sign = statement.sign = _mark(pop("mark", None), "CdtDbtInd")
    statement.amount_text = text = pop("amount text", "")
    try:
        amount = statement.unsigned = amount_of(text, currency)
    except ValueError:
        raise FieldError("Amt", text, "an amount") from None
    if sign < 0:
        amount = -amount
    out: Values = {"amount": amount, "currency": currency, "raw": raw, "position": statement.position}
    if statement.provisional:
        out["provisional"] = True
    if pop("reversal mark", "false").lower() in ("true", "1"):
        out["reversal"] = True
    status = pop("status", None)
    is_booked = status == "BOOK" or _status(status, out, raw, statement) == "booked"
    if is_booked and (currency != "EUR" or text[-3:-2] != ".") and exceeds(amount, currency):
        statement.warn("F-SCALE", f"{excerpt(text)} has more decimals than {currency}")
    _dates(values, out, statement)
    if len(details) == 1:
        _move_up(*details[0], out, statement)
    elif details:
        _batch(out, details, statement)
    if values:
        _common(values, out, statement, len(details))
    if "references" in out:
        out["references"] = tuple(out["references"])
    if statement.account:
        _side(out, statement.account)
    if "details_difference" in out:
        _explain_difference(out, statement)
    return Entry.from_values(out)  # type: ignore[return-value]


def _move_up(values: Values, raw: Raw, out: Values, statement: Statement) -> None:
    """The only detail's fields move up into the row (formats.md 2.7)."""
    amount, currency = out["amount"], out["currency"]
    _payment(values, raw, out, statement)
    if raw:
        out["raw"].update((f"NtryDtls/TxDtls/{path}", value) for path, value in raw.items())
    own = out["amount"]
    out["amount"], out["currency"] = amount, currency
    if own != amount:
        out["details_difference"] = amount - own


def _mark(text: str | None, tag: str) -> int:
    if text == "CRDT":
        return 1
    if text == "DBIT":
        return -1
    raise FieldError(tag, text or "", "CRDT or DBIT")


def _status(text: str | None, out: Values, raw: Raw, statement: Statement) -> str:
    status = _STATUS.get(text or "")
    if status is None:
        message = f"the status {excerpt(text)!r} is not known" if text else "the status is missing"
        note = problem("F-FIELD", f"{message}; read as booked", statement.position, severity="warning")
        statement.problems.append(note)
        if text:
            raw["Sts"] = text
        return "booked"
    out["booking_status"] = status
    return status


def _dates(values: Values, out: Values, statement: Statement) -> None:
    booked_text, valued_text = values.pop("booked on", None), values.pop("valued on", None)
    booked = _date(booked_text, "BookgDt", statement) if booked_text else None
    valued = booked
    if valued_text != booked_text:
        valued = _date(valued_text, "ValDt", statement) if valued_text else None
    if valued is not None:
        out["value_date"] = valued
    if booked is None:
        booked, source = (valued, "value date") if valued else (statement.date, "statement's date")
        if booked is None:
            raise FieldError("BookgDt", "", "a date")
        if out.get("booking_status", "booked") == "booked":
            statement.warn("F-DATE", f"the booking date is missing; the {source} {booked} was taken")
        elif valued is None:
            return
    out["booking_date"] = booked


def _date(text: str, tag: str, statement: Statement) -> dt.date | None:
    try:
        read = iso_date(text)
    except ValueError:
        raise FieldError(tag, text, "a date") from None
    if read.corrected:
        statement.warn("F-DATE", f"{tag} {excerpt(text)} does not exist; {read.day} was taken")
    return read.day


def _common(values: Values, out: Values, statement: Statement, details: int) -> None:
    """Fields that entry and detail both may have; those of the entry win."""
    pop = values.pop
    for key in ("ref acctSvcrRef", "ref ntryRef", "ref msgId", "ref pmtInfId"):
        text = pop(key, None)
        if text is None:
            continue
        if text == out.get("entry_reference") and key == "ref acctSvcrRef":
            continue
        _reference(key, tidy(text), out, out["raw"], statement.ordinal)
    _bank_code(values, out)
    information = pop("entry information", None)
    if information is not None and (information := tidy(information)):
        before = out.get("additional_information")
        if before is None:
            out["additional_information"] = information
        elif information not in before:
            out["additional_information"] = f"{before} {information}"
    size = pop("batch size", None)
    if size is not None and size.isascii() and size.isdigit() and len(size) < 10 and int(size) != details:
        out["batch_indicator"] = True
        out["batch_number_of_transactions"] = int(size)
    if values:
        _rare(values, out, out["raw"])


def _bank_code(values: Values, out: Values) -> None:
    domain = values.pop("domain", None)
    if domain is not None:
        out["bank_transaction_code"] = f"{domain}-{values.pop('family', '')}-{values.pop('subfamily', '')}".rstrip("-")
    code = values.pop(_PROPRIETARY, None)
    if code is not None:
        out[_PROPRIETARY] = tidy(code)


def _rare(values: Values, out: Values, raw: Raw) -> None:
    """Charges, exchange, cards; what is left after them goes to ``raw``."""
    charges = _charges(values)
    if charges is not None:
        out["fee"] = charges
    exchange = _exchange(values, out.get("currency", ""))
    if exchange:
        out["currency_exchange"] = (exchange,)
    if "masked_pan" in values:
        out["masked_pan"] = mask_card(values.pop("masked_pan"))
    if "merchant_category_code" in values:
        out["merchant_category_code"] = tidy(values.pop("merchant_category_code"))
    for key, value in values.items():
        raw[key] = ", ".join(value) if isinstance(value, list) else value


def _charges(values: Values) -> Decimal | None:
    """Charges as a positive cost; a charge marked CRDT is given back."""
    single, marks, total = values.pop("charge", None), values.pop("charge mark", []), values.pop("charges", None)
    try:
        if single is None:
            return exact(total) if total is not None else None
        signs = [-1 if mark == "CRDT" else 1 for mark in marks]
        signs = signs if len(signs) == len(single) else [1] * len(single)
        return sum((sign * exact(text) for sign, text in zip(signs, single, strict=True)), Decimal(0))
    except ValueError:
        raise FieldError("Chrgs", str(single or total), "an amount") from None


def _exchange(values: Values, currency: str) -> dict[str, Any]:
    """Rate and instructed amount; one in the account's own currency without a rate is no exchange."""
    found: dict[str, Any] = {}
    for name in ("source", "target", "unit", "rate", "contract"):
        text = values.pop(f"exchange {name}", None)
        if text is not None:
            found[name] = text
    instructed = values.pop("amount instructed", None)
    instructed_currency = values.pop("amount instructed@", None)
    values.pop("amount of transaction", None)
    values.pop("amount of transaction@", None)
    if instructed is not None and (found or instructed_currency != currency):
        try:
            found["instructed_amount"] = exact(instructed)
        except ValueError:
            raise FieldError("InstdAmt", instructed, "an amount") from None
        found["instructed_currency"] = instructed_currency
    return found


def _payment(texts: Values, raw: Raw, out: Values, statement: Statement) -> None:
    """One ``TxDtls`` into the fields of a payment; its direction is the entry's unless it has its own."""
    values: Values = {}
    for key, text in texts.items():
        kind = _KINDS.get(key)
        if kind is None:
            values[key] = text
        elif kind == "reference":
            _reference(key, tidy(text), out, raw, statement.ordinal)
        elif kind == "name":
            out[key] = tidy(text)
        elif kind == "account":
            out[key] = account_number(text)
        else:
            out[key] = text
    mark = values.pop("mark", None)
    sign = statement.sign if mark is None else _mark(mark, "TxDtls/CdtDbtInd")
    amount = _detail_amount(values, statement)
    if amount is not None:
        out["amount"] = amount if sign > 0 else -amount
        out["currency"] = statement.currency
    _remittance(values, out, statement)
    if values:
        _bank_code(values, out)
        _dated(values, out, statement)
    if values:
        _rare_of_payment(values, raw, out)
        _rare(values, out, raw)


def _detail_amount(values: Values, statement: Statement) -> Decimal | None:
    """Amt (.04 on), TxAmt (.02, .03), InstdAmt, each only in the account's currency; without one there is none."""
    currency = statement.currency
    text, own = values.pop("amount text", None), values.pop("amount text@", None)
    if text is None or own not in (None, currency):
        if text is not None:
            values["Amt"] = f"{text} {own}"
        text = next(
            (
                values[key]
                for key in ("amount of transaction", "amount instructed")
                if key in values and values.get(f"{key}@", currency) == currency
            ),
            None,
        )
    if "amount of transaction" in values:
        del values["amount of transaction"]
        values.pop("amount of transaction@", None)
    if text is None:
        return None
    if text == statement.amount_text:
        return statement.unsigned
    try:
        return amount_of(text, currency)
    except ValueError:
        raise FieldError("TxDtls/Amt", text, "an amount") from None


def _reference(key: str, text: str, out: Values, raw: Raw, ordinal: int) -> None:
    if not text or not passes_gate(text, ordinal):
        if text:
            raw[f"Refs/{key[4:]}"] = text
        return
    name = _REFERENCE_FIELDS.get(key)
    if name is not None:
        out[name] = text
    scheme = _SCHEMES.get(key)
    if scheme is not None:
        if "references" in out:
            _refer(out, scheme, text)
        else:
            out["references"] = [(scheme, text)]


def _refer(out: Values, scheme: str, text: str) -> None:
    references = out.setdefault("references", [])
    if (scheme, text) not in references:
        references.append((scheme, text))


def _remittance(values: Values, out: Values, statement: Statement) -> None:
    free = [text for part in values.pop("unstructured", ()) if (text := tidy(part))]
    marked = values.pop("structured", None)
    references: list[str] = []
    if marked is None:
        if len(free) == 1 and (reference := lone_reference(free[0])):
            references, free = [reference], []
    else:
        for text in map(tidy, marked):
            reference = structured_reference(text)
            if reference is not None:
                references.append(reference)
            elif text:
                free.append(text)
                statement.warn(
                    "F-REFERENCE", f"the reference {excerpt(text)} fails its check digits and was kept as text"
                )
    if "additional remittance" in values or "document" in values:
        more = [*values.pop("additional remittance", ()), *values.pop("document", ())]
        free += [text for text in dict.fromkeys(map(tidy, more)) if text and text not in free]
    if references:
        out["remittance_information_structured"] = tuple(references)
    if free:
        out["remittance_information_unstructured"] = tuple(free)


def _rare_of_payment(values: Values, raw: Raw, out: Values) -> None:
    pop = values.pop
    ids, schemes = pop("creditor id", None), pop("creditor scheme", [])
    if ids is not None:
        if len(ids) == 1 and (not schemes or schemes[0] == "SEPA"):
            out["creditor_id"] = tidy(ids[0])
        elif "SEPA" in schemes and len(ids) == len(schemes):
            out["creditor_id"] = tidy(ids[schemes.index("SEPA")])
        else:
            raw["RltdPties/Cdtr/Id"] = ", ".join(ids)
    kinds, proprietary = pop("proprietary type", []), pop("proprietary reference", [])
    for place, text in enumerate(proprietary):
        kind = kinds[place] if place < len(kinds) else ""
        _refer(out, kind if kind in REFERENCE_SCHEMES else f"prtry:{kind}".rstrip(":"), tidy(text))
    parts = [tidy(part) for part in (pop("return reason", None), pop("detail information", None)) if part]
    if parts:
        out["additional_information"] = " ".join(parts)


def _dated(values: Values, out: Values, statement: Statement) -> None:
    made, accepted = values.pop("made on", None), values.pop("accepted on", None)
    if made or accepted:
        out["transaction_date"] = _date(made or accepted, "RltdDts", statement)


def _batch(out: Values, details: list[tuple[Values, Raw]], statement: Statement) -> None:
    """Several details: the row has the number, the fields equal in all, and the difference of the sums (2.7)."""
    made: list[Values] = []
    for index, (inner, inner_raw) in enumerate(details, 1):
        fields: Values = {"index": index, "raw": inner_raw}
        _payment(inner, inner_raw, fields, statement)
        if "references" in fields:
            fields["references"] = tuple(fields["references"])
        made.append(fields)
    add_batch(out, made)


def _explain_difference(out: Values, statement: Statement) -> None:
    difference = out.get("details_difference")
    if difference is not None and abs(difference) != out.get("fee"):
        statement.warn(
            "F-DETAILS", f"the details differ from the entry by {difference} {out['currency']}; the entry counts"
        )


def _side(out: Values, account: str) -> None:
    """Which side is the other one, where the account numbers tell (formats.md 2.4)."""
    creditor, debtor = out.get("creditor_account"), out.get("debtor_account")
    if account and creditor != debtor:
        if creditor == account:
            out["counterparty_side"] = "debtor"
        elif debtor == account:
            out["counterparty_side"] = "creditor"
