"""Whether a bank lets this installation in, asked without any customer."""

from __future__ import annotations

from dataclasses import dataclass

from nostro.connectors.contract import ConnectionHandle, Consent
from nostro.connectors.errors import ConnectorError, ConsentExpired, ConsentRevoked, ConsentUnknown
from nostro.hub.directory.models import Route
from nostro.hub.linking.connectors import connectors_for

#: A consent that no bank has.
_NO_CONSENT = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the bank's answer means for the operator."""

    is_good: bool
    sentence: str


def ask_for_nothing(route: Route) -> Reply:
    """Ask for the state of a consent that does not exist. A bank that says so has let the request in."""
    connector, configuration = connectors_for(route)
    try:
        connector.get_consent(ConnectionHandle(configuration, Consent(_NO_CONSENT, "valid")))
    except (ConsentUnknown, ConsentExpired, ConsentRevoked):
        return Reply(True, "The bank answers and lets this installation in.")
    except ConnectorError as error:
        code = f" (HTTP {error.status}, {error.code or 'no code'})" if error.status else ""
        return Reply(False, f"{error.reason}{code} {error.next_action}")
    return Reply(False, "The bank answered for a consent that does not exist: is the address its interface?")
