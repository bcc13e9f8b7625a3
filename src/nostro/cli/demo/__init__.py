"""``nostro demo``: the main job from end to end, and the check that bank, Hub and Books agree."""

from __future__ import annotations

import json
import os
import sys

from rich.table import Table

from nostro.cli.demo.comparison import AccountComparison, Comparison
from nostro.cli.installation import console
from nostro.cli.processes import DidNotStart, House
from nostro.cli.up import running_house, tend_until_stopped


def run(*, check: bool, as_json: bool, port: int | None, bank_port: int | None) -> int:
    """Run the demonstration; returns the exit status: 0 only if every account agrees.

    With ``check`` it stops at the end, without it everything keeps running until Ctrl-C. ``as_json`` prints
    ``{"accounts": A, "bank": N, "hub": N, "books": N, "balances": "equal" | "different", "unchanged": bool,
    "details": [...]}``.
    """
    try:
        with running_house(port=port, bank_port=bank_port, quiet=as_json) as house:
            comparison = _demonstrate(house)
            _report(comparison, as_json=as_json)
            if not check and not as_json:
                tend_until_stopped(house)
    except DidNotStart as error:
        console.print(f"[red]{error}[/]")
        return 1
    return 0 if comparison.is_equal else 1


def _demonstrate(house: House) -> Comparison:
    from nostro.cli.demo.story import tell

    return tell(house, console)


def _report(comparison: Comparison, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(comparison.as_dict()) + "\n")
        return
    table = Table("account", "bank", "Hub", "Books", "balance", "agrees", title="Booked transactions and balances")
    for row in comparison.accounts:
        table.add_row(
            row.name, *(f"{figures.count:,}" for figures in (row.bank, row.hub, row.books)), _balance(row), _mark(row)
        )
    console.print(table)
    if comparison.unchanged:
        console.print("Everything was there already: this run changed nothing.")
    else:
        console.print(f"{comparison.imported:,} transactions travelled from the bank through the Hub into the Books.")
    if comparison.address:
        console.print(
            f"\nHave a look: [bold]{comparison.address}[/]\n"
            f"  sign in as [bold]{comparison.email}[/] with the password [bold]{comparison.password}[/]\n"
            f"  Hub: {comparison.address}/hub/    Books: {comparison.address}/books/\n"
            f"  the bank's own page: {os.environ['NOSTRO_SANDBOX_BANK_URL']}"
        )
    sys.stdout.write(comparison.last_line() + "\n")
    sys.stdout.flush()


def _balance(row: AccountComparison) -> str:
    return f"{row.hub.balance:,f} {row.currency}"


def _mark(row: AccountComparison) -> str:
    return "[green]✓ equal[/]" if row.is_equal else f"[red]✗ {row.difference()}[/]"
