"""``nostro bench``: runs one benchmark of ``bench/`` and prints its figures."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping

from rich.table import Table

from nostro.cli.installation import ROOT, console, open_database, set_up_django


def run(name: str, *, quick: bool, as_json: bool, options: Mapping[str, int] | None = None) -> int:
    """Run the benchmark ``name``; without a name list what there is. Returns the exit status."""
    sys.path.insert(0, str(ROOT))
    # The benchmarks lie beside the package, in the checkout only.
    main = importlib.import_module("bench.main")
    known = main.discover()
    if name not in known:
        console.print("Benchmarks: " + ", ".join(known))
        return 0 if not name else 2
    open_database()
    set_up_django()
    try:
        result = main.run(name, quick=quick, options=options)
    except main.UnknownOption as error:
        console.print(str(error))
        return 2
    if as_json:
        sys.stdout.write(json.dumps(result) + "\n")
        return 0
    table = Table("figure", "value", title=f"{name}: {result['machine']}")
    for key, value in result["figures"].items():
        table.add_row(key, f"{value:,.2f}" if isinstance(value, float) else f"{value:,}")
    console.print(table)
    return 0
