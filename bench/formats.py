"""Reading and writing bank files, each reader beside its peers or physical limit in the same run (formats.md 10).

Every measurement is a fresh process that writes its file, reads it and reports CPU seconds (best of three) and its
peak resident memory. CAMT is compared with a bare walk of ``lxml.etree.iterparse`` that looks at nothing, MT940 with
the library mt-940, text formats with reading lines, OFX 2 with expat. Further peers have environments of their own:
``python -m bench.peers.environments`` makes them, and one that is missing is named on standard error. Floors hold where
the bare walk reaches 56,000 entries a second; on slower machines they scale with it.

Figures, per reader ``camt``, ``mt940``, ``coda``, ``ofx1``, ``ofx2``, ``bai2``, ``qif``, ``csv`` and ``xlsx`` (a table
of ten columns by a mapping, with a running balance): ``…_per_s``, ``…_rss_mb``,
``…_rss_growth_mb`` (against a tenth of the rows), ``…_linear`` (CPU per entry against a tenth of the rows),
``…_lines_per_s`` (reading lines), ``…_<peer>_per_s``; ``camt_walk_per_s``, ``camt_walk_ratio``, ``ofx2_expat_per_s``;
``ofx_per_s`` is the slower of the two. ``csv_walk_ratio`` is against ``csv.reader`` that looks at nothing,
``xlsx_walk_ratio`` against calamine. Writers: ``camt_write_per_s`` and so on. ``survey_mb_per_s``, ``rows``.
``python -m bench.formats limits`` is P-12 (formats.md 11): peak memory and CPU per entry of the largest files.
``peers_missing`` counts peers that are not installed, ``missed`` the floors and relations that were not reached.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

QUICK_ROWS = 20_000
FULL_ROWS = 100_000
REFERENCE_WALK = 56_000
PEER_ROWS = 5_000
REPEATS = 3
_CHUNK = 1 << 16


#: Reader → entries per CPU second that it must reach (formats.md 10); QIF has no floor.
_FLOORS = {
    "camt": 20_000, "mt940": 60_000, "coda": 60_000, "ofx1": 80_000, "ofx2": 80_000, "bai2": 60_000, "qif": 0,
    "csv": 100_000, "xlsx": 20_000,
}  # fmt: skip
_WRITERS = {"camt": 30_000, "mt940": 30_000, "coda": 30_000, "ofx2": 30_000, "csv": 30_000, "xlsx": 5_000}
#: Readers that hold their file, because its end may decide how it is read: their memory grows with it.
_HOLDING = frozenset(["qif", "xlsx"])
#: Tables → the part of a bare walk that their reading must reach.
_TABLES = {"csv": 0.15, "xlsx": 0.3}
#: Readers whose memory is flat, and the entries of P-12.
_STREAMING = tuple(name for name in _FLOORS if name not in _HOLDING)
LIMIT_ROWS = 500_000
#: Our CAMT is printed so widely that the 512 MiB of a file end before the entries do.
CAMT_LIMIT_ROWS = 200_000
_WITH_LINES = ("mt940", "coda", "ofx1", "bai2", "qif")


def run(*, quick: bool) -> dict[str, float | int]:
    """Measure; see the module's text for the figures."""
    rows = QUICK_ROWS if quick else FULL_ROWS
    walk = _measure("camt_walk", rows)["per_s"]
    figures: dict[str, float | int] = {"rows": rows, "camt_walk_per_s": round(walk)}
    for name in _FLOORS:
        large, small = _measure(f"{name}_read", rows), _measure(f"{name}_read", rows // 10)
        figures[f"{name}_per_s"] = round(large["per_s"])
        figures[f"{name}_rss_mb"] = round(large["rss_mb"], 1)
        figures[f"{name}_rss_growth_mb"] = round(large["rss_mb"] - small["rss_mb"], 1)
        figures[f"{name}_linear"] = round(small["per_s"] / large["per_s"], 2)
    for name in _WRITERS:
        figures[f"{name}_write_per_s"] = round(_measure(f"{name}_write", min(rows, QUICK_ROWS))["per_s"])
    for name in _WITH_LINES if not quick else ("mt940",):
        figures[f"{name}_lines_per_s"] = round(_measure(f"{name}_lines", rows)["per_s"])
    for name in _TABLES:
        figures[f"{name}_walk_per_s"] = round(_measure(f"{name}_walk", rows)["per_s"])
        figures[f"{name}_walk_ratio"] = round(figures[f"{name}_per_s"] / figures[f"{name}_walk_per_s"], 3)
    figures["ofx2_expat_per_s"] = round(_measure("ofx2_expat", rows)["per_s"])
    figures["ofx_per_s"] = min(figures["ofx1_per_s"], figures["ofx2_per_s"])
    figures["camt_walk_ratio"] = round(figures["camt_per_s"] / walk, 3)
    # The library is quadratic in places, so it gets a smaller file, which flatters it.
    figures["mt940_peer_per_s"] = round(_measure("mt940_peer", min(rows, 10_000))["per_s"])
    figures["survey_mb_per_s"] = round(_measure("camt_survey", rows)["mb_per_s"])
    figures |= _peers(PEER_ROWS // 2 if quick else PEER_ROWS)
    figures["missed"] = sum(not reached for reached in _wanted(figures, walk))
    return figures


def _wanted(figures: dict[str, float | int], walk: float) -> Iterator[bool]:
    speed = min(walk / REFERENCE_WALK, 1.0)
    yield figures["camt_walk_ratio"] >= 0.4
    for name, floor in _FLOORS.items():
        yield figures[f"{name}_per_s"] >= floor * speed
        yield name in _HOLDING or figures[f"{name}_rss_mb"] <= 120
        yield name in _HOLDING or figures[f"{name}_rss_growth_mb"] <= 10
        yield figures[f"{name}_linear"] <= 1.25
        peers = [figures[key] for key in figures if key.startswith(f"{name}_peer_") and key.endswith("per_s")]
        yield all(figures[f"{name}_per_s"] > peer for peer in peers)
    for name, floor in _WRITERS.items():
        yield figures[f"{name}_write_per_s"] >= floor * speed
    for name, part in _TABLES.items():
        yield figures[f"{name}_walk_ratio"] >= part


def limits(names: Iterable[str] = _STREAMING) -> dict[str, float | int]:
    """P-12 (formats.md 11): memory and CPU per entry of the largest files against a tenth of their entries.

    ``…_limit_rows``, ``…_limit_rss_mb``, ``…_limit_rss_growth_mb``, ``…_limit_linear``; ``missed`` counts memory above
    120 MB, growth above 10 MB and more than 1.25 times the CPU per entry.
    """
    figures: dict[str, float | int] = {"missed": 0}
    for name in names:
        figures[f"{name}_limit_rows"] = rows = CAMT_LIMIT_ROWS if name == "camt" else LIMIT_ROWS
        large, small = _measure(f"{name}_once", rows), _measure(f"{name}_once", rows // 10)
        memory, growth = large["rss_mb"], large["rss_mb"] - small["rss_mb"]
        linear = small["per_s"] / large["per_s"]
        figures[f"{name}_limit_per_s"] = round(large["per_s"])
        figures[f"{name}_limit_rss_mb"], figures[f"{name}_limit_rss_growth_mb"] = round(memory, 1), round(growth, 1)
        figures[f"{name}_limit_linear"] = round(linear, 2)
        figures["missed"] += (memory > 120) + (growth > 10) + (linear > 1.25)
    return figures


def _peers(rows: int) -> dict[str, float | int]:
    """Each peer in its own environment, on files that are small enough for the slow ones; that flatters them."""
    from bench.peers import environments

    figures: dict[str, float | int] = {"peers_missing": 0}
    for peer, (requirement, formats) in environments.PEERS.items():
        python = environments.python_of(peer)
        if not python.exists():
            print(f"{requirement} is not there: python -m bench.peers.environments", file=sys.stderr)
            figures["peers_missing"] += 1
            continue
        for name in formats:
            figures[f"{name}_peer_{peer}_per_s"] = round(_peer_per_s(python, peer, name, rows))
    return figures


def _peer_per_s(python: Path, peer: str, name: str, rows: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file.{name.rstrip('12')}"
        _make(name, rows, path)
        done = subprocess.run(
            [python, Path(__file__).parent / "peers" / "bank_files.py", peer, path],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        print(f"{peer} cannot read our {name}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return 0.0
    measured = json.loads(done.stdout)
    if measured["rows"] != rows:
        print(f"{peer} reads {measured['rows']} rows of {rows} in our {name}", file=sys.stderr)
    return float(rows / measured["seconds"])


def _measure(task: str, rows: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.formats", task, str(rows)], capture_output=True, text=True, check=True
    )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


# --- in the process that is measured ---------------------------------------------------------------------------


def _main(task: str, rows: int) -> None:
    form = task.partition("_")[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        _make(form, rows, path)
        work = _TASKS[task](path)
        seconds = min(_cpu_seconds(work) for _ in range(1 if task.endswith("_once") else REPEATS))
        size = path.stat().st_size
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"per_s": rows / seconds, "rss_mb": memory, "mb_per_s": size / seconds / 1e6}))


def _make(form: str, rows: int, path: Path) -> None:
    from bench import bank_files

    with path.open("wb") as file:
        file.writelines(getattr(bank_files, form)(rows))


def _cpu_seconds(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _reading(path: Path) -> Callable[[], object]:
    from bench import bank_files
    from nostro.formats import Hints, StatementTail, read, survey

    found = survey(_chunks(path))
    hints = Hints()
    if found.format == "qif":  # names neither account nor currency
        hints = Hints(account="BE68539007547034", currency="EUR")
    elif found.format in _TABLES:
        hints = Hints(mapping=bank_files.MAPPING)

    def work() -> None:
        tails = [event for event in read(_chunks(path), found, hints) if isinstance(event, StatementTail)]
        assert tails and all(tail.proof is not None and tail.proof.state != "failed" for tail in tails)

    return work


def _writing(form: str) -> Callable[[Path], Callable[[], object]]:
    def prepare(path: Path) -> Callable[[], object]:
        from bench import bank_files
        from nostro.formats import (
            Entry,
            Hints,
            OutgoingStatement,
            StatementHead,
            StatementTail,
            WriteOptions,
            read,
            survey,
            write,
        )

        hints = Hints(mapping=bank_files.MAPPING) if form in _TABLES else Hints()
        events = list(read(_chunks(path), survey(_chunks(path)), hints))
        head = next(event for event in events if isinstance(event, StatementHead))
        tails = [event for event in events if isinstance(event, StatementTail)]
        entries = [event for event in events if isinstance(event, Entry)]
        first, last = tails[0].proof, tails[-1].proof
        assert first is not None and last is not None
        statement = OutgoingStatement(head, entries, first.opening, last.closing)
        options = WriteOptions(created="2026-12-01T00:00:00Z")

        def work() -> None:
            for _ in write(form, events[0], [statement], options):  # type: ignore[arg-type]
                pass

        return work

    return prepare


def _walk(path: Path) -> Callable[[], object]:
    from lxml import etree

    def work() -> None:
        for _, entry in etree.iterparse(str(path), events=("end",), tag="{*}Ntry"):
            entry.clear()
            while entry.getprevious() is not None:
                del entry.getparent()[0]

    return work


def _csv_walk(path: Path) -> Callable[[], object]:
    import csv

    def work() -> None:
        with path.open(newline="") as file:
            for _ in csv.reader(file, delimiter=";", strict=True):
                pass

    return work


def _xlsx_walk(path: Path) -> Callable[[], object]:
    from python_calamine import CalamineWorkbook

    def work() -> None:
        for _ in CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).iter_rows():
            pass

    return work


def _peer(path: Path) -> Callable[[], object]:
    import mt940

    def work() -> None:
        with path.open() as file:
            statements = mt940.parse_statements(file, options=mt940.Options.all())
        assert sum(len(statement.transactions) for statement in statements)

    return work


def _lines(path: Path) -> Callable[[], object]:
    def work() -> None:
        with path.open() as file:
            for line in file:
                line.startswith(":61:")

    return work


def _expat(path: Path) -> Callable[[], object]:
    from xml.parsers import expat

    def work() -> None:
        parser = expat.ParserCreate()
        parser.StartElementHandler = lambda name, attributes: None
        parser.EndElementHandler = lambda name: None
        with path.open("rb") as file:
            parser.ParseFile(file)

    return work


def _surveying(path: Path) -> Callable[[], object]:
    from nostro.formats import survey

    return lambda: survey(_chunks(path))


_TASKS: dict[str, Callable[[Path], Callable[[], object]]] = {
    **{f"{name}_read": _reading for name in _FLOORS},
    **{f"{name}_once": _reading for name in _STREAMING},
    "csv_walk": _csv_walk,
    "xlsx_walk": _xlsx_walk,
    **{f"{name}_lines": _lines for name in _WITH_LINES},
    "camt_walk": _walk,
    "camt_survey": _surveying,
    "mt940_peer": _peer,
    "ofx2_expat": _expat,
    "camt_write": _writing("camt.053"),
    "mt940_write": _writing("mt940"),
    "coda_write": _writing("coda"),
    "ofx2_write": _writing("ofx"),
    "csv_write": _writing("csv"),
    "xlsx_write": _writing("xlsx"),
}

if __name__ == "__main__":
    if sys.argv[1] == "limits":
        print(json.dumps(limits(sys.argv[2:] or _STREAMING), indent=2))
    else:
        _main(sys.argv[1], int(sys.argv[2]))
