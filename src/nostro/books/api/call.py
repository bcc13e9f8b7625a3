"""One request to the API and its answer: attributes, objects of the caller's company, pages, errors."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from nostro.books.api.tokens import Caller
from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import access_company
from nostro.core.money import MoneyError, parse_amount
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem
from nostro.web.received import ReceivedFile

PAGE, MAX_PAGE = 50, 100
MAX_BODY = 1_000_000
MAX_NUMBER = 10**9
Document = dict[str, Any]
T = TypeVar("T")
_encoder = msgspec.json.Encoder(decimal_format="number")


def encode(document: Document) -> bytes:
    """JSON with exact amounts: a ``Decimal`` is written digit by digit."""
    return _encoder.encode(document)


def invalid(detail: str, attribute: str = "") -> Problem:
    return Problem(detail, what_to_do="See the OpenAPI document.", code="validationError", field=attribute)


def read_attributes(body: bytes) -> dict[str, Any]:
    """``data.attributes`` of a body; an empty body has none. Numbers with a fraction stay exact."""
    if not body:
        return {}
    if len(body) > MAX_BODY:
        raise invalid("The body is larger than 1 MB.")
    try:
        document = json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise invalid("The body is no JSON.") from None
    data = document.get("data") if isinstance(document, dict) else None
    attributes = data.get("attributes", {}) if isinstance(data, dict) else None
    if not isinstance(attributes, dict):
        raise invalid("The body has no data.attributes.")
    return attributes


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler gets. Everything it reaches belongs to the company of the token."""

    caller: Caller
    now: dt.datetime
    query: Mapping[str, str]
    attributes: dict[str, Any] = field(default_factory=dict)
    whole_body: ReceivedFile | None = None  # of an endpoint that takes a file

    @property
    def received(self) -> ReceivedFile:
        """The file of an endpoint that takes one."""
        if self.whole_body is None:
            raise AssertionError("this endpoint is declared without a file")
        return self.whole_body

    @property
    def user(self) -> User:
        return self.caller.user

    @property
    def company(self) -> Company:
        return self.caller.company

    def require(self, role: Role) -> Company:
        """The company, for a person with at least this role."""
        return access_company(self.user, self.company.id, role=role)

    def own(self, access: Callable[[User, UUID], T], key: UUID) -> T:
        """An object, if the person reaches it and it belongs to the company of the token."""
        found = access(self.user, key)
        if getattr(found, "company_id", None) != self.company.id:
            raise NotFound(type(found).__name__.lower())
        return found

    # --- attributes ---

    def text(self, name: str, *, default: str | None = None) -> str:
        value = self.attributes.get(name, default)
        if not isinstance(value, str) or len(value) > 2_000:
            raise invalid(f"{name} must be a text.", name)
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.attributes.get(name, default)
        if not isinstance(value, bool):
            raise invalid(f"{name} must be true or false.", name)
        return value

    def number(self, name: str) -> int | None:
        """A whole number; ``None`` where it is not given."""
        value = self.attributes.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_NUMBER):
            raise invalid(f"{name} must be a whole number.", name)
        return value

    def file(self, name: str) -> bytes:
        """The bytes of a file that is written in base64."""
        value = self.attributes.get(name)
        if not isinstance(value, str):
            raise invalid(f"{name} must be a file in base64.", name)
        try:
            return base64.b64decode(value, validate=True)
        except ValueError:
            raise invalid(f"{name} must be a file in base64.", name) from None

    def rows(self, name: str) -> list[Mapping[str, Any]]:
        """A list of objects; empty where it is not given."""
        rows = self.attributes.get(name, [])
        if not isinstance(rows, list) or len(rows) > MAX_PAGE or not all(isinstance(row, dict) for row in rows):
            raise invalid(f"{name} must be a list of at most {MAX_PAGE} objects.", name)
        return rows

    def part(self, attributes: Mapping[str, Any]) -> Call:
        """The same call with the attributes of one row."""
        return Call(self.caller, self.now, {}, dict(attributes))

    def day(self, name: str) -> dt.date | None:
        value = self.attributes.get(name)
        if value is None:
            return None
        try:
            return dt.date.fromisoformat(value)
        except (TypeError, ValueError):
            raise invalid(f"{name} must be a day like 2026-11-30.", name) from None

    def query_day(self, name: str) -> dt.date | None:
        """A day of the address, like 2026-11-30."""
        text = self.query.get(name, "")
        try:
            return dt.date.fromisoformat(text) if text else None
        except ValueError:
            raise invalid(f"{name} must be a day like 2026-11-30.", name) from None

    def required_day(self, name: str) -> dt.date:
        day = self.day(name)
        if day is None:
            raise invalid(f"{name} is missing.", name)
        return day

    def amount(self, name: str) -> Decimal | None:
        value = self.attributes.get(name)
        if value is None:
            return None
        return as_amount(value, name)

    def required_amount(self, name: str) -> Decimal:
        amount = self.amount(name)
        if amount is None:
            raise invalid(f"{name} is missing.", name)
        return amount

    def id(self, name: str) -> UUID | None:
        value = self.attributes.get(name)
        return None if value is None else as_id(value, name)

    def ids(self, name: str) -> list[UUID]:
        values = self.attributes.get(name, [])
        if not isinstance(values, list) or len(values) > MAX_PAGE:
            raise invalid(f"{name} must be a list of at most {MAX_PAGE} ids.", name)
        return [as_id(value, name) for value in values]

    # --- pages ---

    @property
    def limit(self) -> int:
        text = self.query.get("limit", str(PAGE))
        if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MAX_PAGE:
            raise invalid(f"limit must be a number from 1 to {MAX_PAGE}.", "limit")
        return int(text)

    def page(self, items: Sequence[T], document: Callable[[T], Document]) -> Document:
        """A page of a short list, by ``limit`` and ``after`` (the id of the last item of the page before)."""
        start, after = 0, self.query.get("after", "")
        if after:
            ids = [str(getattr(item, "id", "")) for item in items]
            if after not in ids:
                raise Problem("The cursor does not name an item of this list.", code="invalidCursor", field="after")
            start = ids.index(after) + 1
        shown = items[start : start + self.limit]
        more = start + self.limit < len(items)
        return listed([document(item) for item in shown], str(getattr(shown[-1], "id", "")) if more else "")


def listed(documents: list[Document], after: str) -> Document:
    """A list; ``meta.paging.after`` is what the next request gives as ``after``, or null on the last page."""
    return {"data": documents, "meta": {"paging": {"after": after or None}}}


def as_amount(value: object, name: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise invalid(f"{name} must be an amount.", name)
    try:
        return parse_amount(str(value))
    except MoneyError:
        raise invalid(f"{name} must be an amount.", name) from None


def as_id(value: object, name: str) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise invalid(f"{name} must be an id.", name) from None
