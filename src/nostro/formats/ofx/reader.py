"""The streaming reader of OFX (formats.md 6.4)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

from nostro.core.transactions import Balance
from nostro.formats.limits import MAX_TEXT
from nostro.formats.ofx.tags import TOKEN, pieces, unescaped
from nostro.formats.ofx.transactions import NESTED, Context, FieldError, entry_of, read_date, signed_amount
from nostro.formats.problems import excerpt, fail, problem
from nostro.formats.streams import Source
from nostro.formats.texts import account_number, is_valid_iban, mask_card, tidy
from nostro.formats.values import Event, FileAccount, FileHead, Hints, Position, StatementHead, StatementTail

_TRANSACTION = re.compile(r"<(STMTTRNP?)\s*>")
_VERSION = re.compile(r"VERSION\s{0,5}[:=]\s{0,5}[\"']?([0-9]{3})[\"']?", re.IGNORECASE)
#: Known aggregates and how deep they are: one that opens closes all that are as deep or deeper.
_LEVELS = {
    "STMTRS": 1, "CCSTMTRS": 1, "INVSTMTRS": 1,
    "BANKACCTFROM": 2, "CCACCTFROM": 2, "INVACCTFROM": 2, "BANKTRANLIST": 2, "BANKTRANLISTP": 2, "INVTRANLIST": 2,
    "LEDGERBAL": 2, "AVAILBAL": 2, "BALLIST": 2, "CASHADVBALAMT": 2, "INVPOSLIST": 2, "INVBAL": 2, "INVOOLIST": 2,
    "INVTRAN": 3, "INVBANKTRAN": 3, "BAL": 3,
}  # fmt: skip
_STATEMENTS = frozenset(("STMTRS", "CCSTMTRS", "INVSTMTRS"))
_LISTS = frozenset(("BANKTRANLIST", "BANKTRANLISTP", "INVTRANLIST"))
_BALANCES = {"LEDGERBAL": "interimBooked", "AVAILBAL": "interimAvailable"}
_ACCOUNTS = frozenset(("BANKACCTFROM", "CCACCTFROM", "INVACCTFROM"))


def read(source: Source) -> Iterator[Event]:
    """The events of an OFX file."""
    texts = source.texts()
    first = next(texts, "")
    yield _file_head(first, source.encoding)
    reader = _Reader(source.hints)
    for piece in pieces(itertools.chain([first], texts)):
        yield from reader.take(piece)
    yield from reader.end()


def _file_head(text: str, encoding: str) -> FileHead:
    start = text.upper().find("<OFX>")
    header = text[: start if start >= 0 else 4096]
    version = _VERSION.search(header.replace('<?xml version="1.0"', ""))
    leaves: dict[str, str] = {}
    for name, content in TOKEN.findall(text[:8192]):
        leaves.setdefault(name.upper(), content.strip())
    is_xml = "<?" in header
    return FileHead(
        "ofx", f"OFX {version.group(1)}" if version else "OFX", "xml" if is_xml else "sgml", encoding,
        leaves.get("TRNUID") or None, leaves.get("DTSERVER") or None, leaves.get("ORG") or None,
    )  # fmt: skip


class _Statement:
    """One ``STMTRS`` from its opening tag on."""

    def __init__(self, line: int, hints: Hints) -> None:
        self.position = Position(None, line, None, "STMTRS")
        self._hints = hints
        #: Leaves of the account, the list and the balances, by aggregate and name.
        self.leaves: dict[str, str] = {}
        self.account_kind = ""
        self.context = Context("")
        self.said_head = False
        self.list_ended = self.has_list = False
        self.emitted = self.trades = 0

    def head(self) -> StatementHead:
        """The head, once the account is known. Raises F-ACCOUNT, F-FIELD."""
        self.said_head = True
        currency = (self.leaves.get("CURDEF") or self._hints.currency or "").upper()
        if len(currency) != 3 or not currency.isalpha():
            raise fail("F-ACCOUNT", "the statement does not say its currency (CURDEF)", self.position)
        self.context.currency = currency
        dates = []
        for tag in ("DTSTART", "DTEND"):
            text = self.leaves.get(f"LIST/{tag}", "")
            try:
                dates.append(read_date(text, tag).day if text else None)
            except FieldError as error:
                raise fail("F-FIELD", str(error), self.position) from None
        return StatementHead(
            0, self._account(currency), self.position, "list", from_date=dates[0], to_date=dates[1]
        )  # fmt: skip

    def _account(self, currency: str) -> FileAccount:
        kind = self.account_kind
        number = account_number(tidy(unescaped(self.leaves.get(f"{kind}/ACCTID", ""))) or self._hints.account or "")
        if not number:
            raise fail("F-ACCOUNT", "the statement has no account number (ACCTID)", self.position)
        if kind == "CCACCTFROM":
            return FileAccount(currency, masked_pan=mask_card(number))
        if is_valid_iban(number):
            return FileAccount(currency, iban=account_number(number.upper()))
        bank = account_number(self.leaves.get(f"{kind}/BANKID", ""))
        if bank.strip("0"):
            return FileAccount(currency, bban=f"{bank}/{number}")
        return FileAccount(currency, other=number)

    def tail(self, line: int) -> StatementTail:
        """The end. Raises F-FIELD for a balance that cannot be read."""
        balances = []
        for aggregate, kind in _BALANCES.items():
            text = self.leaves.get(f"{aggregate}/BALAMT")
            if text is None:
                continue
            currency = self.context.currency
            try:
                amount = signed_amount(text, currency, f"{aggregate}/BALAMT")
                date = self.leaves.get(f"{aggregate}/DTASOF", "")
                day = read_date(date, f"{aggregate}/DTASOF").day if date else None
            except FieldError as error:
                raise fail("F-FIELD", str(error), Position(None, line, None, aggregate)) from None
            balances.append(Balance(kind, amount, currency, reference_date=day))
        seen = self.context.ordinal
        return StatementTail(
            tuple(balances), None, seen, self.emitted, seen - self.emitted, None, Position(None, line, None, "STMTRS")
        )


class _Reader:
    """Follows the tags. Events of a piece are collected in a list, because most are rows."""

    def __init__(self, hints: Hints) -> None:
        self._hints = hints
        self._line = 1
        self._open: list[str] = []
        self._statement: _Statement | None = None
        self._statements = 0
        self._transaction: dict[str, Any] | None = None
        self._prefix = ""
        self._ended = False
        self._status = ""
        self._out: list[Event] = []

    def take(self, piece: str) -> list[Event]:
        """The events of a piece of text."""
        self._out = []
        before, *rest = _TRANSACTION.split(piece)
        self._content(before)
        self._line += before.count("\n")
        for kind, content in zip(rest[::2], rest[1::2], strict=True):
            self._begin_transaction(kind)
            self._content(content)
            self._line += content.count("\n")
        return self._out

    def end(self) -> list[Event]:
        """What is to be said at the end of the file. Raises F-TRUNCATED, F-REFUSED."""
        self._out = []
        statement = self._statement
        is_open = statement is not None and not statement.list_ended and (statement.has_list or statement.emitted > 0)
        if not self._ended and (is_open or self._transaction is not None or not (self._statements or statement)):
            message = "the file ends inside a list of transactions" if is_open else "the file ends before a statement"
            raise fail("F-TRUNCATED", message, Position(line=self._line))
        self._end_statement()
        if not self._statements:
            status = f"; the bank's answer has status {excerpt(self._status)}" if self._status.strip("0") else ""
            raise fail("F-REFUSED", f"there is no statement in the file{status}", Position(line=self._line))
        if not self._ended:
            message = "the end </OFX> is missing, but the lists of transactions are whole"
            self._out.append(problem("F-TRUNCATED", message, Position(line=self._line), severity="warning"))
        return self._out

    # --- tags ----------------------------------------------------------------------------------------------------

    def _content(self, content: str) -> None:
        tokens = TOKEN.findall(content)
        at = self._inside_transaction(tokens) if self._transaction is not None else 0
        for name, text in tokens[at:] if at else tokens:
            if name[0] == "/":
                self._close(name[1:])
            elif name in _LEVELS:
                self._begin(name)
            elif name == "OFX":
                self._ended = False
            else:
                written = text.strip()
                if written:
                    self._leaf(name, written)

    def _inside_transaction(self, tokens: list[tuple[str, str]]) -> int:
        """Take leaves until the transaction ends; gives the place of the first token behind it."""
        values, prefix = self._transaction, self._prefix
        assert values is not None
        for at, (name, written) in enumerate(tokens):
            text = written.strip()
            if text:
                key = prefix + name
                values[key] = f"{values[key]} {text}" if key in values else text
            elif name[0] != "/":
                if name in NESTED:
                    prefix = f"{name}/"
                elif name in _LEVELS:
                    self._end_transaction()
                    return at
            elif name in ("/STMTTRN", "/STMTTRNP"):
                self._end_transaction()
                return at + 1
            elif name[1:] in NESTED:
                prefix = ""
            elif name[1:] in _LEVELS or name == "/OFX":
                self._end_transaction()
                return at
        self._prefix = prefix
        return len(tokens)

    def _begin(self, name: str) -> None:
        level = _LEVELS[name]
        while self._open and _LEVELS[self._open[-1]] >= level:
            self._closed(self._open.pop())
        self._open.append(name)
        if name in _STATEMENTS:
            self._end_statement()
            self._statement = _Statement(self._line, self._hints)
        statement = self._statement
        if statement is None:
            return
        if name in _LISTS:
            statement.has_list, statement.list_ended = True, False
        elif name in _ACCOUNTS:
            statement.account_kind = name
        elif name == "INVTRAN":
            statement.trades += 1

    def _close(self, name: str) -> None:
        if name == "OFX":
            while self._open:
                self._closed(self._open.pop())
            self._ended = True
        elif name in self._open:
            while (closed := self._open.pop()) != name:
                self._closed(closed)
            self._closed(name)

    def _closed(self, name: str) -> None:
        if self._statement is None:
            return
        if name in _LISTS:
            self._statement.list_ended = True
        elif name in _STATEMENTS:
            self._end_statement()

    def _leaf(self, name: str, text: str) -> None:
        if len(text) > MAX_TEXT:
            message = f"the text of {excerpt(name)} has more than {MAX_TEXT} characters"
            raise fail("F-TOO-LARGE", message, Position(line=self._line))
        statement = self._statement
        aggregate = self._open[-1] if self._open else ""
        if statement is None:
            if name == "CODE":
                self._status = text
        elif name == "CURDEF":
            statement.leaves[name] = text
        elif aggregate in _ACCOUNTS or aggregate in _BALANCES:
            statement.leaves[f"{aggregate}/{name}"] = text
        elif aggregate in _LISTS and name in ("DTSTART", "DTEND"):
            statement.leaves[f"LIST/{name}"] = text

    # --- statements and transactions -----------------------------------------------------------------------------

    def _begin_transaction(self, kind: str) -> None:
        if self._transaction is not None:
            self._end_transaction()
        statement = self._statement
        if statement is None:
            statement = self._statement = _Statement(self._line, self._hints)
        if not statement.said_head:
            self._out.append(statement.head())
        context = statement.context
        context.ordinal += 1
        context.is_pending = kind == "STMTTRNP"
        # As Position(line=…, tag=…, record=…), at half the time, for every row.
        place = (None, self._line, None, kind, None, str(context.ordinal), None, None, None)
        context.position = tuple.__new__(Position, place)
        self._transaction, self._prefix = {}, ""

    def _end_transaction(self) -> None:
        values, self._transaction = self._transaction, None
        statement = self._statement
        assert values is not None and statement is not None
        context = statement.context
        try:
            entry = entry_of(values, context)
        except FieldError as error:
            place = context.position._replace(field=error.tag)
            self._out.append(problem("F-FIELD", str(error), place))
        else:
            if context.problems:
                self._out.extend(context.problems)
            self._out.append(entry)
            statement.emitted += 1
        if context.problems:
            context.problems.clear()

    def _end_statement(self) -> None:
        statement = self._statement
        if statement is None:
            return
        if self._transaction is not None:
            self._end_transaction()
        self._statement = None
        self._statements += 1
        if not statement.said_head:
            self._out.append(statement.head())
        if statement.trades:
            message = f"{statement.trades} trades of securities are no movements of money and were not read"
            self._out.append(problem("F-SKIPPED", message, statement.position))
        self._out.append(statement.tail(self._line))
