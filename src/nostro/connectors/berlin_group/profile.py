"""The dialect profile: what differs between banks, as data (connectors.md 4.1).

A profile arrives as the mapping ``Configuration.profile``. Every key has a default that follows the standard, so a
bank that keeps to it needs none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from nostro.connectors.contract import Configuration
from nostro.connectors.errors import TppConfigInvalid

#: How the accounts of a consent are named: chosen by the PSU at the bank, all of them, or a list of IBANs.
ACCESS_MODELS = ("bankOffered", "allPsd2", "namedAccounts")

#: The feature name that a bank refuses with PARAMETER_NOT_SUPPORTED when it shows booked rows only.
BOOKING_STATUS_BOTH = "bookingStatus=both"
BOOKING_STATUS_PENDING = "bookingStatus=pending"

#: Read by the sync engine, for every connector alike.
_KEYS_OF_THE_ENGINE = ("frequency_per_day",)
MAX_FREQUENCY_PER_DAY = 1_000
_FLAGS = {"explicit_authorisation", "stable_transaction_ids", "mutual_tls", "sign_requests"}


@dataclass(frozen=True, slots=True)
class Profile:
    """One bank's dialect.

    ``access_models`` are tried in order. ``stable_transaction_ids`` says that ``transactionId`` identifies a row.
    ``unsupported`` are features the bank refused before, by the name of ``NotSupported.feature``; they are not asked
    for again. ``headers`` go with every request (an API key header, for example).
    ``oauth_client_id`` is the name by which the bank's OAuth server knows the operator, often the organization
    identifier of the certificate; ``oauth_metadata`` is where that server describes itself, for banks that want an
    access token before a consent and do not link to it in their refusal. ``mutual_tls`` and ``sign_requests`` say that
    the bank wants the operator's certificates: one for the connection, one for each request.
    """

    access_models: tuple[str, ...] = ACCESS_MODELS
    explicit_authorisation: bool = False
    stable_transaction_ids: bool = False
    unsupported: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    oauth_client_id: str = "nostro"
    oauth_metadata: str = ""
    mutual_tls: bool = False
    sign_requests: bool = False

    @classmethod
    def of(cls, configuration: Configuration) -> Profile:
        """Read a profile. Keys of other connectors' making are left alone; wrong values are the operator's to fix."""
        given = configuration.profile
        values: dict[str, Any] = {}
        for known in fields(cls):
            if known.name in given:
                values[known.name] = _checked(known.name, given[known.name])
        profile = cls(**values)
        if not profile.access_models or not set(profile.access_models) <= set(ACCESS_MODELS):
            raise TppConfigInvalid(f"The profile of {configuration.aspsp} names an unknown access model.")
        return profile


def check(profile: Mapping[str, Any]) -> None:
    """Raises ``ValueError`` with a sentence for a key that nobody reads or a wrong value."""
    known = {*(each.name for each in fields(Profile)), *_KEYS_OF_THE_ENGINE}
    if unknown := sorted(set(profile) - known):
        raise ValueError(f"The profile has no {', '.join(unknown)}. It has: {', '.join(sorted(known))}.")
    places = profile.get("frequency_per_day", 1)
    if not isinstance(places, int) or isinstance(places, bool) or not 1 <= places <= MAX_FREQUENCY_PER_DAY:
        raise ValueError(f"frequency_per_day must be a number from 1 to {MAX_FREQUENCY_PER_DAY}.")
    try:
        Profile.of(Configuration("", "the bank", profile))
    except TppConfigInvalid as error:
        raise ValueError(error.reason) from None


def _checked(name: str, value: Any) -> Any:
    if name in {"access_models", "unsupported"} and isinstance(value, list | tuple):
        return tuple(str(item) for item in value)
    if name in _FLAGS and isinstance(value, bool):
        return value
    if name in {"oauth_client_id", "oauth_metadata"} and isinstance(value, str):
        return value
    if name == "headers" and isinstance(value, Mapping):
        return {str(key): str(item) for key, item in value.items()}
    raise TppConfigInvalid(f"The dialect profile has a wrong value for {name!r}.")
