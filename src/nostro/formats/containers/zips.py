"""ZIP read from front to back: local headers lead, the list at the end must say the same (formats.md 4)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from nostro.core.text import clean
from nostro.formats.containers.inflating import Budget, Bytes, Member
from nostro.formats.limits import MAX_ZIP_MEMBERS
from nostro.formats.problems import FormatError, excerpt, fail
from nostro.formats.values import Position

_LOCAL, _CENTRAL, _DESCRIPTOR = b"PK\x03\x04", b"PK\x01\x02", b"PK\x07\x08"
_ENDS = (b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07")
_LOCAL_FIELDS = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL_FIELDS = struct.Struct("<4sHHHHHHIIIHHHHHII")
_ENCRYPTED, _SIZES_FOLLOW, _UTF8 = 1 | 1 << 13, 1 << 3, 1 << 11
_STORED, _DEFLATED = 0, 8
_UNKNOWN = 0xFFFFFFFF
_READ = 1 << 16
_LINK, _KIND = 0o120000, 0o170000
#: What other programs put beside the files.
_NO_FILES = ("__MACOSX/", ".DS_Store")


class _Header(NamedTuple):
    name: str
    flags: int
    method: int
    crc: int
    packed: int
    at: int


def zip_members(stream: Bytes) -> Iterator[Member]:
    """The files of the archive, in its order."""
    budget, names, number = Budget(), [], 0
    while stream.peek(4) == _LOCAL:
        header = _header(stream)
        names.append(header.name)
        if len(names) > MAX_ZIP_MEMBERS:
            raise fail("F-TOO-LARGE", f"the archive holds more than {MAX_ZIP_MEMBERS} files", Position(byte=header.at))
        content = _content(stream, header, budget)
        if not header.name.endswith("/") and not header.name.startswith(_NO_FILES):
            number += 1
            yield Member(number, clean(header.name, 200), content)
        for _ in content:
            pass
    _check_list(stream, names)


def _header(stream: Bytes) -> _Header:
    at = stream.position + 1
    fields = _LOCAL_FIELDS.unpack(stream.read(_LOCAL_FIELDS.size))
    _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = fields
    name = _name(stream.read(name_length), flags)
    extra = stream.read(extra_length)
    if flags & _ENCRYPTED:
        raise fail("F-REFUSED", f"{excerpt(name)!r} is locked with a password; unpack it first", Position(byte=at))
    if method not in (_STORED, _DEFLATED) or (method == _STORED and flags & _SIZES_FOLLOW and not name.endswith("/")):
        message = f"{excerpt(name)!r} is packed in a way that is not read; unpack it first"
        raise fail("F-REFUSED", message, Position(byte=at))
    if packed == _UNKNOWN:
        packed = _long_size(extra, has_size=size == _UNKNOWN, at=at)
    return _Header(name, flags, method, crc, packed, at)


def _long_size(extra: bytes, *, has_size: bool, at: int) -> int:
    """The packed size of a member above 4 GiB, or of one whose packer left room for that."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        start = 12 if has_size else 4
        if kind == 1 and length >= start + 4 and len(extra) >= start + 8:
            return int(struct.unpack_from("<Q", extra, start)[0])
        extra = extra[4 + length :]
    raise fail("F-TRUNCATED", "a header of the archive is damaged", Position(byte=at))


def _name(data: bytes, flags: int) -> str:
    return data.decode("utf-8" if flags & _UTF8 else "cp437", "replace").replace("\\", "/")


# --- contents --------------------------------------------------------------------------------------------------------


def _content(stream: Bytes, header: _Header, budget: Budget) -> Iterator[bytes]:
    crc, begin = 0, stream.position
    pieces = _stored(stream, header) if header.method == _STORED else _inflated(stream, header)
    for piece in pieces:
        budget.spend(len(piece), stream.position)
        crc = zlib.crc32(piece, crc)
        yield piece
    packed = stream.position - begin
    stated = header.crc
    if header.flags & _SIZES_FOLLOW:
        stated = _read_descriptor(stream, packed)
    elif packed != header.packed:
        raise _damaged(header)
    if crc != stated:
        raise _damaged(header)


def _damaged(header: _Header) -> FormatError:
    return fail("F-TRUNCATED", f"{excerpt(header.name)!r} is damaged in the archive", Position(byte=header.at))


def _stored(stream: Bytes, header: _Header) -> Iterator[bytes]:
    left = header.packed
    while left:
        data = stream.read(min(left, _READ))
        left -= len(data)
        yield data


def _inflated(stream: Bytes, header: _Header) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    while not inflater.eof:
        data = inflater.unconsumed_tail or stream.read_some(_READ)
        if not data:
            raise fail("F-TRUNCATED", "the archive is not whole", Position(byte=stream.position))
        try:
            content = inflater.decompress(data, _READ)
        except zlib.error:
            raise _damaged(header) from None
        if content:
            yield content
    stream.push_back(inflater.unused_data)


def _read_descriptor(stream: Bytes, packed: int) -> int:
    """The checksum behind a member whose sizes were not known before; sizes of 4 or 8 bytes follow it."""
    if stream.peek(4) == _DESCRIPTOR:
        stream.read(4)
    crc = int.from_bytes(stream.read(4), "little")
    short = stream.peek(12)
    following = short[8:]
    is_short = int.from_bytes(short[:4], "little") == packed & _UNKNOWN and following in (_LOCAL, _CENTRAL)
    stream.read(8 if is_short else 16)
    return crc


# --- the list at the end ---------------------------------------------------------------------------------------------


def _check_list(stream: Bytes, names: list[str]) -> None:
    listed = []
    while stream.peek(4) == _CENTRAL:
        at = stream.position + 1
        fields = _CENTRAL_FIELDS.unpack(stream.read(_CENTRAL_FIELDS.size))
        flags, name_length, extra_length, comment_length, attributes = fields[3], *fields[10:13], fields[15]
        name = _name(stream.read(name_length), flags)
        stream.read(extra_length + comment_length)
        if attributes >> 16 & _KIND == _LINK:
            raise fail("F-UNSAFE", f"{excerpt(name)!r} is a link, not a file", Position(byte=at))
        listed.append(name)
        if len(listed) > len(names):
            break
    if stream.peek(4) not in _ENDS and listed == names:
        raise fail("F-TRUNCATED", "the archive ends without its list of contents", Position(byte=stream.position))
    if sorted(listed) != sorted(names):
        message = "the archive's list of contents differs from its contents"
        is_cut = len(listed) < len(names) and len(stream.peek(_CENTRAL_FIELDS.size)) < _CENTRAL_FIELDS.size
        raise fail("F-TRUNCATED" if is_cut else "F-UNSAFE", message, Position(byte=stream.position))
