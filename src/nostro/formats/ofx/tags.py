"""Text of OFX in pieces that end before a tag, without comments and with CDATA as escaped text (formats.md 6.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from nostro.formats.limits import MAX_TOKEN
from nostro.formats.problems import fail
from nostro.formats.values import Position

#: (name, text behind it): a leaf with text takes its own end tag along; end tags have a slash in their name.
#: A ``<`` that begins no tag is text.
TOKEN = re.compile(r"<(/?[A-Za-z][\w.]*)[^<>]*>([^<]*(?:<(?![/A-Za-z?])[^<]*)*)(?:</\1\s*>)?")
_TAG_START = re.compile(r"<[/A-Za-z!?]?")
_LOWER_TAG = re.compile(r"</?[A-Z0-9.]*[a-z]")
_NAME = re.compile(r"</?[A-Za-z][\w.]*")
_REFERENCE = re.compile(r"&(?:(lt|gt|amp|apos|quot|nbsp)|#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6}));")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "apos": "'", "quot": '"', "nbsp": " "}


def pieces(texts: Iterable[str]) -> Iterator[str]:
    """All text in order; each piece but the last ends before a tag. Tag names are in capitals.

    Raises F-UNSAFE for a document type or an entity, F-TOO-LARGE for a text without end.
    """
    carry, line = "", 1
    for text in texts:
        whole, carry = _clean(carry + text, line)
        # What stands behind the last tag may go on in the next text.
        cut = _last_tag(whole)
        whole, carry = whole[:cut], whole[cut:] + carry
        if len(carry) > MAX_TOKEN:
            raise fail("F-TOO-LARGE", f"a tag with its text has more than {MAX_TOKEN} characters", Position(line=line))
        line += whole.count("\n")
        yield _capitals(whole)
    yield _capitals(carry)


def _capitals(text: str) -> str:
    return _NAME.sub(lambda found: found.group().upper(), text) if _LOWER_TAG.search(text) else text


def _last_tag(text: str) -> int:
    at = len(text)
    while (at := text.rfind("<", 0, at)) >= 0:
        if _TAG_START.fullmatch(text[at : at + 2]):
            return at
    return len(text)


def _clean(text: str, line: int) -> tuple[str, str]:
    """(text without declarations, rest whose declaration has not ended)."""
    if "<!" not in text:
        return text, ""
    parts, at = [], 0
    while (start := text.find("<!", at)) >= 0:
        parts.append(text[at:start])
        begin = text[start : start + 9]
        if begin.startswith("<!--"):
            mark, skipped = "-->", 4
        elif begin == "<![CDATA[":
            mark, skipped = "]]>", 9
        elif len(begin) < 9 and ("<!--".startswith(begin) or "<![CDATA[".startswith(begin)):
            return "".join(parts), text[start:]
        elif begin[2:3].isalpha():
            place = Position(line=line + text.count("\n", 0, start))
            raise fail("F-UNSAFE", "the file declares a document type or an entity", place)
        else:
            parts.append("&lt;!")
            at = start + 2
            continue
        end = text.find(mark, start + skipped)
        if end < 0:
            return "".join(parts), text[start:]
        content = text[start + skipped : end]
        is_text = mark == "]]>"
        parts.append(content.replace("&", "&amp;").replace("<", "&lt;") if is_text else "\n" * content.count("\n"))
        at = end + 3
    parts.append(text[at:])
    return "".join(parts), ""


def unescaped(text: str) -> str:
    """The text with the built-in entities and character references replaced; any other ``&`` is one."""
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    name, decimal, hexadecimal = found.groups()
    if name:
        return _NAMED[name]
    number = int(decimal) if decimal else int(hexadecimal, 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else found.group()
