"""An account whose organization hands in files, and a person who may do that."""

from __future__ import annotations

import pytest
from tests.hub.files.factories import make_account, make_member

from nostro.hub.accounts.models import Account
from nostro.people.models import User


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def user(account: Account) -> User:
    return make_member(account.organization)
