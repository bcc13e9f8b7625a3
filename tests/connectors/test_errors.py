"""The decision table is that of connectors.md 1.7."""

from __future__ import annotations

import copy
import datetime as dt
import pickle

import pytest

from nostro.connectors import errors
from nostro.connectors.errors import DECISIONS, AccessExceeded, ConnectorError, NotSupported, PartialData, PeriodInvalid

#: class -> category, retry, health, as written in the specification.
TABLE = {
    "ConsentExpired ConsentRevoked ConsentUnknown": ("action_required", "after_renewal", "psuActionRequired"),
    "ScaRequired PsuActionRequired": ("action_required", "attended", "psuActionRequired"),
    "CredentialsInvalid CredentialsLocked PasswordExpired": ("action_required", "never", "psuActionRequired"),
    "ScaFailed ScaTimeout ScaCancelled": ("action_required", "psu_restarts", "unchanged"),
    "AccessExceeded": ("quota", "at_until", "rateLimited"),
    "AspspUnavailable AspspTimeout": ("bank_down", "backoff", "aspspUnavailable"),
    "AspspError": ("retryable", "backoff", "unchanged"),
    "PartialData": ("data", "backoff", "degraded"),
    "PeriodInvalid": ("retryable", "smaller_window", "unchanged"),
    "NotSupported": ("retryable", "without_feature", "unchanged"),
    "AccountUnavailable": ("data", "weekly", "degraded"),
    "PaymentRequired": ("action_required", "daily", "psuActionRequired"),
    "TppConfigInvalid": ("setup", "after_operator", "disabled"),
    "TokenExpired": ("retryable", "after_refresh", "unchanged"),
    "ProtocolError": ("bug", "backoff", "degraded"),
}
ROWS = [(name, decision) for names, decision in TABLE.items() for name in names.split()]


@pytest.mark.parametrize(("name", "decision"), ROWS)
def test_each_class_decides_as_the_specification_says(name: str, decision: tuple[str, str, str]) -> None:
    error = getattr(errors, name)()
    assert (error.category, error.retry, error.health) == decision
    assert error.reason.endswith(".")
    assert error.next_action.endswith(".")


def test_the_table_and_the_classes_are_the_same_set() -> None:
    classes = {kind.__name__ for kind in ConnectorError.__subclasses__()}
    assert classes == set(DECISIONS) == {name for name, _ in ROWS}


def test_fields_of_their_own() -> None:
    until = dt.datetime(2026, 1, 5, 14, 5, tzinfo=dt.UTC)
    assert AccessExceeded(until=until, code="ACCESS_EXCEEDED").until == until
    assert PeriodInvalid(min_date=dt.date(2025, 1, 1)).min_date == dt.date(2025, 1, 1)
    assert PartialData(accounts=("a",)).accounts == ("a",)
    assert NotSupported(feature="bookingStatus=both").feature == "bookingStatus=both"


def test_own_reason_and_next_action_replace_those_of_the_table() -> None:
    error = errors.ProtocolError("Something else.", next_action="Do that.", text="bank's words", status=500)
    assert (str(error), error.next_action, error.text, error.status) == (
        "Something else.",
        "Do that.",
        "bank's words",
        500,
    )


def test_errors_survive_copying_between_processes() -> None:
    error = AccessExceeded(until=dt.datetime(2026, 1, 5, tzinfo=dt.UTC), code="X", reached_bank=False)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (twin.reason, twin.until, twin.code, twin.reached_bank) == (error.reason, error.until, "X", False)
