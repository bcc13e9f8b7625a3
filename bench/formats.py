"""Reading and writing bank files, each reader beside its peer or physical limit in the same run (formats.md 10).

Every measurement is a fresh process that writes its file, reads it and reports CPU seconds (best of three) and its
peak resident memory. CAMT is compared with a bare walk of ``lxml.etree.iterparse`` that looks at nothing, MT940 with
the library mt-940 and with reading lines. Floors hold where the bare walk reaches 56,000 entries a second; on slower
machines they scale with it.

Figures: ``camt_per_s``, ``camt_walk_per_s``, ``camt_walk_ratio``, ``camt_rss_mb`` and ``camt_rss_growth_mb`` (against
a tenth of the rows), ``camt_linear`` (CPU per entry against a tenth of the rows), the same of MT940 with
``mt940_peer_per_s`` and ``mt940_lines_per_s``, ``camt_write_per_s``, ``mt940_write_per_s``, ``survey_mb_per_s``,
``rows``. ``missed`` counts the floors and relations that were not reached.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

QUICK_ROWS = 20_000
FULL_ROWS = 100_000
REFERENCE_WALK = 56_000
REPEATS = 3
_CHUNK = 1 << 16


def run(*, quick: bool) -> dict[str, float | int]:
    """Measure; see the module's text for the figures."""
    rows = QUICK_ROWS if quick else FULL_ROWS
    walk = _measure("camt_walk", rows)["per_s"]
    figures: dict[str, float | int] = {"rows": rows, "camt_walk_per_s": round(walk)}
    for name in ("camt", "mt940"):
        large, small = _measure(f"{name}_read", rows), _measure(f"{name}_read", rows // 10)
        figures[f"{name}_per_s"] = round(large["per_s"])
        figures[f"{name}_rss_mb"] = round(large["rss_mb"], 1)
        figures[f"{name}_rss_growth_mb"] = round(large["rss_mb"] - small["rss_mb"], 1)
        figures[f"{name}_linear"] = round(small["per_s"] / large["per_s"], 2)
        figures[f"{name}_write_per_s"] = round(_measure(f"{name}_write", min(rows, QUICK_ROWS))["per_s"])
    figures["camt_walk_ratio"] = round(figures["camt_per_s"] / walk, 3)
    # The library is quadratic in places, so it gets a smaller file, which flatters it.
    figures["mt940_peer_per_s"] = round(_measure("mt940_peer", min(rows, 10_000))["per_s"])
    figures["mt940_lines_per_s"] = round(_measure("mt940_lines", rows)["per_s"])
    figures["survey_mb_per_s"] = round(_measure("camt_survey", rows)["mb_per_s"])
    figures["missed"] = sum(not reached for reached in _wanted(figures, walk))
    return figures


def _wanted(figures: dict[str, float | int], walk: float) -> Iterator[bool]:
    speed = min(walk / REFERENCE_WALK, 1.0)
    yield figures["camt_per_s"] >= 20_000 * speed
    yield figures["camt_walk_ratio"] >= 0.4
    yield figures["mt940_per_s"] >= 60_000 * speed
    yield figures["mt940_per_s"] > figures["mt940_peer_per_s"]
    for name in ("camt", "mt940"):
        yield figures[f"{name}_rss_mb"] <= 120 and figures[f"{name}_rss_growth_mb"] <= 10
        yield figures[f"{name}_linear"] <= 1.25
        yield figures[f"{name}_write_per_s"] >= 30_000 * speed


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
        seconds = min(_cpu_seconds(work) for _ in range(REPEATS))
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
    from nostro.formats import StatementTail, read, survey

    found = survey(_chunks(path))

    def work() -> None:
        event = None
        for event in read(_chunks(path), found):  # noqa: B007 - the last one is looked at
            pass
        assert isinstance(event, StatementTail) and event.proof is not None and event.proof.state == "proved"

    return work


def _writing(form: str) -> Callable[[Path], Callable[[], object]]:
    def prepare(path: Path) -> Callable[[], object]:
        from nostro.formats import (
            Entry,
            OutgoingStatement,
            StatementHead,
            StatementTail,
            WriteOptions,
            read,
            survey,
            write,
        )

        events = list(read(_chunks(path), survey(_chunks(path))))
        head = next(event for event in events if isinstance(event, StatementHead))
        tail = next(event for event in events if isinstance(event, StatementTail))
        entries = [event for event in events if isinstance(event, Entry)]
        assert tail.proof is not None
        statement = OutgoingStatement(head, entries, tail.proof.opening, tail.proof.closing)
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


def _surveying(path: Path) -> Callable[[], object]:
    from nostro.formats import survey

    return lambda: survey(_chunks(path))


_TASKS: dict[str, Callable[[Path], Callable[[], object]]] = {
    "camt_read": _reading,
    "camt_walk": _walk,
    "camt_survey": _surveying,
    "camt_write": _writing("camt.053"),
    "mt940_read": _reading,
    "mt940_peer": _peer,
    "mt940_lines": _lines,
    "mt940_write": _writing("mt940"),
}

if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
