"""Inviting, joining, roles: a company keeps an owner, and nobody helps themselves (books.md 14.5)."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob
from tests.books.conftest import NOW
from tests.books.pages.conftest import signed_in

from nostro.books.companies.members import accept, change_role, find_invitation, invite, remove
from nostro.books.companies.models import Company, CompanyInvitation, CompanyMember, Role
from nostro.books.companies.tasks import send_invitation
from nostro.people.models import User
from nostro.web.errors import Forbidden, NotFound, Problem


def test_a_person_is_invited_joins_once_and_gets_another_role(
    company: Company, browser: Client, stranger: User
) -> None:
    url = reverse("books:members", args=[company.id])
    assert browser.post(url, {"email": "Stranger@example.test", "role": "clerk"}).status_code == 302
    job = ProcrastinateJob.objects.get(task_name="books.send_invitation")
    send_invitation(**job.args)
    found = re.search(r"/books/invitations/[\w-]+/", str(mail.outbox[0].body))
    assert found

    theirs = signed_in(stranger)
    assert theirs.get(found[0]).status_code == 200
    assert not CompanyMember.objects.filter(user=stranger).exists()
    assert theirs.post(found[0]).status_code == 302
    member = CompanyMember.objects.get(user=stranger)
    assert member.role == Role.CLERK
    assert theirs.post(found[0]).status_code == 400
    assert theirs.post(url, {"email": "x@example.test", "role": "owner"}).status_code == 403
    assert browser.post(reverse("books:change_member", args=[member.id]), {"role": "accountant"}).status_code == 302
    member.refresh_from_db()
    assert member.role == Role.ACCOUNTANT
    assert browser.post(reverse("books:change_member", args=[member.id]), {"do": "remove"}).status_code == 302
    assert theirs.get(url).status_code == 404


def test_the_last_owner_stays(owner: User, company: Company, stranger: User) -> None:
    mine = CompanyMember.objects.get(user=owner)
    with pytest.raises(Problem, match="needs an owner"):
        change_role(owner, mine.id, "reader")
    with pytest.raises(Problem, match="needs an owner"):
        remove(owner, mine.id)
    CompanyMember.objects.create(company=company, user=stranger, role=Role.OWNER)
    assert change_role(owner, mine.id, "reader").role == Role.READER
    with pytest.raises(Forbidden):
        change_role(owner, mine.id, "owner")


def test_only_the_invited_address_joins(owner: User, company: Company, stranger: User) -> None:
    _first, old = invite(owner, company, email="somebody@example.test", role="reader", now=NOW)
    _second, secret = invite(owner, company, email="somebody@example.test", role="clerk", now=NOW)

    assert CompanyInvitation.objects.get().role == Role.CLERK
    with pytest.raises(Problem):
        find_invitation(old, now=NOW)
    with pytest.raises(Forbidden):
        accept(stranger, secret, now=NOW)
    with pytest.raises(NotFound):
        invite(stranger, company, email="stranger@example.test", role="owner", now=NOW)


@pytest.mark.parametrize(
    ("email", "role", "code"),
    [("nobody", "reader", "emailInvalid"), ("a@example.test", "king", "roleUnknown"),
     ("OWNER@example.test", "reader", "alreadyMember")],
)  # fmt: skip
def test_wrong_input_is_told(email: str, role: str, code: str, owner: User, company: Company) -> None:
    with pytest.raises(Problem) as refused:
        invite(owner, company, email=email, role=role, now=NOW)
    assert refused.value.code == code
