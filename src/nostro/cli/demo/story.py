"""The main job, told step by step. Every step looks first whether it was done already, so that a run that was killed
goes on where it stopped, and a run after a complete one changes nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from nostro.books.companies.models import Company
from nostro.cli.demo import books_part, hub_part
from nostro.cli.demo.bank import Bank, Key
from nostro.cli.demo.comparison import AccountComparison, Comparison, Figures
from nostro.cli.processes import DidNotStart, House
from nostro.hub.accounts.models import Account

EMAIL = "demo@nostro.example"
PASSWORD = "nostro demo"  # noqa: S105 - printed for everybody to use
#: Customers of the sandbox bank whose accounts are linked.
PSUS = ("user_good", "user_multi_currency", "user_dinar")
POLL_INTERVAL_S = 0.2
MAX_WAIT_S = 300


def tell(house: House, console: Console) -> Comparison:
    """Do the whole job and compare the three places. Raises :class:`DidNotStart` when a step does not finish."""
    address = os.environ["NOSTRO_PUBLIC_URLS"].split(",")[0]
    bank = Bank(os.environ["NOSTRO_SANDBOX_BANK_URL"], os.environ["NOSTRO_SANDBOX_CONTROL_TOKEN"])
    console.print("\n[bold]From the bank through the Hub into the Books[/]")
    person = hub_part.ensure_person(EMAIL, PASSWORD)
    organization = hub_part.ensure_organization(person)
    truths = bank.figures(PSUS)
    for customer, of_customer in truths.items():
        linked = hub_part.ensure_linked(person, organization, customer, set(of_customer), address)
        console.print(f"  [green]✓[/] {customer}: {'linked at the bank' if linked else 'linked already'}")
    truth = {key: figures for of_customer in truths.values() for key, figures in of_customer.items()}
    total = sum(figures.count for figures in truth.values())

    accounts = hub_part.accounts(organization)
    runs = hub_part.synchronize(person, accounts)
    wait(house, console, "Bank → Hub", lambda: hub_part.progress(runs, accounts), total)

    company = books_part.ensure_company(person)
    lines_before = books_part.line_count(company)
    known = books_part.is_connected(company)
    client_id, secret = hub_part.ensure_integration(person, organization, accounts, secret_needed=not known)
    first = books_part.ensure_links(person, company, address, client_id, secret)
    console.print(f"  [green]✓[/] Books: {'one journal for each account' if first else 'linked already'}")
    fetches = books_part.fetch(person, company)
    wait(house, console, "Hub → Books", lambda: books_part.progress(fetches, company), total)

    rows = tuple(_compare(account, truth, company) for account in hub_part.accounts(organization))
    return Comparison(rows, books_part.line_count(company) - lines_before, address, EMAIL, PASSWORD)


def _compare(account: Account, truth: dict[Key, Figures], company: Company) -> AccountComparison:
    key = (account.reference, account.currency)
    return AccountComparison(
        name=f"{account} {account.reference}",
        currency=account.currency,
        bank=truth[key],
        hub=hub_part.figures(account),
        books=books_part.figures(company, *key),
    )


def wait(
    house: House, console: Console, title: str, look: Callable[[], tuple[bool, int, list[str]]], total: int
) -> None:
    """Show a bar until ``look`` says that all is done. It also tells transactions there, and refusals in words."""
    deadline = time.monotonic() + MAX_WAIT_S
    columns = (TextColumn("  {task.description:12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(title, total=total)
        while time.monotonic() < deadline:
            house.tend()
            done, transactions, refusals = look()
            progress.update(bar, completed=min(transactions, total))
            if refusals:
                raise DidNotStart(f"{title} stopped: {'; '.join(refusals)}")
            if done:
                return
            time.sleep(POLL_INTERVAL_S)
    raise DidNotStart(f"{title} did not finish within {MAX_WAIT_S} seconds. The worker's log says why.")
