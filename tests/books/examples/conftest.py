"""A journal of the company, as every example has one."""

from __future__ import annotations

import pytest

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal
from nostro.books.journals.services import create_journal
from nostro.people.models import User


@pytest.fixture
def journal(owner: User, company: Company) -> Journal:
    return create_journal(owner, company, name="Bank", currency="EUR")
