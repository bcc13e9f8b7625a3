"""What people do with connections: link, continue, choose accounts, renew, cancel, disconnect (connectors.md 1.3).

No verb asks a bank while a transaction is open: first what is asked is prepared, then the bank answers, then the
answer is written in one transaction. Whatever goes wrong in between leaves nothing half done: a connection is visible
only once its accounts are chosen, and a renewal leaves the old consent in use until the new one works.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import get_language

from nostro.connectors.contract import (
    UNATTENDED,
    AuthorisationStep,
    Connector,
    ConsentRequest,
    Failed,
    Finished,
    PsuContext,
    PsuInput,
)
from nostro.connectors.errors import ConnectorError, ScaTimeout
from nostro.connectors.registry import connector_names
from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import accounts_of_connection
from nostro.hub.accounts.services import remove_accounts_of_connection, select_accounts
from nostro.hub.billing.queries import billing_is_complete
from nostro.hub.directory.maintenance import maintenance_now
from nostro.hub.directory.models import Institution, Route
from nostro.hub.linking import problems
from nostro.hub.linking.connectors import connectors_for
from nostro.hub.linking.consents import connection_handle, current_consent, end_at_bank, set_consent_status
from nostro.hub.linking.displaced import end_displaced
from nostro.hub.linking.health import set_connection_health
from nostro.hub.linking.identity import decide
from nostro.hub.linking.models import Authorisation, Connection, Consent, Health
from nostro.hub.linking.outcomes import bank_problem, close, fail, finish, withdraw
from nostro.hub.linking.psu_id import keep_psu_id, psu_id_of
from nostro.hub.linking.queries import access_authorisation, access_connection, authorisations
from nostro.hub.linking.signals import accounts_chosen
from nostro.hub.linking.states import checksum, new_handle, put_step
from nostro.hub.linking.walking import ask_bank, asked_just_now, require_open, save_step
from nostro.hub.organizations.models import Organization, Role
from nostro.hub.organizations.queries import access_organization
from nostro.people import audit
from nostro.people.models import User
from nostro.web.errors import NotFound

__all__ = [
    "cancel_authorisation",
    "choose_accounts",
    "connection_handle",
    "connectors_for",
    "continue_authorisation",
    "disconnect",
    "expire_authorisations",
    "set_connection_health",
    "set_consent_status",
    "start_link",
    "start_renewal",
]

Step = tuple[Authorisation, AuthorisationStep]

NOTHING_DECIDED: Mapping[uuid.UUID, uuid.UUID | None] = {}

#: What law allows without the person, a day (connectors.md 1.12).
FREQUENCY_PER_DAY = 4
#: One pass of the housekeeping; the next one takes the rest.
MAX_EXPIRED_AT_ONCE = 100


def start_link(
    user: User,
    organization: Organization,
    institution: Institution,
    *,
    is_sandbox: bool,
    psu: PsuContext,
    now: datetime,
    psu_type: Literal["personal", "business"] = "business",
    psu_id: str = "",
) -> Step:
    """Ask the bank for a consent; the step says what the person does next, ``Finished`` that accounts can be chosen.

    ``psu_id`` is the name of the person's login at the bank, where the bank wants to know it beforehand.
    Raises NotFound, Forbidden (administrators may), and Problem ``billingIncomplete``, ``wrongMode``, ``noRoute``,
    ``bankInMaintenance``, or with the bank's code where the bank refuses or cannot be reached; nothing is stored then.
    """
    organization = access_organization(user, organization.pk, role=Role.ADMIN)
    if institution.is_sandbox != is_sandbox:
        raise problems.wrong_mode(institution.name)
    _require_billing(organization, is_sandbox)
    route = _route(institution)
    _require_no_maintenance(institution, now)
    connection = Connection(
        organization=organization,
        institution=institution,
        route=route,
        is_sandbox=is_sandbox,
        psu_type=psu_type,
        created_by=user,
        created_at=now,
    )
    keep_psu_id(connection, psu_id)
    connector, configuration = connectors_for(route, lambda: now)
    handle = new_handle()
    request = _consent_request(connection, connector, handle, now)
    step = _ask_for_consent(lambda: connector.create_consent(configuration, request, psu))
    return _open_authorisation(connection, user, "link", handle, step, psu, now)


def start_renewal(user: User, connection_id: uuid.UUID, psu: PsuContext, now: datetime) -> Step:
    """Ask the bank for a new consent; the present one stays in use until the new one is valid.

    An earlier renewal that is still open is cancelled. Raises as :func:`start_link`.
    """
    connection = access_connection(user, connection_id, role=Role.ADMIN)
    _require_no_maintenance(connection.institution, now)
    connector, configuration = connectors_for(connection.route, lambda: now)
    handle = new_handle()
    request = _consent_request(connection, connector, handle, now)
    if current_consent(connection) is None:
        step = _ask_for_consent(lambda: connector.create_consent(configuration, request, psu))
    else:
        present = connection_handle(connection, lambda: now)
        step = _ask_for_consent(lambda: connector.renew_consent(present, request, psu))
    return _open_authorisation(connection, user, "renew", handle, step, psu, now)


def continue_authorisation(
    user: User,
    *,
    answer: PsuInput,
    psu: PsuContext,
    now: datetime,
    state_token: str | None = None,
    authorisation_id: uuid.UUID | None = None,
) -> Step:
    """Go on with what came back from the person; a callback proves nothing, so the connector asks the bank.

    ``Failed`` means that the authorisation has ended and says why. Raises Problem where this answer cannot be taken:
    ``stateUnknown``, ``stateOfSomebodyElse``, ``stateUsed``, ``stateExpired``, ``stateInUse``; or with the bank's
    code where the bank could not be asked: then the same answer may be given again.
    """
    authorisation = _find(user, state_token, authorisation_id)
    if authorisation.status in {"open", "working"} and authorisation.expires_at <= now:
        _expire(authorisation, now)
    require_open(authorisation, now)
    shown = asked_just_now(authorisation, answer, now)
    if shown is not None:
        return authorisation, shown
    connector, configuration = connectors_for(authorisation.connection.route, lambda: now)
    step = ask_bank(
        authorisation, now, lambda state: connector.continue_authorisation(configuration, state, answer, psu)
    )  # fmt: skip
    return authorisation, _take_step(authorisation, step, psu, now)


def choose_accounts(
    user: User,
    authorisation_id: uuid.UUID,
    account_ids: Collection[uuid.UUID],
    now: datetime,
    psu: PsuContext = UNATTENDED,
    *,
    same_as: Mapping[uuid.UUID, uuid.UUID | None] = NOTHING_DECIDED,
) -> list[Account]:
    """Make the chosen accounts part of the organization and start their first import.

    ``same_as`` answers what ``identity.renewal_questions`` asks: None for a new account, or the known one it is.

    An earlier connection whose accounts have all gone over to this one is ended.
    Raises Problem ``accountsMissing``, ``accountUnknown``, ``identityUndecided``, ``accountsChosen`` (a second
    click), ``stateExpired``,
    ``billingIncomplete``.
    """
    authorisation = access_authorisation(user, authorisation_id)
    connection = authorisation.connection
    _require_billing(authorisation.organization, connection.is_sandbox)
    chosen = set(account_ids)
    if not chosen and not any(same_as.values()):
        raise problems.nothing_chosen()
    with transaction.atomic():
        connection = Connection.objects.select_for_update(of=("self",)).get(pk=connection.pk)
        open_now = Authorisation.objects.filter(pk=authorisation.pk, status="choosing", expires_at__gt=now)
        if connection.removed_at or not open_now.update(status="finished", ended_at=now):
            authorisation.refresh_from_db(fields=["status"])
            raise problems.already_chosen() if authorisation.status == "finished" else problems.expired()
        joined = decide(connection, same_as, user, now) if authorisation.purpose == "renew" else {}
        chosen = (chosen - joined.keys()) | {account.pk for account in joined.values()}
        offered = list(accounts_of_connection(connection))
        if not chosen <= {account.pk for account in offered}:
            raise problems.unknown_account()
        accounts = select_accounts(offered, chosen, now)
        connection.linked_at = connection.linked_at or now
        connection.save(update_fields=["linked_at"])
        set_connection_health(connection, Health.ACTIVE, consecutive_failures=0, now=now)
        audit.record(
            tenant_id=connection.organization_id,
            actor=user,
            action="connection.linked" if authorisation.purpose == "link" else "connection.accounts_chosen",
            obj=connection,
            sentence=f"Chose {len(accounts)} of {len(offered)} accounts at {connection.institution.name}.",
            after={"accounts": sorted(str(account.pk) for account in accounts)},
        )
        accounts_chosen.send(Connection, accounts=accounts, user=user, psu=psu, now=now)
        ended = end_displaced(authorisation, now)
    for displaced, consent in ended:
        end_at_bank(displaced, consent, now)
    return accounts


def cancel_authorisation(user: User, authorisation_id: uuid.UUID, now: datetime) -> None:
    """Give up an authorisation; cancelling one that has ended already changes nothing.

    A link leaves nothing behind, and a consent that was granted already is given back to the bank. A renewal leaves
    whichever consent is current in use.
    """
    _give_up(access_authorisation(user, authorisation_id), "cancelled", now)


def disconnect(user: User, connection_id: uuid.UUID, now: datetime) -> None:
    """End a connection: its accounts are no longer read and the consent is given back; what was read stays.

    Ending it a second time changes nothing.
    """
    connection = access_connection(user, connection_id, role=Role.ADMIN, with_removed=True)
    with transaction.atomic():
        connection = Connection.objects.select_for_update(of=("self",)).get(pk=connection.pk)
        if connection.removed_at:
            return
        connection.removed_at = now
        connection.save(update_fields=["removed_at"])
        set_connection_health(connection, Health.DISABLED, code="disconnected", reason="Disconnected.", now=now)
        consent = current_consent(connection)
        Consent.objects.filter(connection=connection, is_current=True).update(is_current=False, ended_at=now)
        Authorisation.objects.filter(connection=connection, status__in=["open", "working", "choosing"]).update(
            status="cancelled", sealed_state=None, sealed_shown=None, ended_at=now
        )
        remove_accounts_of_connection(connection.pk, now)
        audit.record(
            tenant_id=connection.organization_id,
            actor=user,
            action="connection.disconnected",
            obj=connection,
            sentence=f"Disconnected {connection.institution.name}.",
        )
    if consent is not None and consent.status == "valid":
        end_at_bank(connection, consent, now)


def expire_authorisations(now: datetime) -> int:
    """Housekeeping: end authorisations whose time has run out, so that abandoned ones leave nothing behind."""
    abandoned = authorisations().filter(status__in=["open", "working", "choosing"], expires_at__lte=now)
    found = list(abandoned.order_by("expires_at")[:MAX_EXPIRED_AT_ONCE])
    for authorisation in found:
        _give_up(authorisation, "expired", now)
    return len(found)


# --- how it is done


def _require_billing(organization: Organization, is_sandbox: bool) -> None:
    if not is_sandbox and not billing_is_complete(organization):
        raise problems.billing_incomplete()


def _route(institution: Institution) -> Route:
    usable = Route.objects.filter(institution=institution, enabled=True, connector__in=connector_names())
    route = usable.select_related("institution").order_by("-recommended", "id").first()
    if route is None or institution.deprecated:
        raise problems.no_route(institution.name)
    return route


def _require_no_maintenance(institution: Institution, now: datetime) -> None:
    if maintenance_now(institution, now) is not None:
        raise problems.in_maintenance(institution.name)


def _consent_request(connection: Connection, connector: Connector, handle: str, now: datetime) -> ConsentRequest:
    """The longest validity that the route allows; what was granted is read back (connectors.md 1.11 point 6)."""
    days = min(connection.route.consent_days, connector.info.max_consent_days)
    back = settings.PUBLIC_URL + reverse("hub:link_return")
    return ConsentRequest(
        psu_type="personal" if connection.psu_type == "personal" else "business",
        valid_until=now.date() + timedelta(days=days),
        frequency_per_day=FREQUENCY_PER_DAY,
        redirect_uri=back,
        nok_redirect_uri=f"{back}?nok=1",
        state=handle,
        language=(get_language() or "en")[:2],
        psu_id=psu_id_of(connection) or None,
        oauth_secret=new_handle(),
    )


def _ask_for_consent(ask: Callable[[], AuthorisationStep]) -> AuthorisationStep:
    what = "The bank did not accept the request."
    try:
        step = ask()
    except ConnectorError as error:
        raise bank_problem(error, what) from error
    if isinstance(step, Failed):
        raise bank_problem(step.error, what) from step.error
    return step


def _open_authorisation(  # noqa: PLR0917 - all that is known about the walk so far
    connection: Connection,
    user: User,
    purpose: Literal["link", "renew"],
    handle: str,
    step: AuthorisationStep,
    psu: PsuContext,
    now: datetime,
) -> Step:
    """Store the walk that the bank has begun; for a renewal, in the place of an earlier one."""
    authorisation = Authorisation(
        organization=connection.organization,
        connection=connection,
        user=user,
        purpose=purpose,
        state_checksum=checksum(handle),
        step=type(step).__name__,
        status="working",
        created_at=now,
        expires_at=now,
    )
    if not isinstance(step, Finished | Failed):
        put_step(authorisation, step, now)
    with transaction.atomic():
        if purpose == "link":
            connection.save(force_insert=True)
        else:
            Connection.objects.select_for_update(of=("self",)).get(pk=connection.pk)
            Authorisation.objects.filter(connection=connection, status__in=["open", "working"]).update(
                status="cancelled", sealed_state=None, sealed_shown=None, ended_at=now
            )
        authorisation.save(force_insert=True)
    if isinstance(step, Finished):
        return authorisation, finish(authorisation, step, psu, now)
    return authorisation, step


def _find(user: User, state_token: str | None, authorisation_id: uuid.UUID | None) -> Authorisation:
    if state_token is None:
        assert authorisation_id is not None, "an authorisation is named by its state or by its id"
        return access_authorisation(user, authorisation_id)
    # A connector that leads to the bank twice numbers the handle (``ConsentRequest.state``).
    handle = state_token.partition(".")[0]
    authorisation = authorisations().filter(state_checksum=checksum(handle)).first()
    if authorisation is None:
        raise problems.unknown_state()
    if authorisation.user_id != user.pk:
        raise problems.of_somebody_else()
    try:
        access_organization(user, authorisation.organization_id, role=Role.ADMIN)
    except NotFound:
        raise problems.unknown_state() from None
    return authorisation


def _take_step(
    authorisation: Authorisation, step: AuthorisationStep, psu: PsuContext, now: datetime
) -> AuthorisationStep:
    if isinstance(step, Finished):
        return finish(authorisation, step, psu, now)
    if isinstance(step, Failed):
        fail(authorisation, step.error, now)
        return step
    put_step(authorisation, step, now)
    save_step(authorisation)
    return step


def _give_up(authorisation: Authorisation, status: Literal["cancelled", "expired"], now: datetime) -> None:
    consent: Consent | None = None
    with transaction.atomic():
        Connection.objects.select_for_update(of=("self",)).get(pk=authorisation.connection_id)
        authorisation.refresh_from_db(fields=["status", "step_number"])
        if authorisation.status not in {"open", "working", "choosing"}:
            return
        if authorisation.status != "choosing":
            # Who does not confirm in the app in time is told what a bank would call it.
            waited = status == "expired" and authorisation.step == "Decoupled"
            error = ScaTimeout(reached_bank=False) if waited else None
            close(authorisation, status, now, code="ScaTimeout" if error else "", reason=error.reason if error else "")
        elif authorisation.purpose == "renew":
            # The renewed consent is current already; only the choice of further accounts is given up.
            Authorisation.objects.filter(pk=authorisation.pk).update(status="finished", ended_at=now)
        else:
            consent = withdraw(authorisation, status, now)
    if consent is not None:
        end_at_bank(authorisation.connection, consent, now)


def _expire(authorisation: Authorisation, now: datetime) -> None:
    _give_up(authorisation, "expired", now)
    authorisation.refresh_from_db(fields=["status"])
