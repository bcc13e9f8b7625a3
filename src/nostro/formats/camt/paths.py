"""Which element means what (formats.md 6.1), and the tree that finds it.

Elements are found by local name and by their path below the nearest statement, balance, entry or detail. A path names a
key: mostly the field itself; where the specification takes the first of several, each has a key of its own, and
``entries.py`` chooses. Everything else keeps its path and ends in ``raw``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from nostro.formats.limits import MAX_XML_ATTRIBUTES, MAX_XML_DEPTH, MAX_XML_NAMES
from nostro.formats.problems import fail
from nostro.formats.values import Position, StatementKind

CONTAINERS: dict[str, tuple[str, StatementKind]] = {
    "BkToCstmrStmt": ("camt.053", "statement"),
    "BkToCstmrAcctRpt": ("camt.052", "report"),
    "BkToCstmrDbtCdtNtfctn": ("camt.054", "notification"),
}
#: A container element may stand this deep: behind a business application header, in a bank's own wrapper.
_CONTAINER_DEPTH = 6
_MAX_PATHS = 10_000

_CONTAINER = re.compile("(?:" + "|".join(CONTAINERS) + r")(?:V\d\d)?")
_CURRENCY = re.compile(r"""(?:^|\s)Ccy\s?=\s?["']([^"']{1,20})["']""")
#: Stands for each character of what was taken out; XML cannot contain it.
FILLER = "\x00"
_REFERENCE = re.compile(r"&(?:#x0*([0-9a-fA-F]{1,6})|#0*([0-9]{1,7})|(amp|lt|gt|quot|apos)|[\x00\n]*);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_QUOTED_TAG = re.compile(r"""((?:[^"'>]|"[^"]*"|'[^']*')*)>""")

_ROLES = {
    ("container", "Stmt"): "statement",
    ("container", "Rpt"): "statement",
    ("container", "Ntfctn"): "statement",
    ("statement", "Bal"): "balance",
    ("statement", "Ntry"): "entry",
    ("entry", "NtryDtls/TxDtls"): "detail",
    ("entry", "TxDtls"): "detail",
}


def _party(role: str, field: str) -> dict[str, str]:
    side = "creditor" if role.endswith("Cdtr") else "debtor"
    name = f"RltdPties/{role}"
    paths = {f"{name}/Nm": field, f"{name}/Pty/Nm": field, f"{name}/Pty/Agt/FinInstnId/Nm": field}
    if not role.startswith("Ultmt"):
        paths |= {
            f"{name}Acct/Id/IBAN": f"{side}_account",
            f"{name}Acct/Id/Othr/Id": f"{side}_account",
            f"RltdAgts/{role}Agt/FinInstnId/BICFI": f"{side}_agent",
            f"RltdAgts/{role}Agt/FinInstnId/BIC": f"{side}_agent",
            f"RltdAgts/{role}Agt/FinInstnId/Othr/Id": f"{side}_agent",
        }
    return paths


def _exchange(place: str) -> dict[str, str]:
    fields = {
        "SrcCcy": "source", "TrgtCcy": "target", "UnitCcy": "unit", "XchgRate": "rate", "CtrctId": "contract"
    }  # fmt: skip
    return {f"AmtDtls/{place}/CcyXchg/{tag}": f"exchange {field}" for tag, field in fields.items()}


def _charges() -> dict[str, str]:
    return {
        "Chrgs/Rcrd/Amt": "charge*",
        "Chrgs/Rcrd/CdtDbtInd": "charge mark*",
        "Chrgs/TtlChrgsAndTaxAmt": "charges",
        "Chrgs/Amt": "charge*",
        "Chrgs/CdtDbtInd": "charge mark*",
    }


def _amount_details() -> dict[str, str]:
    paths = {"AmtDtls/TxAmt/Amt": "amount of transaction", "AmtDtls/InstdAmt/Amt": "amount instructed"}
    for place in ("TxAmt", "InstdAmt", "CntrValAmt", "AnncdPstngAmt", "PrtryAmt"):
        paths |= _exchange(place)
    return paths


def _codes() -> dict[str, str]:
    return {
        "BkTxCd/Domn/Cd": "domain",
        "BkTxCd/Domn/Fmly/Cd": "family",
        "BkTxCd/Domn/Fmly/SubFmlyCd": "subfamily",
        "BkTxCd/Prtry/Cd": "proprietary_bank_transaction_code",
    }


def _card(prefix: str) -> dict[str, str]:
    return {
        f"{prefix}Card/PlainCardData/PAN": "masked_pan",
        f"{prefix}Card/AddtlCardData": "masked_pan",
        f"{prefix}AggtdNtry/TxCtgy": "merchant_category_code",
        f"{prefix}Tx/MrchntCtgyCd": "merchant_category_code",
        f"{prefix}POI/MrchntCtgyCd": "merchant_category_code",
        f"{prefix}POI/Cpblties/MrchntCtgyCd": "merchant_category_code",
    }


def _creditor_id() -> dict[str, str]:
    tags = {"Id": "creditor id*", "SchmeNm/Prtry": "creditor scheme*", "SchmeNm/Cd": "creditor scheme*"}
    return {
        f"RltdPties/Cdtr/{party}Id/{kind}/Othr/{tag}": key
        for party in ("", "Pty/")
        for kind in ("PrvtId", "OrgId")
        for tag, key in tags.items()
    }


_REFERENCES = {
    "AcctSvcrRef": "ref acctSvcrRef",
    "TxId": "ref txId",
    "EndToEndId": "ref endToEndId",
    "MndtId": "ref mndtId",
    "ChqNb": "ref chqNb",
    "UETR": "ref uetr",
    "PmtInfId": "ref pmtInfId",
    "MsgId": "ref msgId",
    "InstrId": "ref instrId",
    "ClrSysRef": "ref clrSysRef",
    "AcctOwnrTxId": "ref acctOwnrTxId",
    "AcctSvcrTxId": "ref acctSvcrTxId",
    "Prtry/Tp": "proprietary type*",
    "Prtry/Ref": "proprietary reference*",
}

#: Keys that end in ``*`` may come more than once and are lists.
KEYS: dict[str, dict[str, str]] = {
    "container": {"GrpHdr/MsgId": "message_id", "GrpHdr/CreDtTm": "created", "GrpHdr/MsgRcpt/Nm": "recipient"},
    "statement": {
        "Id": "id",
        "ElctrncSeqNb": "sequence",
        "LglSeqNb": "legal",
        "StmtPgntn/PgNb": "page",
        "StmtPgntn/LastPgInd": "last",
        "RptPgntn/PgNb": "page",
        "RptPgntn/LastPgInd": "last",
        "NtfctnPgntn/PgNb": "page",
        "NtfctnPgntn/LastPgInd": "last",
        "CreDtTm": "created",
        "FrToDt/FrDtTm": "from",
        "FrToDt/FrDt": "from",
        "FrToDt/ToDtTm": "to",
        "FrToDt/ToDt": "to",
        "CpyDplctInd": "copy",
        "Acct/Id/IBAN": "iban",
        "Acct/Id/Othr/Id": "other",
        "Acct/Ccy": "currency",
        "Acct/Nm": "name",
        "Acct/Ownr/Nm": "owner",
        "Acct/Ownr/Pty/Nm": "owner",
        "Acct/Svcr/FinInstnId/BICFI": "bic",
        "Acct/Svcr/FinInstnId/BIC": "bic",
        "TxsSummry/TtlNtries/NbOfNtries": "entries",
        "TxsSummry/TtlCdtNtries/NbOfNtries": "credits",
        "TxsSummry/TtlCdtNtries/Sum": "credit sum",
        "TxsSummry/TtlDbtNtries/NbOfNtries": "debits",
        "TxsSummry/TtlDbtNtries/Sum": "debit sum",
    },
    "balance": {
        "Tp/CdOrPrtry/Cd": "type",
        "Tp/CdOrPrtry/Prtry": "type",
        "Tp/Cd": "type",
        "Amt": "amount",
        "CdtDbtInd": "mark",
        "Dt/Dt": "date",
        "Dt/DtTm": "date",
        "CdtLine/Incl": "limit",
    },
    "entry": {
        "Amt": "amount text",
        "CdtDbtInd": "mark",
        "RvslInd": "reversal mark",
        "Sts/Cd": "status",
        "Sts/Prtry": "status",
        "Sts": "status",
        "BookgDt/Dt": "booked on",
        "BookgDt/DtTm": "booked on",
        "ValDt/Dt": "valued on",
        "ValDt/DtTm": "valued on",
        "AcctSvcrRef": "ref acctSvcrRef",
        "NtryRef": "ref ntryRef",
        "AddtlNtryInf": "entry information",
        "NtryDtls/Btch/NbOfTxs": "batch size",
        "NtryDtls/Btch/MsgId": "ref msgId",
        "NtryDtls/Btch/PmtInfId": "ref pmtInfId",
        **_codes(),
        **_charges(),
        **_amount_details(),
        **_card("CardTx/"),
    },
    "detail": {
        **{f"Refs/{tag}": key for tag, key in _REFERENCES.items()},
        "Amt": "amount text",
        "CdtDbtInd": "mark",
        **_amount_details(),
        **_charges(),
        **_codes(),
        **_party("Dbtr", "debtor_name"),
        **_party("Cdtr", "creditor_name"),
        **_party("UltmtDbtr", "ultimate_debtor"),
        **_party("UltmtCdtr", "ultimate_creditor"),
        **_creditor_id(),
        "RmtInf/Ustrd": "unstructured*",
        "RmtInf/Strd/CdtrRefInf/Ref": "structured*",
        "RmtInf/Strd/AddtlRmtInf": "additional remittance*",
        "RmtInf/Strd/RfrdDocInf/Nb": "document*",
        "Purp/Cd": "purpose_code",
        "Purp/Prtry": "purpose_code",
        "RtrInf/Rsn/Cd": "return reason",
        "RtrInf/Rsn/Prtry": "return reason",
        "AddtlTxInf": "detail information",
        "RltdDts/TxDtTm": "made on",
        "RltdDts/AccptncDtTm": "accepted on",
        **_card("CardTx/"),
    },
    "outside": {},
}


class Node(dict[str, "Node"]):
    """An element at one path, and where a run of markup leads from there.

    As a dictionary it knows the runs that only lead on, without the ``</`` before and the ``>`` behind them:
    ``Sts><BookgDt><Dt``. Runs in which an element of a role begins or ends are in ``routes``, step by step. Both
    are found out when they are first met; from then on they are one look-up.
    """

    __slots__ = (
        "begin", "currency", "currency_key", "depth", "done", "elements", "full", "key", "many",
        "name", "opening", "parent", "path", "role", "routes", "simple",
    )  # fmt: skip

    def __init__(self, parent: Node | None, role: str, path: str, full: str) -> None:
        super().__init__()
        self.parent: Node = parent if parent is not None else self
        self.depth: int = parent.depth + 1 if parent is not None else 0
        self.role, self.path, self.full = role, path, full
        key = KEYS[role].get(path)
        self.many = key is not None and key.endswith("*")
        self.key = key.rstrip("*") if key else None
        #: The key of a ``simple`` node: its text is stored under it, and that is all.
        self.name = self.key or ""
        self.simple = self.key is not None and not self.many
        self.currency: str | None = None
        self.currency_key = f"{self.name}@"
        #: The start tag as it was first met, by which the place in the text is found.
        self.opening = ""
        self.begin: Callable[[], None] | None = None
        self.done: Callable[[], None] | None = None
        self.elements: dict[str, Node] = {}
        self.routes: dict[str, Route] = {}


class Route(NamedTuple):
    """What is to be done on a way, each with the element that is open then if it is a new one, and where it ends."""

    steps: tuple[tuple[Callable[[], None], Node | None], ...]
    end: Node


LeftOver = Callable[[Node, str], None]
Actions = dict[str, tuple[Callable[[], None], Callable[[], None]]]


class Tree:
    """All nodes of one file. ``actions`` are called when an element of a role begins and ends.

    ``found_attributes`` gets the text of a start tag that has attributes, outside statements.
    """

    def __init__(self, actions: Actions, found_attributes: Callable[[str], None]) -> None:
        self.root = Node(None, "outside", "", "")
        self._actions = actions
        self._found_attributes = found_attributes
        self._names: set[str] = set()
        self._remembered = self._paths = 0

    def route(self, node: Node, part: str, markup: str, left_over: LeftOver) -> tuple[Route, str]:
        """The way a part leads from ``node``, and the text behind its markup.

        The way is remembered under ``markup`` if there is nothing else. Text between tags is mixed content and is left
        over; only the last one belongs to the element that is open then.
        """
        first, pure, text = node, bool(markup), ""
        steps: list[tuple[Callable[[], None], Node | None]] = []
        for piece in part.split("<"):
            if text:
                left_over(node, text)
                pure = False
            tag, text = _parted(piece)
            text = resolved(text).strip()
            if tag.startswith("/"):
                steps += [(node.done, None)] if node.done else []
                node = node.parent
                continue
            near = self._enter(node, tag)
            steps += [(near.begin, near)] if near.begin else []
            if tag.endswith("/"):
                steps += [(near.done, None)] if near.done else []
            else:
                node = near
        route = Route(tuple(steps), node)
        if pure and ">" not in text and self._remembered < _MAX_PATHS:
            self._remembered += 1
            if steps:
                first.routes[markup] = route
            else:
                first[markup] = node
        return route, text

    def _enter(self, node: Node, tag: str) -> Node:
        name, _, attributes = tag.rstrip("/").replace("\n", " ").replace("\t", " ").replace("\r", " ").partition(" ")
        near = self._element(node, name)
        near.opening = f"<{tag}>"
        if attributes.strip():
            near = self._with_attributes(near, attributes, name)
        return near

    def _element(self, node: Node, name: str) -> Node:
        known = node.elements.get(name)
        if known is not None:
            return known
        self._count(name, node)
        local = name.rpartition(":")[2]
        if local != name:
            near = node.elements[name] = self._element(node, local)
            return near
        role, path = node.role, f"{node.path}/{local}" if node.path else local
        if role == "outside":
            path = ""
            if node.depth < _CONTAINER_DEPTH and _CONTAINER.fullmatch(local):
                role = "container"
        elif (role, path) in _ROLES:
            role, path = _ROLES[role, path], ""
        near = node.elements[local] = Node(node, role, path, f"{node.full}/{local}")
        if role != node.role:
            near.begin, near.done = self._actions[role]
            near.simple = False
        return near

    def _with_attributes(self, near: Node, attributes: str, name: str) -> Node:
        """The node itself, or one of its own for a currency; other attributes mean nothing here."""
        if attributes.count("=") > MAX_XML_ATTRIBUTES:
            many = f"{name} has more than {MAX_XML_ATTRIBUTES} attributes"
            raise fail("F-TOO-LARGE", many, Position(path=near.full[:200]))
        if near.role in ("outside", "container"):
            self._found_attributes(attributes)
        found = _CURRENCY.search(attributes)
        if found is None or near.key is None:
            return near
        with_currency = Node(near.parent, near.role, near.path, near.full)
        with_currency.currency = found.group(1)
        return with_currency

    def _count(self, name: str, parent: Node) -> None:
        """Refuse a file with more names, paths or depth than any message has."""
        self._names.add(name)
        self._paths += 1
        place = Position(path=f"{parent.full}/{name}"[:200])
        if parent.depth >= MAX_XML_DEPTH:
            raise fail("F-TOO-LARGE", f"elements are nested more than {MAX_XML_DEPTH} deep", place)
        if len(self._names) > MAX_XML_NAMES or self._paths > _MAX_PATHS:
            raise fail("F-TOO-LARGE", f"the file has more than {MAX_XML_NAMES} different element names", place)


def resolved(text: str) -> str:
    """The text with its references as characters: the five of XML and numbers; there are no others (formats.md 4)."""
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    hexadecimal, decimal, name = found.groups()
    if name:
        return _ENTITIES[name]
    if hexadecimal or decimal:
        return chr(int(hexadecimal, 16) if hexadecimal else int(decimal))
    return ""


def _parted(piece: str) -> tuple[str, str]:
    """Tag and text; a ``>`` inside an attribute's quotes does not end the tag."""
    tag, _, text = piece.partition(">")
    if tag.count('"') % 2 or tag.count("'") % 2:
        found = _QUOTED_TAG.match(piece)
        if found:
            tag, text = found.group(1), piece[found.end() :]
    return tag, text


def container_of(full: str) -> tuple[str, StatementKind]:
    """(format, kind of statement) of the container element at the end of a path."""
    local = full.rpartition("/")[2]
    return next(value for start, value in CONTAINERS.items() if local.startswith(start))
