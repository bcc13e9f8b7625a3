"""A form about one table: what each column means and how the file writes things, and what comes of its first rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from nostro.core.account_keys import normalise_account_number
from nostro.formats import Entry, Hints
from nostro.formats import Problem as FileProblem
from nostro.formats.csv.guessing import guess
from nostro.formats.csv.looking import TableHead, in_encoding, interpret
from nostro.formats.csv.mapping import column_at
from nostro.formats.problems import sentence
from nostro.web.tables import words

#: Stands for the account while nobody has named it, so that the rows are seen nevertheless.
_NO_ACCOUNT = "?"
_SAMPLES = 3
_CHOICES: dict[str, Callable[[], words.Choices]] = {
    "sign": words.signs, "decimal": words.decimals, "dates": words.date_orders, "order": words.orders,
    "fee": words.fees, "encoding": words.encodings,
}  # fmt: skip
_STATUSES = {"booked_words": "booked", "pending_words": "pending", "skip_words": "skip"}


class MappingForm(forms.Form):
    """The fields beside those of the columns, which :class:`TableQuestion` adds."""

    sign = forms.ChoiceField(label=_("What is in and what is out?"), choices=words.signs)
    credit_words = forms.CharField(label=_("Words for money in"), required=False, max_length=300)
    debit_words = forms.CharField(label=_("Words for money out"), required=False, max_length=300)
    decimal = forms.ChoiceField(label=_("Amounts"), choices=words.decimals, required=False)
    dates = forms.ChoiceField(label=_("Dates"), choices=words.date_orders, required=False)
    order = forms.ChoiceField(label=_("Rows"), choices=words.orders, required=False)
    fee = forms.ChoiceField(label=_("Fees"), choices=words.fees, required=False)
    booked_words = forms.CharField(label=_("Status: booked"), required=False, max_length=300)
    pending_words = forms.CharField(label=_("Status: pending"), required=False, max_length=300)
    skip_words = forms.CharField(label=_("Status: no money moved"), required=False, max_length=300)
    encoding = forms.ChoiceField(label=_("Letters"), choices=words.encodings, required=False)
    account = forms.CharField(
        label=_("Account"), required=False, max_length=70,
        help_text=_("Only where no column tells its number."),
        widget=forms.TextInput(attrs={"list": "accounts", "autocomplete": "off"}),
    )  # fmt: skip
    currency = forms.CharField(
        label=_("Currency"), required=False, max_length=3, help_text=_("Only where no column tells it, as EUR.")
    )
    remember = forms.BooleanField(label=_("Read tables like this one in the same way"), required=False, initial=True)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table: its name, some of what stands in it, and the choice of its meaning."""

    at: int
    name: str
    samples: tuple[str, ...]
    role: str

    @property
    def field(self) -> str:
        return f"column_{self.at}"


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A row as it would be stored, for the list of rows."""

    booking_date: dt.date | None
    value_date: dt.date | None
    amount: Decimal
    currency: str
    counterpart_name: str
    remittance_information: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What comes of the first rows; ``proof``: proved, failed, or empty where no balance stands beside them."""

    rows: tuple[PreviewRow, ...]
    refusal: str
    notes: tuple[str, ...]
    proof: str


@dataclass(frozen=True, slots=True)
class Own:
    """The account on whose page a file was handed in."""

    number: str
    currency: str


class TableQuestion:
    """The page's question about one file: from what was answered about it before, or from what was sent.

    ``kept`` is the mapping to begin with; without one it is guessed. ``own`` is the account that is known anyway.
    """

    def __init__(
        self,
        head: TableHead,
        answers: Mapping[str, Any],
        own: Own | None,
        kept: Mapping[str, Any] | None,
        posted: Any = None,
    ) -> None:
        self._answers, self._own, self._sent = answers, own, posted
        data = kept or guess(head)
        self.form = MappingForm(posted, initial=_initial(answers, data))
        self._data = data
        self.head = in_encoding(head, self._chosen("encoding") or head.encoding)
        self.columns = [self._column(at) for at in range(head.width)]

    def _chosen(self, name: str) -> str:
        """A value of the form as it stands, sent or known; never trusted."""
        if self._sent is None:
            return str(self.form.initial.get(name, ""))
        value = str(self._sent.get(name, ""))[:300].strip()
        return value if name not in _CHOICES or value in dict(_CHOICES[name]()) else ""

    def _column(self, at: int) -> Column:
        head = self.head
        told = [str(row.cells[at]).strip() for row in head.rows if at < len(row.cells) and row.cells[at] != ""]
        role = self._role(at) if self._sent is None else str(self._sent.get(f"column_{at}", ""))
        known = {field for _, choices in words.roles() for field, _ in choices}
        return Column(
            at, head.names[at] if at < len(head.names) else "", tuple(dict.fromkeys(told))[:_SAMPLES],
            role if role in known else "",
        )  # fmt: skip

    def _role(self, at: int) -> str:
        header = [] if not self.head.names else [name.casefold() for name in self.head.names]
        for column, field in self._data.get("columns", {}).items():
            if column == self.head.key(at) or (column[:1] == "#" and column_at(column, header) == at):
                return str(field)
        return ""

    @property
    def asks_more(self) -> bool:
        """Whether fees or a status are among the columns."""
        return any(column.role in {"fee", "status"} for column in self.columns)

    # --- what it says

    def mapping(self) -> dict[str, Any]:
        """The mapping as data (formats.md 6.9)."""
        columns = {self.head.key(each.at): each.role for each in self.columns if each.role}
        data: dict[str, Any] = {**self._data, "columns": columns, "sign": self._chosen("sign") or "signed"}
        for name in ("credit_words", "debit_words"):
            data[name] = _list(self._chosen(name)) if data["sign"] in {"indicator", "types"} else []
        data["decimal"], data["order"] = self._chosen("decimal"), self._chosen("order")
        data["dates"] = [self._chosen("dates")] if self._chosen("dates") else []
        data["fee"] = self._chosen("fee") if "fee" in columns.values() else ""
        data["status"] = {
            word: status
            for name, status in _STATUSES.items()
            for word in _list(self._chosen(name))
            if "status" in columns.values()
        }
        if self.head.names:
            data["header"] = list(self.head.names)
        return {key: value for key, value in data.items() if value}

    def answers(self) -> dict[str, Any]:
        """What is kept at the file."""
        return {
            "format": self._answers.get("format", ""),
            "sheet": self.head.sheet or "",
            "encoding": self._chosen("encoding"),
            "account": normalise_account_number(self._chosen("account")),
            "currency": self._chosen("currency").upper(),
            "mapping": self.mapping(),
        }

    def preview(self) -> Preview:
        """The first rows as they would be stored. Nothing is imported from here."""
        own, answers = self._own, self.answers()
        hints = Hints(
            account=own.number if own else answers["account"] or _NO_ACCOUNT,
            currency=own.currency if own else answers["currency"] or None,
        )
        made = interpret(self.head, answers["mapping"], hints)
        refusal = sentence(made.refusal) if made.refusal else ""
        failed = [each for each in made.problems if each.severity == "quarantine"]
        has_balance = "balance" in answers["mapping"].get("columns", {}).values()
        proof = "" if refusal or not has_balance else "failed" if failed else "proved"
        return Preview(tuple(map(_row, made.entries)), refusal, tuple(_notes(made.problems)), proof)


def _notes(problems: tuple[FileProblem, ...]) -> list[str]:
    # That the first rows are not the whole table is no news.
    return [sentence(each) for each in problems if each.code not in {"F-UNPROVED", "F-CHAIN"}][:10]


def _row(entry: Entry) -> PreviewRow:
    texts = entry.remittance_information_structured + entry.remittance_information_unstructured
    name = entry.creditor_name or entry.debtor_name or ""
    return PreviewRow(entry.booking_date, entry.value_date, entry.amount, entry.currency, name, " ".join(texts))


def _initial(answers: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    statuses = data.get("status") or {}
    return {
        "sign": data.get("sign", "signed"),
        "credit_words": ", ".join(data.get("credit_words", ())),
        "debit_words": ", ".join(data.get("debit_words", ())),
        "decimal": data.get("decimal", ""),
        "dates": (data.get("dates") or [""])[0] if len(data.get("dates") or ()) == 1 else "",
        "order": data.get("order", ""),
        "fee": data.get("fee", "none"),
        **{name: ", ".join(w for w, s in statuses.items() if s == status) for name, status in _STATUSES.items()},
        "encoding": answers.get("encoding", ""),
        "account": answers.get("account", ""),
        "currency": answers.get("currency", ""),
        "remember": True,
    }


def _list(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
