"""ZIP and gzip: many files, mixed formats, and everything hostile (formats.md 4)."""

from __future__ import annotations

import gzip
import io
import random
import stat
import struct
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.formats.samples import camt, camt_entry, cut, mt940, reading

from nostro.formats import FormatError, limits, survey
from nostro.formats.containers import members, require_no_archive

CAMT, MT940 = camt(camt_entry("50.00")).encode(), mt940("", closing="100,00").encode()
NOISE = random.Random(7).randbytes(200_000)


class Pipe(io.RawIOBase):
    """A target that cannot seek: the packer must write sizes behind the members."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += data
        return len(data)


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED, stream: bool = False) -> bytes:
    target: Any = Pipe() if stream else io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, 12, 0, 0, 0)), data, method)
    return bytes(target.data) if stream else bytes(target.getvalue())


def unpacked(data: bytes, sizes: Sequence[int] = (), kind: str = "zip") -> list[tuple[str, bytes]]:
    return [(each.name, b"".join(each.chunks)) for each in members(cut(data, sizes), cast(Any, kind))]


def code_of(data: bytes, kind: str = "zip") -> str:
    with pytest.raises(FormatError) as error:
        unpacked(data, kind=kind)
    return error.value.problem.code


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
def test_files_of_several_formats_are_read_one_by_one(method: int) -> None:
    data = zipped(("a/one.xml", CAMT), ("..\\..\\two.sta", MT940), ("b/", b""), ("__MACOSX/x", b"?"), method=method)
    assert survey([data]).container == "zip"
    found = unpacked(data)
    assert found == [("a/one.xml", CAMT), ("../../two.sta", MT940)]
    assert [survey([content]).format for _, content in found] == ["camt.053", "mt940"]
    assert reading(found[0][1]).states == ["proved"]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3_000), max_size=30), st.booleans(), st.sampled_from([0, 8]))
def test_any_chunking_gives_the_same_files(sizes: list[int], stream: bool, method: int) -> None:
    files = (("one", CAMT), ("noise", NOISE[:9_000]), ("empty", b""), ("two", MT940))
    stream = stream and method == zipfile.ZIP_DEFLATED
    assert unpacked(zipped(*files, method=method, stream=stream), sizes) == list(files)


def test_what_a_caller_leaves_is_read_on() -> None:
    data = zipped(("one", NOISE), ("two", b"2"))
    assert [each.name for each in members([data], "zip")] == ["one", "two"]


def test_a_packer_that_leaves_room_for_large_files_is_read() -> None:
    pipe = Pipe()
    with zipfile.ZipFile(cast(Any, pipe), "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("large", "w", force_zip64=True) as file:
            file.write(CAMT)
        archive.writestr("after", MT940)
    assert unpacked(bytes(pipe.data)) == [("large", CAMT), ("after", MT940)]
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive, archive.open("stored", "w", force_zip64=True) as file:
        file.write(CAMT)
    assert unpacked(target.getvalue()) == [("stored", CAMT)]


def test_gzip_is_one_file_even_in_several_parts() -> None:
    data = gzip.compress(CAMT[:500]) + gzip.compress(CAMT[500:]) + b"\x00" * 100
    assert survey([data]).container == "gzip"
    assert unpacked(data, [1, 2, 3, 700], "gzip") == [("", CAMT)]


# --- hostile ---------------------------------------------------------------------------------------------------------


def bomb(size: int = 8 << 20) -> bytes:
    return zipped(("bomb", b"0" * size))


def test_bombs_are_refused_before_they_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    assert code_of(bomb()) == "F-UNSAFE"
    assert code_of(gzip.compress(b"0" * (8 << 20)), "gzip") == "F-UNSAFE"
    assert len(unpacked(zipped(("small", b"0" * (1 << 20))))) == 1
    # Each of many files is harmless, all together are not.
    assert code_of(zipped(*[(str(number), b"0" * 600_000) for number in range(20)])) == "F-UNSAFE"
    monkeypatch.setattr("nostro.formats.containers.inflating.MAX_ZIP_BYTES", 100_000)
    assert code_of(zipped(("large", NOISE))) == "F-TOO-LARGE"


def test_a_bomb_that_lies_about_its_size_is_counted() -> None:
    data = bytearray(bomb())
    struct.pack_into("<I", data, 22, 10)
    assert code_of(bytes(data)) == "F-UNSAFE"


def test_too_many_files_are_refused() -> None:
    files = [(str(number), b"x") for number in range(limits.MAX_ZIP_MEMBERS + 1)]
    assert code_of(zipped(*files, method=zipfile.ZIP_STORED)) == "F-TOO-LARGE"


def test_locked_and_oddly_packed_files_are_refused_with_what_to_do() -> None:
    data = bytearray(zipped(("secret.xml", CAMT)))
    data[6] |= 1
    with pytest.raises(FormatError, match=r"'secret\.xml' is locked with a password; unpack it first"):
        unpacked(bytes(data))
    assert code_of(zipped(("x", CAMT), method=zipfile.ZIP_LZMA)) == "F-REFUSED"


def test_links_and_lists_that_lie_are_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        link = zipfile.ZipInfo("statement.xml")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert code_of(target.getvalue()) == "F-UNSAFE"
    data = zipped(("aaaa", CAMT), ("bbbb", MT940))
    assert code_of(data.replace(b"bbbb", b"cccc", 1)) == "F-UNSAFE"
    hidden = data[: data.index(b"PK\x01\x02")] + zipped(("aaaa", CAMT))[len(zipped(("aaaa", CAMT))) - 200 :]
    assert code_of(hidden) in ("F-UNSAFE", "F-TRUNCATED")


@pytest.mark.parametrize("inner", [zipped(("x", CAMT)), gzip.compress(CAMT)], ids=["zip", "gzip"])
def test_an_archive_in_an_archive_is_refused(inner: bytes) -> None:
    (member,) = list(members([zipped(("inner", inner))], "zip"))
    with pytest.raises(FormatError, match="an archive within the archive") as error:
        require_no_archive(survey([inner]), member)
    assert error.value.problem.code == "F-UNSAFE"


def cuts(data: bytes) -> Iterable[bytes]:
    for end in range(4, len(data), max(1, len(data) // 200)):
        yield data[:end]


def test_an_archive_cut_anywhere_is_not_whole() -> None:
    data = zipped(("one", CAMT), ("two", MT940))
    for part in cuts(data[: data.index(b"PK\x05\x06")]):
        assert code_of(part) == "F-TRUNCATED"
    for part in cuts(gzip.compress(CAMT)):
        assert code_of(part, "gzip") == "F-TRUNCATED"


def test_damage_is_found() -> None:
    for data in (zipped(("one", CAMT)), zipped(("one", CAMT), method=zipfile.ZIP_STORED)):
        at = 60 if data[8] else 200
        assert code_of(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]) in ("F-TRUNCATED", "F-UNSAFE")


@pytest.mark.parametrize("kind", ["zip", "gzip"])
def test_mutations_end_in_problems_and_nothing_else(kind: str) -> None:
    data = zipped(("one", CAMT), ("two", MT940), stream=True) if kind == "zip" else gzip.compress(CAMT)
    for seed in range(400):
        chance = random.Random(seed)
        changed = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        try:
            unpacked(bytes(changed), kind=kind)
        except FormatError:
            continue
