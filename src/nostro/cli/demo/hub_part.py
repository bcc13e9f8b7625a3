"""The Hub's side of the demonstration, through the same verbs that the pages use."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

from allauth.account.models import EmailAddress
from django.db.models import Count, Sum
from django.urls import reverse

from nostro.cli.demo.bank import Key
from nostro.cli.demo.bank_walk import approve
from nostro.cli.demo.comparison import Figures
from nostro.cli.processes import DidNotStart
from nostro.connectors.contract import Failed, PsuContext, PsuInput, Redirect
from nostro.hub.accounts.models import Account, Transaction
from nostro.hub.accounts.queries import accounts_of, accounts_of_connection
from nostro.hub.directory.queries import search
from nostro.hub.integrations.queries import integrations_of
from nostro.hub.integrations.services import create_integration, regenerate_secret, set_accounts
from nostro.hub.linking.services import choose_accounts, continue_authorisation, start_link
from nostro.hub.organizations.models import Organization
from nostro.hub.organizations.queries import organizations_of
from nostro.hub.organizations.services import create_organization
from nostro.hub.sync.models import Synchronization
from nostro.hub.sync.services import request_synchronization
from nostro.people.models import User

ORGANIZATION = "Atelier Nostro"
INTEGRATION = "Books of Atelier Nostro"


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def psu() -> PsuContext:
    """The person at this keyboard."""
    return PsuContext(present=True, ip="127.0.0.1", user_agent="nostro demo", observed_at=now())


def ensure_person(email: str, password: str) -> User:
    """The demonstration's person, with a confirmed e-mail address."""
    person = User.objects.filter(email__iexact=email).first()
    if person is None:
        person = User.objects.create_user(email, password, first_name="Demo")
    EmailAddress.objects.get_or_create(user=person, email=email, defaults={"verified": True, "primary": True})
    return person


def ensure_organization(person: User) -> Organization:
    found = organizations_of(person)
    return found[0] if found else create_organization(person, name=ORGANIZATION, country="BE", now=now())


def accounts(organization: Organization) -> list[Account]:
    """The sandbox accounts of the demonstration."""
    return accounts_of(organization, is_sandbox=True)


def ensure_linked(person: User, organization: Organization, customer: str, keys: set[Key], address: str) -> bool:
    """Link the bank's customer unless all of their accounts are here; returns whether anything was done."""
    if keys <= {(account.reference, account.currency) for account in accounts(organization)}:
        return False
    bank = search("", sandbox=True)[0]
    authorisation, step = start_link(person, organization, bank, is_sandbox=True, psu=psu(), now=now())
    if not isinstance(step, Redirect):
        raise DidNotStart(f"The sandbox bank refused the consent: {_reason(step)}")
    returned = approve(step.url, customer, address + reverse("hub:link_return"))
    answer = PsuInput("callback", dict(parse_qsl(urlsplit(returned).query)))
    authorisation, step = continue_authorisation(
        person, state_token=answer.values["state"], answer=answer, psu=psu(), now=now()
    )
    if isinstance(step, Failed):
        raise DidNotStart(f"The sandbox bank did not give its consent: {_reason(step)}")
    offered = accounts_of_connection(authorisation.connection)
    choose_accounts(person, authorisation.id, [account.id for account in offered], now=now(), psu=psu())
    return True


def synchronize(person: User, found: Sequence[Account]) -> list[uuid.UUID]:
    """Ask for a synchronization of each account, joining those under way; returns the runs."""
    return [request_synchronization(each, trigger="person", now=now(), user=person, psu=psu()).id for each in found]


def progress(runs: Sequence[uuid.UUID], found: Sequence[Account]) -> tuple[bool, int, list[str]]:
    """Whether all runs ended, transactions stored, and what went wrong in words."""
    rows = list(Synchronization.objects.filter(id__in=runs))
    refusals = [str(error.get("detail")) for row in rows if row.status == "error" for error in row.errors]
    stored = Transaction.objects.filter(account__in=found, removed_at=None).count()
    return all(row.status == "success" for row in rows), stored, refusals


def ensure_integration(
    person: User, organization: Organization, found: Sequence[Account], *, secret_needed: bool
) -> tuple[str, str]:
    """Client ID and Secret ID; the secret is empty when the Books have it already."""
    ids = [account.id for account in found]
    existing = next((each for each in integrations_of(organization, True) if each.name == INTEGRATION), None)
    if existing is None:
        integration, secret = create_integration(
            person, organization, name=INTEGRATION, account_ids=ids, is_sandbox=True, now=now()
        )
        return integration.client_id, secret
    set_accounts(person, existing.id, ids, now())
    return existing.client_id, regenerate_secret(person, existing.id, now()) if secret_needed else ""


def figures(account: Account) -> Figures:
    """Booked transactions, their sum, and the balance of the account in the Hub."""
    rows = Transaction.objects.filter(account=account, removed_at=None)
    sums = rows.aggregate(count=Count("id"), total=Sum("amount"))
    account.refresh_from_db()
    return Figures(sums["count"], sums["total"] or Decimal(0), account.current_balance or Decimal(0))


def _reason(step: object) -> str:
    return step.error.reason if isinstance(step, Failed) else f"an unexpected step {type(step).__name__}"
