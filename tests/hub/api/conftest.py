"""An organization with accounts, a program that may read two of them, and a neighbour who may read none."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests import factories
from tests.hub.api.client import Caller, caller_for
from tests.remembered import remembered

from nostro.hub.accounts.models import Account
from nostro.hub.organizations.models import Membership


@dataclass
class Street:
    """``account`` and ``other`` are granted to ``caller``, ``hidden`` is not; the neighbour has ``foreign``."""

    owner: Membership
    account: Account
    other: Account
    hidden: Account
    caller: Caller
    foreign: Account
    neighbour: Caller


@pytest.fixture
def street(db: None) -> Street:
    return remembered("a street", make_street)


def make_street() -> Street:
    owner, neighbour = factories.membership(), factories.membership()
    account, other, hidden = (factories.account(owner.organization) for _ in range(3))
    foreign = factories.account(neighbour.organization)
    return Street(
        owner, account, other, hidden, caller_for(owner, [account, other]), foreign, caller_for(neighbour, [foreign])
    )
