"""One running house per data directory, and no orphans.

The lock is held by the process that runs the house and is gone when that process is, however it died. The children it
started are written down, so that the next start can end those that a kill -9 left behind.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from nostro.cli.processes import DidNotStart

STOP_TIMEOUT_S = 10


@contextmanager
def only_one_house(directory: Path) -> Iterator[Path]:
    """Hold the data directory; yields the file in which children are written down.

    Raises :class:`DidNotStart` when another process holds it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    record = directory / "processes.json"
    with open(directory / "house.lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise DidNotStart(
                f"Nostro already runs from {directory} (process {lock.read().strip() or 'unknown'}). "
                "Stop that one first, or set NOSTRO_DATA to another directory."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        end_leftovers(record)
        try:
            yield record
        finally:
            record.unlink(missing_ok=True)


def write_down(record: Path, pids: list[int]) -> None:
    """Remember the children by process id and time of birth, which together name one process."""
    alive = []
    for pid in pids:
        try:
            alive.append([pid, psutil.Process(pid).create_time()])
        except psutil.NoSuchProcess:
            continue
    temporary = record.with_suffix(".new")
    temporary.write_text(json.dumps(alive))
    temporary.replace(record)


def end_leftovers(record: Path) -> None:
    """End the children of an earlier house that was killed."""
    if not record.exists():
        return
    leftovers = []
    for pid, born in json.loads(record.read_text() or "[]"):
        try:
            process = psutil.Process(pid)
            if process.create_time() == born:
                leftovers += [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
    for process in leftovers:
        _ignore_missing(process.terminate)
    _gone, stubborn = psutil.wait_procs(leftovers, timeout=STOP_TIMEOUT_S)
    for process in stubborn:
        _ignore_missing(process.kill)


def _ignore_missing(action: object) -> None:
    assert callable(action)
    try:
        action()
    except psutil.NoSuchProcess:
        return
