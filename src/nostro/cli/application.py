"""The commands of ``./nostro``. Each only names its options; the work is in the module of the same name.

Imports are inside the functions, so that ``--help`` answers at once and a command loads only what it needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nostro.formats import Hints
    from nostro.hub.directory.routes import RouteWish

application = typer.Typer(
    name="nostro",
    help="Every bank account of a company in one place, and its books in step with them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Port = Annotated[int | None, typer.Option(help="Port of the web pages and the API. Default: 8080.")]
BankPort = Annotated[int | None, typer.Option(help="Port of the sandbox bank. Default: 8091.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]


@application.command()
def up(host: Host = "127.0.0.1", port: Port = None, bank_port: BankPort = None) -> None:
    """Start everything on this machine: PostgreSQL, web, worker and sandbox bank. Ctrl-C stops it."""
    from nostro.cli.up import run

    run(host, port, bank_port)


@application.command()
def demo(
    check: Annotated[bool, typer.Option("--check", help="Stop at the end; exit 0 only if all agree.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    port: Port = None,
    bank_port: BankPort = None,
) -> None:
    """Show the main job: transactions travel from a bank through the Hub into the Books, equal to the cent."""
    from nostro.cli.demo import run

    raise typer.Exit(run(check=check, as_json=as_json, port=port, bank_port=bank_port))


@application.command()
def web(
    host: Host = "127.0.0.1",
    port: Port = None,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    threads: Annotated[int, typer.Option(help="Threads of each process.")] = 8,
) -> None:
    """Serve the pages and the API."""
    from nostro.cli.serve import serve_web

    serve_web(host, port, workers, threads)


@application.command()
def worker(threads: Annotated[int, typer.Option(help="Jobs at the same time.")] = 8) -> None:
    """Run the jobs: synchronizations, fetches, schedules, mails."""
    from nostro.cli.serve import serve_worker

    serve_worker(threads)


@application.command()
def sandbox(
    host: Host = "127.0.0.1",
    bank_port: BankPort = None,
    seed: int = 42,
    virtual_clock: Annotated[
        bool, typer.Option("--virtual-clock", help="A clock that stands still until the control API moves it.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Want TPP certificates and signed requests.")] = False,
) -> None:
    """Run the sandbox bank, for demonstrations and tests."""
    from nostro.cli.serve import serve_sandbox

    serve_sandbox(host, bank_port, seed, virtual_clock=virtual_clock, strict=strict)


@application.command()
def listen(
    client_id: Annotated[str, typer.Argument(help="Client ID of the integration.")],
    url: Annotated[str, typer.Argument(help="Where your software listens, such as http://127.0.0.1:3000/webhooks.")],
) -> None:
    """Hand the webhooks of an integration to software on this machine while you write it."""
    from nostro.cli.listening import run

    raise typer.Exit(run(client_id, url))


bank = typer.Typer(no_args_is_help=True, help="See and set which banks can be linked.")
application.add_typer(bank, name="bank")
Bank = Annotated[str, typer.Argument(help="Its id, BIC or exact name.")]


@bank.command("list")
def list_banks(
    text: Annotated[str, typer.Argument(help="Name, BIC or bank code; without it, banks with a route.")] = "",
) -> None:
    """Search the directory, and show the routes."""
    from nostro.cli.banks import list_banks as run

    raise typer.Exit(run(text))


@bank.command("add")
def add_bank(
    name: Annotated[str, typer.Argument(help="The name that people look for.")],
    country: Annotated[str, typer.Option(help="Two letters (BE).")],
    bic: Annotated[str, typer.Option(help="8 or 11 characters, if it has one.")] = "",
) -> None:
    """List a bank that the directory does not have."""
    from nostro.cli.banks import add

    raise typer.Exit(add(name, bic, country))


@bank.command("reach")
def reach_bank(
    name: Bank,
    *,
    url: Annotated[str | None, typer.Option(help="Address of its interface, the part before /v1.")] = None,
    connector: Annotated[str, typer.Option(help="The protocol it speaks.")] = "berlin_group",
    given: Annotated[list[str] | None, typer.Option("--set", help="What differs: key=value. May be repeated.")] = None,
    unset: Annotated[list[str] | None, typer.Option(help="A key that goes back to its default.")] = None,
    consent_days: Annotated[int | None, typer.Option(help="Longest consent; 180 at first.")] = None,
    history_days: Annotated[int | None, typer.Option(help="Days of history; 730 at first.")] = None,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Whether people can link accounts by it.")] = None,
) -> None:
    """Make or change the route to a bank."""
    from nostro.cli.banks import reach, settings_of

    try:
        profile = settings_of(given or (), unset or ())
    except ValueError as error:
        typer.echo(f"✗ {error}", err=True)
        raise typer.Exit(2) from None

    def wish() -> RouteWish:
        from nostro.hub.directory.routes import RouteWish

        return RouteWish(connector, url, profile, consent_days, history_days, on)

    raise typer.Exit(reach(name, wish))


@bank.command("maintenance")
def maintain_bank(
    name: Bank,
    begins: Annotated[str, typer.Option("--from", help="Beginning, like 2026-12-24T04:00. Default: now.")] = "",
    ends: Annotated[str, typer.Option("--until", help="End. Default: until you say that it is over.")] = "",
    own: Annotated[
        bool, typer.Option("--own", help="The work is at this Hub's way to the bank, not at the bank.")
    ] = False,
    over: Annotated[bool, typer.Option("--over", help="It is over, or will not take place.")] = False,
) -> None:
    """Say that a bank is being worked on: it is not asked meanwhile, and people are told."""
    from nostro.cli.banks import end_maintenance, maintain

    if over:
        raise typer.Exit(end_maintenance(name))
    raise typer.Exit(maintain(name, begins, ends, "internal" if own else "financialInstitution"))


@bank.command("check")
def check_bank(name: Bank) -> None:
    """Ask the bank whether it lets this installation in."""
    from nostro.cli.banks import check

    raise typer.Exit(check(name))


@application.command()
def migrate() -> None:
    """Bring the database up to date, collect static files, load the directory of institutions."""
    from nostro.cli.installation import open_database, prepare_installation

    open_database()
    prepare_installation()


@application.command()
def upgrade() -> None:
    """Back the database up, bring it up to date, and say what changed. Stop Nostro before."""
    from nostro.cli.upgrading import upgrade as run

    raise typer.Exit(run())


@application.command()
def restore(file: Annotated[Path, typer.Argument(help="A backup that upgrade or restore made.")]) -> None:
    """Put a backup in the place of everything in the database, which is backed up first. Stop Nostro before."""
    from nostro.cli.upgrading import restore as run

    raise typer.Exit(run(file))


@application.command()
def doctor() -> None:
    """Check database, keys, migrations, ports, clock and worker, and explain what is wrong."""
    from nostro.cli.doctor import run

    raise typer.Exit(run())


@application.command()
def test(
    quick: Annotated[bool, typer.Option("--quick", help="Without the browser journeys.")] = False,
    coverage: Annotated[bool, typer.Option("--coverage", help="Measure branch coverage as well.")] = False,
) -> None:
    """Check format, lint, types and import rules, and run the whole test suite."""
    from nostro.cli.testing import run

    raise typer.Exit(run(quick=quick, coverage=coverage))


@application.command()
def bench(
    name: Annotated[str, typer.Argument(help="Name of the benchmark; without it, all are listed.")] = "",
    quick: Annotated[bool, typer.Option("--quick", help="Under 45 seconds.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    *,
    seeds: Annotated[int | None, typer.Option("--seeds", min=1, help="How many lives the simulation lives.")] = None,
    first: Annotated[int | None, typer.Option("--first", min=0, help="The first of these seeds.")] = None,
    books: Annotated[bool, typer.Option("--books", help="In the simulation, the Books read the hub as well.")] = False,
) -> None:
    """Measure, side by side with a peer or a physical limit in the same run."""
    from nostro.cli.benchmarks import run

    given = {"seeds": seeds, "first": first, "books": books or None}
    options = {option: value for option, value in given.items() if value is not None}
    raise typer.Exit(run(name, quick=quick, as_json=as_json, options=options))


Account = Annotated[str | None, typer.Option(help="Account number, where the file names none.")]
Currency = Annotated[str | None, typer.Option(help="Currency (EUR), where the file names none.")]
Encoding = Annotated[str | None, typer.Option(help="Encoding (cp1252), where the one found is wrong.")]
Mapping = Annotated[
    str | None, typer.Option(help="Columns of a table: a TOML file, a bank known here, or proposed.")
]  # fmt: skip
Dates = Annotated[str | None, typer.Option(help="Order of dates where the file does not tell: dmy, mdy, ymd.")]
Sheet = Annotated[str | None, typer.Option(help="Sheet of the workbook, where several hold tables.")]
Form = Annotated[str | None, typer.Option("--format", help="Format (mt940), where the content fits several.")]


@application.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A statement file of a bank, or an archive of them.")],
    account: Account = None,
    currency: Currency = None,
    encoding: Encoding = None,
    *,
    form: Form = None,
    mapping: Mapping = None,
    dates: Dates = None,
    sheet: Sheet = None,
) -> None:
    """Show what a bank file says: accounts, period, counts, its balances computed, oddities with their place."""
    from nostro.cli.inspecting import run

    raise typer.Exit(run(file, _answers(account, currency, encoding, form, mapping, dates, sheet)))


@application.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A statement file of a bank, or an archive of them.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write.")],
    *,
    to: Annotated[str, typer.Option(help="Format: camt.053, mt940, coda, ofx, csv, xlsx. Default: by the name.")] = "",
    account: Account = None,
    currency: Currency = None,
    encoding: Encoding = None,
    form: Form = None,
    mapping: Mapping = None,
    dates: Dates = None,
    sheet: Sheet = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite OUT.")] = False,
) -> None:
    """Convert a bank file into another format, and say what that format cannot hold."""
    from nostro.cli.converting import run

    hints = _answers(account, currency, encoding, form, mapping, dates, sheet)
    raise typer.Exit(run(source, target, to, hints, force=force))


def _answers(*given: str | None) -> Hints:
    from nostro.cli.bank_files import hints_of
    from nostro.formats import FormatError

    try:
        return hints_of(*given)
    except FormatError as error:
        typer.echo(f"✗ {error}", err=True)
        raise typer.Exit(2) from None


@application.command()
def export(
    account: Annotated[str, typer.Argument(help="Account number (IBAN) or id of an account of the Hub.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write.")],
    *,
    since: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD. Default: the first row's.")] = "",
    until: Annotated[str, typer.Option("--to", help="Last day, YYYY-MM-DD. Default: today.")] = "",
    form: Annotated[str, typer.Option("--format", help="Format. Default: by the name of OUT.")] = "",
    organization: Annotated[str, typer.Option(help="Its name or id, where several have the account.")] = "",
    currency: Annotated[str, typer.Option(help="Currency, where the number has several accounts.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Overwrite OUT.")] = False,
) -> None:
    """Write an account's rows of a period as CSV, XLSX, CAMT.053, MT940, OFX or CODA."""
    from nostro.cli.exporting import Wanted, run

    wanted = Wanted(account, since, until, form, organization, currency)
    raise typer.Exit(run(wanted, target, force=force))
