"""``nostro bank``: which banks can be linked, for whoever runs the installation (docs/operator/banks.md)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console

from nostro.cli.installation import console, open_database, set_up_django

if TYPE_CHECKING:
    from nostro.hub.directory.models import Institution, Route
    from nostro.hub.directory.routes import RouteWish

MAX_SHOWN = 100
output = Console()


def _told(work: Callable[[], int]) -> int:
    """Run it with a database; a problem is told in words. Returns the exit status."""
    open_database()
    set_up_django()
    from nostro.web.errors import Problem

    try:
        return work()
    except Problem as problem:
        console.print(f"✗ {problem.what}", markup=False, soft_wrap=True)
        if problem.what_to_do:
            console.print(f"  → {problem.what_to_do}", markup=False, soft_wrap=True)
        return 2


def list_banks(text: str) -> int:
    """Print the banks that match, or all that have a route."""
    return _told(lambda: _list(text))


def _list(text: str) -> int:
    from nostro.hub.directory.models import Institution
    from nostro.hub.directory.queries import search

    with_route = Institution.objects.filter(routes__isnull=False).distinct().order_by("folded_name")
    found = search(text, limit=MAX_SHOWN) if text else list(with_route[:MAX_SHOWN])
    for bank in found:
        output.print(f"{bank.pk}  {bank.bic:11}  {bank.country:2}  {bank.name}", markup=False, soft_wrap=True)
        for route in bank.routes.order_by("-recommended", "id"):
            off = "" if route.enabled else " (off)"
            output.print(f"    {route.connector} at {route.base_url}{off}", markup=False, soft_wrap=True)
        if bank.maintenance_type:
            output.print(f"    maintenance {_in_words(bank)}", markup=False, soft_wrap=True)
    if not found:
        output.print("No bank matches." if text else "No bank has a route yet.")
    return 0


def add(name: str, bic: str, country: str) -> int:
    """List a bank that the directory does not have."""

    def work() -> int:
        from nostro.hub.directory.routes import add_institution

        bank, is_new = add_institution(name, bic, country)
        output.print(f"{bank.pk} {bank.name}{'' if is_new else ' was listed before'}", markup=False, soft_wrap=True)
        return 0

    return _told(work)


def reach(bank: str, wish: Callable[[], RouteWish]) -> int:
    """Make or change the route to a bank and print it."""

    def work() -> int:
        from nostro.hub.directory.routes import find_institution, set_route

        route, is_new = set_route(find_institution(bank), wish())
        _print_route(route, "New route" if is_new else "Route")
        return 0

    return _told(work)


def maintain(bank: str, begins: str, ends: str, kind: str) -> int:
    """Announce maintenance of a bank. Empty times: from now on, until further notice."""

    def work() -> int:
        from django.utils import timezone

        from nostro.hub.directory.maintenance import KINDS, Maintenance, set_maintenance
        from nostro.hub.directory.routes import find_institution

        found = find_institution(bank, test_banks=True)
        wanted = next(each for each in KINDS if each == kind)
        set_maintenance(found, Maintenance(wanted, _moment(begins), _moment(ends)), timezone.now())
        output.print(f"{found.name}: maintenance {_in_words(found)}", markup=False, soft_wrap=True)
        return 0

    return _told(work)


def end_maintenance(bank: str) -> int:
    """Say that a bank may be asked again."""

    def work() -> int:
        from nostro.hub.directory.maintenance import end_maintenance as end
        from nostro.hub.directory.routes import find_institution

        found = find_institution(bank, test_banks=True)
        end(found)
        output.print(f"{found.name}: no maintenance", markup=False, soft_wrap=True)
        return 0

    return _told(work)


def _moment(text: str) -> dt.datetime | None:
    """ISO 8601; without an offset in the time zone of this installation."""
    from django.utils import timezone

    from nostro.web.errors import Problem

    if not text:
        return None
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise Problem(
            f"{text!r} is no date and time.", what_to_do="Write it like 2026-12-24T06:00.", code="maintenanceInvalid"
        ) from None
    return found if found.tzinfo else timezone.make_aware(found)


def _in_words(bank: Institution) -> str:
    from django.utils import timezone

    def at(moment: dt.datetime | None, otherwise: str) -> str:
        return timezone.localtime(moment).isoformat(" ", "minutes") if moment else otherwise

    begins, ends = at(bank.maintenance_from, "now"), at(bank.maintenance_to, "you say that it is over")
    return f"from {begins} until {ends} ({bank.maintenance_type})"


def settings_of(given: Sequence[str], unset: Sequence[str]) -> dict[str, Any]:
    """Keys and values of a profile: ``key=value``, the value JSON or plain text. Raises ``ValueError``."""
    found: dict[str, Any] = dict.fromkeys(unset)
    for item in given:
        key, equals, text = item.partition("=")
        if not key or not equals:
            raise ValueError(f"{item!r} is not of the form key=value")
        try:
            found[key] = json.loads(text)
        except ValueError:
            found[key] = text
    return found


def _print_route(route: Route, title: str) -> None:
    output.print(
        f"{title} to {route.institution.name}: {route.connector} at {route.base_url}", markup=False, soft_wrap=True
    )
    output.print(
        f"  consent {route.consent_days} days, history {route.history_days} days", markup=False, soft_wrap=True
    )
    for key, value in sorted(route.profile.items()):
        output.print(f"  {key} = {json.dumps(value)}", markup=False, soft_wrap=True)
    if not route.enabled:
        output.print("  It is off: nobody can link accounts by it.", markup=False, soft_wrap=True)


def check(bank: str) -> int:
    """Ask the bank for a consent that does not exist: its refusal tells whether it knows this installation."""
    return _told(lambda: _check(bank))


def _check(bank: str) -> int:
    from nostro.hub.directory.models import Route
    from nostro.hub.directory.routes import find_institution
    from nostro.hub.linking.checking import ask_for_nothing

    institution = find_institution(bank)
    worst = 0
    for route in Route.objects.filter(institution=institution).select_related("institution").order_by("id"):
        _print_route(route, "Route")
        answer = ask_for_nothing(route)
        output.print(f"{'✓' if answer.is_good else '✗'} {answer.sentence}", markup=False, soft_wrap=True)
        worst = max(worst, int(not answer.is_good))
    return worst
