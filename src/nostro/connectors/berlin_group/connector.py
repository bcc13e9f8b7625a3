"""The connector: one object that offers the capabilities of this folder as the contract wants them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nostro.connectors.berlin_group import accounts, authorise, balances, oauth, transactions
from nostro.connectors.berlin_group.client import Client
from nostro.connectors.berlin_group.profile import Profile
from nostro.connectors.contract import (
    AuthorisationStep,
    BookingStatusFilter,
    Clock,
    Configuration,
    ConnectionHandle,
    ConnectorInfo,
    Consent,
    ConsentRequest,
    IdentityPolicy,
    NewRequestId,
    Page,
    PsuContext,
    PsuInput,
    RawAnswer,
    Tokens,
)
from nostro.core.transactions import Account, Balance, Window
from nostro.http import Door

#: The European Economic Area, where PSD2 obliges banks to offer such an interface.
EEA = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE"),
    *("IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
)


class BerlinGroupConnector:
    """Berlin Group XS2A AIS 1.3.x with the redirect, the decoupled and the embedded approach."""

    info = ConnectorInfo(
        id="berlin_group",
        dialect="Berlin Group XS2A 1.3",
        sca_approaches=("redirect", "decoupled", "embedded"),
        unattended="yes",
        max_consent_days=180,
        history_days=90,
        pending=True,
        delta="none",
        quota="psd2",
        formats=("json", "camt.052", "camt.053", "camt.054", "mt940", "mt942"),
        licence_needed=True,
        notifications=False,
        countries=EEA,
    )
    identity = IdentityPolicy(
        account_key_fields=("iban", "bban", "masked_pan", "currency"),
        reference_fields=("entry_reference",),
        verify=True,
    )

    def __init__(self, door: Door, clock: Clock, new_request_id: NewRequestId) -> None:
        self._client = Client(door, clock, new_request_id)

    def identity_for(self, configuration: Configuration) -> IdentityPolicy:
        """``transactionId`` counts only where the bank's profile calls it stable (connectors.md 1.10)."""
        if not Profile.of(configuration).stable_transaction_ids:
            return self.identity
        return replace(self.identity, reference_fields=("entry_reference", "transaction_id"))

    def create_consent(
        self, configuration: Configuration, request: ConsentRequest, psu: PsuContext
    ) -> AuthorisationStep:
        """See :func:`nostro.connectors.berlin_group.authorise.create_consent`."""
        return authorise.create_consent(self._client, configuration, request, psu)

    def continue_authorisation(
        self, configuration: Configuration, state: Mapping[str, Any], answer: PsuInput, psu: PsuContext
    ) -> AuthorisationStep:
        """See :func:`nostro.connectors.berlin_group.authorise.continue_authorisation`."""
        return authorise.continue_authorisation(self._client, configuration, state, answer, psu)

    def get_consent(self, connection: ConnectionHandle) -> Consent:
        """The consent as the bank sees it now."""
        return authorise.get_consent(self._client, connection)

    def renew_consent(
        self, connection: ConnectionHandle, request: ConsentRequest, psu: PsuContext
    ) -> AuthorisationStep:
        """Ask for a new consent beside the old one, which goes on working until the hub revokes it."""
        return authorise.create_consent(
            self._client, connection.configuration, request, psu, access_token=connection.access_token
        )

    def refresh_tokens(self, tokens: Tokens) -> Tokens:
        """See :func:`nostro.connectors.berlin_group.oauth.refresh`."""
        return oauth.refresh(self._client, tokens)

    def revoke_consent(self, connection: ConnectionHandle) -> None:
        """End the consent at the bank; a consent that is already gone is no error."""
        authorise.revoke_consent(self._client, connection)

    def list_accounts(self, connection: ConnectionHandle, psu: PsuContext) -> tuple[Account, ...]:
        """All accounts of the consent, without multi-currency aggregates."""
        return accounts.list_accounts(self._client, connection, psu)

    def get_balances(
        self, connection: ConnectionHandle, account: Account, psu: PsuContext
    ) -> tuple[tuple[Balance, ...], RawAnswer]:
        """The balances of one account as the bank states them."""
        return balances.get_balances(self._client, connection, account, psu)

    def map_balances(self, raw: RawAnswer) -> tuple[Balance, ...]:
        """Interpret a stored answer with balances again."""
        return balances.map_balances(raw)

    def list_transactions(  # noqa: PLR0917 - the arguments of connectors.md 1.2
        self,
        connection: ConnectionHandle,
        account: Account,
        window: Window,
        booking_status: BookingStatusFilter,
        psu: PsuContext,
        next_page: str | None = None,
    ) -> Page:
        """One page; see :mod:`nostro.connectors.berlin_group.transactions`."""
        return transactions.list_transactions(self._client, connection, account, window, booking_status, psu, next_page)

    def map_transactions(self, raw: RawAnswer, window: Window) -> Page:
        """Interpret a stored page again."""
        return transactions.map_transactions(raw, window)
