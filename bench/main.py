"""The frame: finds benchmarks, runs one, describes the machine.

A benchmark is a module of this package with ``run(*, quick: bool) -> dict[str, float | int]``, which returns its
figures by name. With ``quick`` it takes less than 45 seconds. Further options of the command line (``seeds``,
``first``) are parameters of the benchmarks that have them.
"""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import platform
from collections.abc import Mapping
from typing import Any

import bench

_FRAME = frozenset(["bank_files", "books_house", "books_large", "main", "scratch"])


class UnknownOption(LookupError):
    """The benchmark does not have this option."""


def discover() -> list[str]:
    """The names of all benchmarks, sorted."""
    modules = pkgutil.iter_modules(bench.__path__)
    return sorted(module.name for module in modules if not module.ispkg and module.name not in _FRAME)


def run(name: str, *, quick: bool, options: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Run one benchmark. Returns ``{"name": …, "figures": {key: number}, "machine": {…}}``.

    Raises ``LookupError`` for an unknown name, and :class:`UnknownOption`.
    """
    if name not in discover():
        raise LookupError(f"there is no benchmark named {name!r}; there are: {', '.join(discover())}")
    module = importlib.import_module(f"bench.{name}")
    options = options or {}
    if unknown := options.keys() - inspect.signature(module.run).parameters.keys():
        raise UnknownOption(f"the benchmark {name} has no option --{min(unknown)}")
    figures = module.run(quick=quick, **options)
    return {"name": name, "figures": figures, "machine": describe_machine()}


def describe_machine() -> dict[str, Any]:
    """What decides the figures, without anything that names the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30, 1),
        "python": platform.python_version(),
        "postgresql": _postgresql_version(),
    }


def _postgresql_version() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return str(cursor.fetchone()[0]).split()[0]
