"""Expat and the tree of paths together: from text to values per entry (formats.md 6.1, 4).

Expat reads every byte and refuses what is broken or unsafe. No handler is called for an element, because some hundred
calls per entry are what takes the time. Instead the text is cut at ``</``. What stands between two closing tags is
always markup and then at most one text: ``Sts><BookgDt><Dt>2026-11-12``. The markup leads from one element to
another and is looked up as a whole in the tree (``paths.py``); the text belongs to the element it leads to. That is
exact on text that expat has passed, once comments, instructions and CDATA are taken out.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from typing import Any, NoReturn
from xml.parsers import expat

from nostro.formats.camt.paths import FILLER, Actions, Node, Tree, resolved
from nostro.formats.limits import MAX_TEXT, MAX_TOKEN
from nostro.formats.problems import FormatError, fail
from nostro.formats.values import Position

_MAX_REPEATS = 10_000
#: Comments, instructions and CDATA, whole; or the beginning of one that is not complete yet.
_ASIDE = re.compile(r"<!--.*?-->|<\?.*?\?>|<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_ASIDE_BEGINS = re.compile(r"<[!?]|<\Z")
_NOT_LINE_END = re.compile(r"[^\n]")

Values = dict[str, Any]
Raw = dict[str, str]


class Machine:
    """Fed with text, it fills ``values`` and ``raw`` and calls the actions of the roles.

    Actions set ``values`` and ``raw`` to what the element's own texts go to. ``node`` is the element of the last piece.
    """

    def __init__(self, actions: Actions, found_attributes: Callable[[str], None], encoding: str) -> None:
        self.values: Values = {}
        self.raw: Raw = {}
        self._tree = Tree(actions, found_attributes)
        self.node = self._tree.root
        self._parser = self._make_parser()
        self._carry = ""
        self._at_start = True
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._width = 2 if encoding.startswith("utf-16") else 1
        self._is_utf8 = codecs.lookup(encoding).name == "utf-8"
        self._line, self._byte = 1, 1 + (2 if encoding == "utf-16" else 0)
        self._text = ""
        self._reached = 0

    # --- expat ---------------------------------------------------------------------------------------------------

    def _make_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate("utf-8")
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartDoctypeDeclHandler = lambda *_: self._refuse("a document type declaration")
        parser.EntityDeclHandler = lambda *_: self._refuse("an entity declaration")
        parser.ExternalEntityRefHandler = lambda *_: self._refuse("an external reference")
        return parser

    def _refuse(self, what: str) -> NoReturn:
        place = Position(line=self._parser.CurrentLineNumber)
        raise fail("F-UNSAFE", f"the file contains {what}, which no statement has", place)

    def feed(self, block: bytes | str, *, final: bool = False) -> None:
        """Check and read a block. Raises ``FormatError``."""
        data = block.encode("utf-8", "replace") if isinstance(block, str) else block
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as error:
            raise self._broken(error) from None
        text = block if isinstance(block, str) else self._decoder.decode(block, final)
        self._take(self._carry + text, final=final)

    def _broken(self, error: expat.ExpatError) -> FormatError:
        place = Position(line=error.lineno, columns=(error.offset + 1, error.offset + 1), path=self.node.full or None)
        reason = expat.errors.messages[error.code]
        if reason in _TRUNCATED:
            return fail("F-TRUNCATED", "the file ends before its elements are closed", place)
        if reason == expat.errors.XML_ERROR_UNDEFINED_ENTITY:
            return fail("F-UNSAFE", "the file contains an entity, which no statement has", place)
        return fail("F-SYNTAX", f"the XML is broken: {reason}", place)

    # --- pieces --------------------------------------------------------------------------------------------------

    def _take(self, text: str, *, final: bool) -> None:
        """Read up to the last closing tag; what may still grow is carried over."""
        # One character is looked for ten times as fast as two, and hardly a block has it.
        has_asides = ("!" in text or "?" in text) and ("<!" in text or "<?" in text)
        end = _incomplete_aside(text) if has_asides else len(text)
        if not final:
            end = text.rfind("</", 0, end)
        end = max(end, 0)
        self._carry = text[end:]
        if len(self._carry) > MAX_TOKEN:
            raise fail("F-TOO-LARGE", f"a text or a tag has more than {MAX_TOKEN} characters", self.here())
        whole = text[:end]
        self._text = _ASIDE.sub(_replaced, whole) if has_asides else whole
        self._reached = 0
        parts = self._text.split("</")
        if len(text) > MAX_TEXT:
            self._refuse_long(parts)
        if self._at_start and "<" in parts[0]:
            self._at_start = False
            self.node = self._other(parts[0].partition("<")[2])
        del parts[0]
        self._read(parts)
        self._advance(len(self._text))

    def _refuse_long(self, parts: list[str]) -> None:
        if any(len(resolved(piece.rpartition(">")[2])) > MAX_TEXT for part in parts for piece in part.split("<")):
            raise fail("F-TOO-LARGE", f"a text has more than {MAX_TEXT} characters", self.here())

    def _read(self, parts: list[str]) -> None:
        """The loop that takes the time: one look-up for each part."""
        node, values = self.node, self.values
        for part in parts:
            markup, _, text = part.rpartition(">")
            near = node.get(markup)
            if near is None:
                self.node = node
                node = self.node = self._other(f"/{part}", markup)
                values = self.values
                continue
            node = near
            text = text.strip()
            if text:
                if "&" in text:
                    text = resolved(text).strip()
                key = near.name
                if not text:
                    continue
                if near.simple and key not in values:
                    values[key] = text
                    if near.currency is not None:
                        values[near.currency_key] = near.currency
                else:
                    self._store(near, text)
        self.node = node

    def _other(self, part: str, markup: str = "") -> Node:
        """A part that is new here, or that begins or ends an element of a role; gives the element open after it.

        ``markup`` is the name by which the way is remembered, if it is nothing but markup.
        """
        route = self.node.routes.get(markup)
        if route is not None:
            text = resolved(part.rpartition(">")[2]).strip()
        else:
            route, text = self._tree.route(self.node, part, markup, self._left_over)
        for action, element in route.steps:
            if element is not None:
                self.node = element
            action()
        self.node = route.end
        if text:
            self._store(self.node, text)
        return self.node

    def _store(self, near: Node, text: str) -> None:
        key = near.key
        if key is not None and near.many:
            texts = self.values.setdefault(key, [])
            if len(texts) >= _MAX_REPEATS:
                raise fail("F-TOO-LARGE", f"an element comes more than {_MAX_REPEATS} times", self.here(near.full))
            texts.append(text)
        elif key is None or key in self.values or not near.simple:
            self._left_over(near, text)
        else:
            self.values[key] = text
            if near.currency is not None:
                self.values[near.currency_key] = near.currency

    def _left_over(self, near: Node, text: str) -> None:
        if not text:
            return
        path = near.path or "text"
        if path in self.raw:
            if len(self.raw) >= _MAX_REPEATS:
                raise fail("F-TOO-LARGE", f"more than {_MAX_REPEATS} fields are not known", self.here(near.full))
            path = f"{path}[{len(self.raw) + 1}]"
        self.raw[path] = text

    # --- where ---------------------------------------------------------------------------------------------------

    def at_entry(self, path: str) -> Position:
        """The position of the entry that begins now."""
        begins = self._text.find(self.node.opening, self._reached + 1 if self._reached else 0)
        if begins >= 0:
            self._advance(begins)
        return Position(self._byte, self._line, None, None, path)

    def here(self, path: str | None = None) -> Position:
        """About where the reading is: the line of the last entry or block."""
        return Position(self._byte, self._line, None, None, path)

    def _advance(self, to: int) -> None:
        passed = self._text[self._reached : to]
        self._reached = to
        self._line += passed.count("\n")
        if self._width == 2:
            self._byte += 2 * len(passed)
        else:
            self._byte += len(passed) if not self._is_utf8 or passed.isascii() else len(passed.encode())


_TRUNCATED = (
    expat.errors.XML_ERROR_NO_ELEMENTS,
    expat.errors.XML_ERROR_UNCLOSED_TOKEN,
    expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    expat.errors.XML_ERROR_PARTIAL_CHAR,
)


def _incomplete_aside(text: str) -> int:
    """Where a comment, an instruction or a CDATA section begins whose end has not come; else the text's length."""
    end = 0
    for found in _ASIDE.finditer(text):
        end = found.end()
    begins = _ASIDE_BEGINS.search(text, end)
    return begins.start() if begins else len(text)


def _replaced(found: re.Match[str]) -> str:
    """CDATA becomes common text. Everything else becomes a filler of the same length, so that places stay the same.

    A filler looks like a reference, and as one it is taken out of texts (:func:`~nostro.formats.camt.paths.resolved`).
    """
    if found.group(1) is not None:
        return found.group(1).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"&{_NOT_LINE_END.sub(FILLER, found.group()[1:-1])};"
