"""Communications of CODA movements and information records (formats.md 6.3)."""

from __future__ import annotations

from typing import Any

from nostro.core.references import canonical_keys
from nostro.formats.texts import passes_gate, sort_remittance, tidy

Values = dict[str, Any]
Raw = dict[str, str]

_FIRST, _SECOND = slice(62, 115), slice(10, 63)
#: Types of structured communication that are a reference, and the scheme each must pass as.
_REFERENCES = {"100": ("RF", 25), "101": ("BE", 12), "102": ("BE", 12)}


def joined(first: str, second: str, third: str) -> str:
    """The parts of records 2.1, 2.2, 2.3 as columns: 53 + 53 + 43 characters."""
    text = first[_FIRST]
    if second or third:
        text += second[_SECOND] if second else " " * 53
    return text + third[82:125]


def read_free(text: str, out: Values, raw: Raw) -> None:
    """A communication of flag 0."""
    text = text.strip()
    if not text:
        return
    if "  " in text:
        raw["communication"] = text
    structured, free = sort_remittance([tidy(text)])
    if structured:
        out["remittance_information_structured"] = structured
    elif free[0]:
        out["remittance_information_unstructured"] = free


def read_structured(text: str, out: Values, raw: Raw) -> str | None:
    """A communication of flag 1: three digits of type, then data. Returns a marked reference that fails its check."""
    kind, data = text[:3], text[3:]
    if kind in _REFERENCES:
        scheme, length = _REFERENCES[kind]
        return _reference(scheme, data[:length].strip(), data[length:].strip(), out, raw)
    if kind == "127":
        _direct_debit(data, out, raw)
        return None
    if kind == "105" and _is_reference("BE", reference := text[48:60]):
        out["remittance_information_structured"] = (reference,)
    raw[f"communication/{kind}"] = data.rstrip()
    return None


def _is_reference(scheme: str, text: str) -> bool:
    return any(key.startswith(f"{scheme}:") for key in canonical_keys(text))


def _reference(scheme: str, reference: str, rest: str, out: Values, raw: Raw) -> str | None:
    if rest:
        raw["communication/rest"] = rest
    if not reference:
        return None
    if _is_reference(scheme, reference):
        out["remittance_information_structured"] = (reference,)
        return None
    out["remittance_information_unstructured"] = (tidy(reference),)
    return reference


def _direct_debit(data: str, out: Values, raw: Raw) -> None:
    """Settlement date 6, type, scheme, reason 1 each, creditor 35, mandate 35, text 62."""
    creditor, mandate, text = tidy(data[9:44]), tidy(data[44:79]), tidy(data[79:141])
    if data[:9].strip(" 0"):
        raw["communication/127"] = data[:9]
    for name, value in (("creditor_id", creditor), ("mandate_id", mandate)):
        if value and passes_gate(value, 0):
            out[name] = value
        elif value:
            raw[f"communication/127/{name}"] = value
    if text:
        out["remittance_information_unstructured"] = (text,)


def read_information(flag: str, text: str, out: Values, raw: Raw) -> None:
    """One chain of records 3: parties by their type, everything else is additional information.

    ``out["name"]`` is the counterparty's name, which a record of type 001 gives in full length.
    """
    kind = text[:3] if flag == "1" else ""
    if kind in ("001", "008", "009"):
        name, rest = tidy(text[3:73]), tidy(text[73:])
        if kind == "001":
            if name and name.startswith(out.get("name", "")):
                out["name"] = name
            elif name:
                raw["information/001/name"] = name
        elif name:
            out["ultimate_creditor" if kind == "008" else "ultimate_debtor"] = name
        if rest:
            raw[f"information/{kind}"] = rest
        return
    text = tidy(text[3:] if kind else text)
    if text:
        before = out.get("additional_information")
        out["additional_information"] = f"{before} {text}" if before else text
