"""A picture for the PHOTO_OTP method: a black and white mosaic, written as PNG (RFC 2083) without any library."""

from __future__ import annotations

import hashlib
import struct
import zlib

MODULES = 25
SCALE = 6
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def mosaic(text: str) -> bytes:
    """A square of 25 by 25 fields that depends on ``text`` only, with a white edge, six pixels to a field."""
    bits = hashlib.shake_256(text.encode()).digest(MODULES * MODULES)
    side = (MODULES + 2) * SCALE
    edge = b"\xff" * side
    rows = [edge] * SCALE
    for y in range(MODULES):
        fields = b"".join((b"\x00" if bits[y * MODULES + x] & 1 else b"\xff") * SCALE for x in range(MODULES))
        rows += [b"\xff" * SCALE + fields + b"\xff" * SCALE] * SCALE
    rows += [edge] * SCALE
    # Eight bits of grey to a pixel, every line without a filter.
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\x00" + row for row in rows), 9)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")
