"""One CODA statement: records 1 to 8 and what stands before its record 9 (formats.md 6.3). Columns count from 0."""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from nostro.core.account_keys import normalise_account_number
from nostro.core.check_digits import be_check_digits, mod97
from nostro.core.transactions import Balance
from nostro.formats.coda.movements import Context, FieldError, Movement, entry_of, read_date, signed_amount
from nostro.formats.fixed_width import Record
from nostro.formats.limits import MAX_DETAILS
from nostro.formats.problems import excerpt, fail, problem
from nostro.formats.texts import account_number, is_valid_iban, tidy
from nostro.formats.values import (
    Copy,
    Event,
    FileAccount,
    Hints,
    Position,
    Problem,
    StatementHead,
    StatementTail,
    Totals,
)

#: Movements held back for information records that stand further down.
_HELD = 256
#: Chains of information records of one movement; more are no information.
_MAX_INFORMATION = 1_000


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What record 0 says of its statement."""

    date: dt.date | None
    copy: Copy
    bic: str | None


def place(record: Record, kind: str, columns: tuple[int, int] | None = None) -> Position:
    """Where a record stands, or these columns of it (from 1)."""
    if columns and record.offset:
        columns = columns[0] + record.offset, columns[1] + record.offset
    return Position(None, record.line, columns, None, None, kind)


def wrong(error: FieldError, record: Record, kind: str) -> Exception:
    """The fatal error for a field of a record that is no movement."""
    return fail("F-FIELD", str(error), place(record, kind, error.columns))


class Statement:
    """Takes the records of one statement and gives its events."""

    def __init__(self, record: Record, facts: FileFacts, hints: Hints) -> None:
        self._position = self._end_position = place(record, "1")
        text = record.text
        self._account, self._opening = _opening(record, facts, hints)
        self.currency = self._account.currency
        self._head = StatementHead(
            0, self._account, self._position, statement_id=None, sequence=text[125:128].strip() or None,
            legal_sequence=text[2:5].strip() or None, copy=facts.copy, opening=self._opening,
        )  # fmt: skip
        self._context = Context(self.currency, text[2:5], facts.date)
        self._closing: Balance | None = None
        self._held: OrderedDict[int, Movement] = OrderedDict()
        self._by_key: dict[tuple[str, str], Movement] = {}
        self._current: Movement | None = None
        self._payment: Movement | None = None
        self._information: Movement | None = None
        self._seen = self._emitted = 0
        self.credits = self.debits = Decimal(0)

    def begin(self) -> StatementHead:
        """The head."""
        return self._head

    @property
    def closed(self) -> bool:
        """True once record 8 was there."""
        return self._closing is not None

    # --- movements -----------------------------------------------------------------------------------------------

    def movement(self, record: Record) -> Sequence[Event]:
        """Record 2.1: a movement, or a detail of the movement with the same sequence. Gives rows that are due."""
        text = record.text
        made = Movement(record.line, record.offset, text)
        self._payment, self._information = made, None
        if text[6:10] == "0000":
            self._seen += 1
            self._current = self._held[self._seen] = made
            self._by_key[made.key] = made
            return self._release() if len(self._held) > _HELD else ()
        current = self._current
        if current is None or current.first[2:6] != text[2:6]:
            raise fail("F-SYNTAX", f"the detail {excerpt(text[2:10])} has no movement before it", place(record, "2.1"))
        if len(current.details) >= MAX_DETAILS:
            raise fail("F-TOO-LARGE", f"the movement has more than {MAX_DETAILS} details", place(record, "2.1"))
        current.details.append(made)
        self._by_key.setdefault(made.key, made)
        return ()

    def more(self, record: Record) -> None:
        """Records 2.2 and 2.3 go on with the 2.1 before."""
        kind = f"2.{record.text[1]}"
        payment = self._payment
        if payment is None or payment.first[2:10] != record.text[2:10]:
            raise fail("F-SYNTAX", f"record {kind} has no record 2.1 before it", place(record, kind))
        if record.text[1] == "2":
            payment.second = record.text
        else:
            payment.third = record.text

    def information(self, record: Record) -> Iterator[Problem]:
        """Records 3: information on the movement with the same sequence and bank reference, wherever that stands."""
        text = record.text
        if text[1] == "1":
            self._information = self._informed((text[2:6], text[10:31]))
            if self._information is None:
                message = f"the information {excerpt(text[40:113].strip())!r} belongs to no movement of the statement"
                yield problem("F-SKIPPED", message, place(record, "3.1"))
                return
            self._information.information.append((text[39], text[40:113]))
            if len(self._information.information) > _MAX_INFORMATION:
                message = f"the movement has more than {_MAX_INFORMATION} information records"
                raise fail("F-TOO-LARGE", message, place(record, "3.1"))
        elif self._information is not None:
            flag, before = self._information.information[-1]
            self._information.information[-1] = flag, before + text[10 : 115 if text[1] == "2" else 100]
        else:
            kind = f"3.{text[1]}"
            yield problem("F-SKIPPED", f"record {kind} has no record 3.1 before it", place(record, kind))

    def _informed(self, key: tuple[str, str]) -> Movement | None:
        # A payment that announces information and fits is meant, even where its movement has the same reference.
        payment = self._payment
        if (
            payment is not None
            and payment.key == key
            and (payment.third or payment.second or payment.first)[127] == "1"
        ):
            return payment
        return self._by_key.get(key)

    def _release(self) -> list[Event]:
        """The row of the movement held longest, with what is to be said of it."""
        _, movement = self._held.popitem(last=False)
        self._by_key.pop(movement.key, None)
        for detail in movement.details:
            self._by_key.pop(detail.key, None)
        out: list[Event] = []
        context = self._context
        try:
            entry = entry_of(movement, context)
        except FieldError as error:
            out.append(problem("F-FIELD", str(error), movement.position(error.columns)))
        else:
            self._emitted += 1
            if entry.amount < 0:
                self.debits -= entry.amount
            else:
                self.credits += entry.amount
            out.append(entry)
        if context.problems:
            out[:0] = context.problems
            context.problems.clear()
        return out

    # --- end -----------------------------------------------------------------------------------------------------

    def close(self, record: Record) -> None:
        """Record 8, the new balance. Raises F-ACCOUNT if it is that of another account than record 1."""
        text = record.text
        number = text[4:41].strip()
        if number and not _same_account(number, self._account, self.currency):
            message = f"the new balance is of the account {excerpt(number)!r}, the old one of another"
            raise fail("F-ACCOUNT", message, place(record, "8", (5, 41)))
        self._end_position = place(record, "8", (42, 57))
        try:
            amount = signed_amount(text[42:57], text[41], self.currency, 42)
            day = read_date(text[57:63], 58).day
        except FieldError as error:
            raise wrong(error, record, "8") from None
        self._closing = Balance("closingBooked", amount, self.currency, reference_date=day)

    def finish(self) -> Iterator[Event]:
        """All rows that are still held."""
        while self._held:
            yield from self._release()
        if self._context.undated:
            message = f"{self._context.undated} movements have no entry date; value date or file date was taken"
            yield problem("F-DATE", message, self._position)

    def tail(self, totals: Totals | None) -> StatementTail:
        """The end; ``totals`` are those of record 9."""
        balances = tuple(balance for balance in (self._opening, self._closing) if balance is not None)
        return StatementTail(
            balances, totals, self._seen, self._emitted, self._seen - self._emitted, None, self._end_position
        )


def _opening(record: Record, facts: FileFacts, hints: Hints) -> tuple[FileAccount, Balance]:
    text = record.text
    number, currency = (text[5:17], text[18:21]) if text[1] == "0" else (text[5:39], text[39:42])
    currency = currency.strip().upper() or (hints.currency or "")
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise fail("F-ACCOUNT", "the statement does not say its currency", place(record, "1", (6, 42)))
    account = _account(number.strip(), text[1], currency, hints)
    if not account.number:
        raise fail("F-ACCOUNT", "the statement has no account number", place(record, "1", (6, 39)))
    try:
        amount = signed_amount(text[43:58], text[42], currency, 43)
        day = read_date(text[58:64], 59).day
    except FieldError as error:
        raise wrong(error, record, "1") from None
    named = replace(
        account, bic=facts.bic, owner_name=tidy(text[64:90]) or None, display_name=tidy(text[90:125]) or None
    )
    return named, Balance("openingBooked", amount, currency, reference_date=day)


def _account(text: str, form: str, currency: str, hints: Hints) -> FileAccount:
    number = account_number(text or hints.account or "")
    if is_valid_iban(number):
        return FileAccount(currency, iban=number)
    if form == "0" and len(number) == 12 and number.isdigit() and be_check_digits(number[:10]) == number[10:]:
        return FileAccount(currency, iban=f"BE{98 - mod97(number + 'BE00'):02d}{number}")
    if form in "01":
        return FileAccount(currency, bban=number)
    return FileAccount(currency, other=number)


def _same_account(text: str, account: FileAccount, currency: str) -> bool:
    """The number alone counts: record 1 may give it in another form than record 8, and with a currency behind it."""
    compact = normalise_account_number(text).removesuffix(currency)
    own = normalise_account_number(account.number)
    return own in (compact, compact.removesuffix("BE")) or (own[:2] == "BE" and own[4:] == compact.removesuffix("BE"))
