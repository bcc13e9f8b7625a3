"""Bank files on disk: opened, looked at once, and those within an archive handed out one by one."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nostro.formats import FormatError, Hints, Problem, Survey, survey
from nostro.formats.containers import members, require_no_archive
from nostro.formats.csv.presets import DATA
from nostro.formats.limits import MAX_FILE_BYTES
from nostro.formats.problems import fail, problem

_CHUNK = 1 << 18
PROPOSED = "proposed"


@dataclass(frozen=True, slots=True)
class BankFile:
    """A file, or one in an archive: ``name`` to show, what the survey found, and its bytes, which are read once."""

    name: str
    survey: Survey
    chunks: Iterator[bytes]


def chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a file. Raises ``OSError``, and F-TOO-LARGE before the first of them."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise fail("F-TOO-LARGE", f"the file has more than {MAX_FILE_BYTES >> 20} MiB")
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def bank_files(path: Path) -> Iterator[BankFile]:
    """The file, or the files of the archive. An archive is walked once to its end before the first of them is given.

    Raises ``OSError`` and ``FormatError``.
    """
    found = survey(chunks(path))
    if found.container is None:
        yield BankFile(path.name, found, chunks(path))
        return
    surveys = []
    for member in members(chunks(path), found.container):
        each = survey(member.chunks)
        require_no_archive(each, member)
        surveys.append(each)
    if not surveys:
        raise fail("F-EMPTY", "there is no file in the archive")
    for member, each in zip(members(chunks(path), found.container), surveys, strict=True):
        yield BankFile(f"{path.name}: {member.name}" if member.name else path.name, each, member.chunks)


def hints_of(  # noqa: PLR0917 - the answers a person can give
    account: str | None = None,
    currency: str | None = None,
    encoding: str | None = None,
    form: str | None = None,
    mapping: str | None = None,
    dates: str | None = None,
    sheet: str | None = None,
) -> Hints:
    """The answers of a person. ``mapping`` is a TOML file, the name of a preset, or ``proposed``.

    Raises ``FormatError`` F-MAPPING for a mapping that is not there.
    """
    profile = {"sheet": sheet} if sheet else {}
    data = None
    if mapping == PROPOSED:
        profile["mapping"] = PROPOSED
    elif mapping:
        data = _preset(mapping) or _from_file(Path(mapping))
    if dates not in (None, "dmy", "mdy", "ymd"):
        raise fail("F-MAPPING", f"--dates is {dates!r}; it may be dmy, mdy or ymd")
    return Hints(form, account, currency, data, dates, encoding, profile)


def _preset(name: str) -> dict[str, object] | None:
    return next((data for data in DATA if str(data["name"]).casefold() == name.casefold()), None)


def _from_file(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        names = ", ".join(str(data["name"]) for data in DATA)
        message = f"the mapping {path} cannot be read ({error}); name a TOML file, proposed, or one of {names}"
        raise fail("F-MAPPING", message) from None


def problems_of(error: OSError | FormatError) -> tuple[Problem, ...]:
    """What was met, whichever error ended the reading."""
    if isinstance(error, FormatError):
        return error.problems
    return (problem("F-UNKNOWN", f"the file cannot be opened: {error}"),)
