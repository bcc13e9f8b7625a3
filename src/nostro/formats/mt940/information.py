"""Field ``:86:``, information to the account owner, in its three dialects (formats.md 6.2)."""

from __future__ import annotations

import re
from typing import Any, Literal

from nostro.formats.texts import account_number, lone_reference, passes_gate, sort_remittance, tidy

Dialect = Literal["", "german", "slash", "free"]
Values = dict[str, Any]

FULL_WIDTH = 65
_NAME_WIDTH = 27

_GERMAN = re.compile(r"\d{3}[^\w\s](?=\d\d)")
_SLASH_KEYS = "TRTP|IBAN|BIC|NAME|EREF|MARF|CSID|REMI|ORDP|BENM|OCMT|RTRN"
_SLASH = re.compile(rf"/({_SLASH_KEYS})/")
_PURPOSE_KEY = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|IBAN|BIC|COAM|OAMT)\+")

_PURPOSE = frozenset([*(f"{number}" for number in range(20, 30)), *(f"{number}" for number in range(60, 64))])
_SUBFIELDS = frozenset([*_PURPOSE, "00", "10", "30", "31", "32", "33", "34"])
_TARGETS = {"EREF": "end_to_end_id", "MREF": "mandate_id", "CRED": "creditor_id", "MARF": "mandate_id",
            "CSID": "creditor_id", "ABWA": "ultimate_debtor", "ABWE": "ultimate_creditor"}  # fmt: skip


def dialect_of(text: str) -> Dialect:
    """The dialect of a statement, by its first ``:86:``."""
    if _GERMAN.match(text):
        return "german"
    if _SLASH.search(text.replace("\n", "")):
        return "slash"
    return "free" if text.strip() else ""


def read_information(text: str, dialect: Dialect, out: Values, raw: dict[str, str]) -> None:
    """The fields of one ``:86:`` into ``out``; ``side`` keys name, account and agent are the counterparty's.

    ``out`` gets ``name``, ``account``, ``agent`` of the one counterparty beside Transaction fields, and ``gvc`` for the
    German code. A text that is not of the statement's dialect is free text.
    """
    if dialect == "german" and _GERMAN.match(text):
        _german(text, out, raw)
    elif dialect == "slash" and text.lstrip()[:1] == "/":
        _slash(text.replace("\n", ""), out, raw)
    else:
        _unstructured([joined(text)], out)


def joined(text: str) -> str:
    """Lines of full width run on, shorter ones are parted by a blank."""
    lines = text.split("\n")
    if len(lines) == 1:
        return text
    last = len(lines) - 1
    parts = [line if len(line) >= FULL_WIDTH or at == last else f"{line} " for at, line in enumerate(lines)]
    return "".join(parts)


# --- German structure ------------------------------------------------------------------------------------------


def _german(text: str, out: Values, raw: dict[str, str]) -> None:
    out["gvc"] = text[:3]
    mark = text[3]
    purpose: list[str] = []
    names = ""
    code = ""
    for part in _subfields(text.replace("\n", ""), mark):
        code, value = part[:2], part[2:]
        if code in _PURPOSE:
            purpose.append(value)
        elif code == "31":
            account = account_number(value)
            if account:
                out["account"] = account
        elif code == "30":
            out["agent"] = value.strip()
        elif code in ("32", "33"):
            names += value if not names or len(names) % _NAME_WIDTH == 0 else f" {value}"
        elif code == "00":
            out["additional_information"] = tidy(value)
        elif value:
            raw[f"86/{code}"] = value
    if names:
        out["name"] = tidy(names)
    if purpose:
        _purpose(purpose, out, raw)


def _subfields(text: str, mark: str) -> list[str]:
    """Subfields with their two digits. A mark that no known code follows is a character of the text."""
    parts: list[str] = []
    for part in text[4:].split(mark):
        if part[:2] in _SUBFIELDS or not parts:
            parts.append(part)
        else:
            parts[-1] += mark + part
    return parts


def _purpose(subfields: list[str], out: Values, raw: dict[str, str]) -> None:
    """The purpose joined without blanks; keys count at the start of a subfield or after a blank."""
    text = "".join(subfields)
    if "+" not in text:
        _unstructured([text], out)
        return
    starts, at = set(), 0
    for value in subfields:
        starts.add(at)
        at += len(value)
    free: list[str] = []
    key, begin = "", 0
    for found in _PURPOSE_KEY.finditer(text):
        at = found.start()
        if at in starts or text[at - 1] == " ":
            _take(key, text[begin:at], free, out, raw)
            key, begin = found.group(1), found.end()
    _take(key, text[begin:], free, out, raw)
    if free:
        _unstructured(free, out)


def _take(key: str, value: str, free: list[str], out: Values, raw: dict[str, str]) -> None:
    value = value.strip()
    if not value:
        return
    if key in ("", "SVWZ", "REMI"):
        free.append(value)
    elif key in _TARGETS:
        value = tidy(value)
        if key in ("ABWA", "ABWE") or passes_gate(value, 0):
            out[_TARGETS[key]] = value
        else:
            raw[f"86/{key}"] = value
    elif key == "KREF":
        out["customer_reference"] = tidy(value)
    elif key == "IBAN":
        out["account"] = account_number(value)
    elif key == "BIC":
        out["agent"] = value
    else:
        raw[f"86/{key}"] = value


# --- slash keys and free text ----------------------------------------------------------------------------------


def _slash(text: str, out: Values, raw: dict[str, str]) -> None:
    """Split only at known keys; what a name has of slashes stays in it."""
    parts = _SLASH.split(text)
    free = [parts[0].strip()] if parts[0].strip(" /") else []
    for key, written in zip(parts[1::2], parts[2::2], strict=True):
        value = written.strip() if key == "REMI" else written.removesuffix("/").strip()
        if key == "NAME":
            if value:
                out["name"] = tidy(value)
        elif key in ("TRTP", "RTRN"):
            if value:
                before = out.get("additional_information")
                out["additional_information"] = f"{before} {tidy(value)}" if before else tidy(value)
        elif key == "REMI":
            _slash_remittance(value, free, out)
        elif key in ("ORDP", "BENM"):
            if value.strip("/ "):
                raw[f"86/{key}"] = value
        else:
            _take(key, value, free, out, raw)
    if free:
        _unstructured(free, out)


def _slash_remittance(value: str, free: list[str], out: Values) -> None:
    kind, _, rest = value.partition("/")
    if kind == "STRD":
        reference = lone_reference(rest.rpartition("/")[2] or rest.strip("/").rpartition("/")[2])
        if reference:
            out["remittance_information_structured"] = (reference,)
            return
    if kind in ("USTD", "STRD"):
        value = rest.strip("/")
    if value:
        free.append(value)


def _unstructured(parts: list[str], out: Values) -> None:
    structured, free = sort_remittance([text for part in parts if (text := tidy(part))])
    if structured:
        out["remittance_information_structured"] = structured
    if free:
        out["remittance_information_unstructured"] = free
