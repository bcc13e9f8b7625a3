"""Programs that talk to the API of the Books, and a linked account for them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from tests.books.conftest import NOW
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub
from tests.books.pages.files import journal_file
from tests.books.steps import fetch, linked
from tests.books.test_ledger_drafts import FACTS, misc_of

from nostro.books.api.tokens import create_token
from nostro.books.companies.members import invite
from nostro.books.companies.models import Company, CompanyMember
from nostro.books.journals.models import Line, PendingLine, Statement
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.drafts import make_draft
from nostro.books.ledger.misc import post_misc
from nostro.books.ledger.models import Document, Purpose
from nostro.books.links.models import JournalLink, Run
from nostro.books.reconcile.models import LearnedRule, Rule
from nostro.books.reconcile.payments import order_payments
from nostro.books.reconcile.services import reconcile_with_account
from nostro.people.models import User

Ask = Callable[..., tuple[int, Any]]


def asking(token: str) -> Ask:
    """A program with a token."""

    def ask(
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        content_type: str = "application/json",
        **headers: str,
    ) -> tuple[int, Any]:
        content = raw if raw is not None else json.dumps({"data": {"attributes": body}}) if body is not None else ""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        response = Client().generic(
            method, f"/books/api/{path}", content, content_type=content_type,
            headers={"Authorization": f"Bearer {token}", **named},
        )  # fmt: skip
        return response.status_code, json.loads(response.content, parse_float=Decimal)

    return ask


@pytest.fixture
def link(owner: User, company: Company, hub: ScriptedHub) -> JournalLink:
    hub.accounts = [ScriptedAccount(transactions=[
        Booked("c", "2026-11-11", "-50.10"), Booked("b", "2026-11-10", "121.00"), Booked("a", "2026-11-09", "7.00"),
    ], pending=[Booked("p", "2026-11-12", "-3.00")])]  # fmt: skip
    link = linked(owner, company, hub)
    fetch(link)
    return link


@pytest.fixture
def ask(owner: User, company: Company) -> Ask:
    return asking(create_token(owner, company, name="Test", now=NOW)[1])


@pytest.fixture
def keys(owner: User, company: Company, link: JournalLink, ask: Ask) -> dict[str, uuid.UUID]:
    """An id for the first part of each path."""
    line = Line.objects.get(amount=7)
    group = reconcile_with_account(owner, line.id, account_for(company, Purpose.SALES).id, now=NOW)
    ask("POST", "documents", {"kind": "invoice", "partnerName": "A", "number": "1", "date": "2026-11-01", "amount": 5})
    ask("POST", "documents", {"kind": "bill", "partnerName": "B", "number": "1", "date": "2026-11-01", "amount": 9})
    invitation, _secret = invite(owner, company, email="asked@example.test", role="reader", now=NOW)
    learned = LearnedRule.objects.create(
        company=company, journal_id=link.journal_id, words="MONTHLY PACKAGE", definition={}, line_ids=[], simulation={},
        account=account_for(company, Purpose.SALES), created_at=NOW,
    )  # fmt: skip
    return {
        "connections": link.online_account.connection_id, "links": link.id, "online-accounts": link.online_account_id,
        "fetches": Run.objects.get().id, "journals": link.journal_id, "lines": line.id, "matches": group.id,
        "statements": Statement.objects.get().id, "documents": Document.objects.get(kind="invoice").id,
        "pending-lines": PendingLine.objects.get().id, "invitations": invitation.id, "learned-rules": learned.id,
        "payments": order_payments(
            owner, link.journal_id, {Document.objects.get(kind="bill").open_item_id: None}, date=NOW.date(), now=NOW
        )[0].id,
        "members": CompanyMember.objects.get(company=company, user=owner).id,
        "bank-files": journal_file(owner, link.journal).id,
        "drafts": make_draft(owner, company, FACTS).id, "entries": post_misc(owner, company, misc_of(company)).id,
        "partners": Document.objects.get(kind="bill").partner_id,
        "rules": Rule.objects.filter(company=company).first().id,  # type: ignore[union-attr]
    }  # fmt: skip
