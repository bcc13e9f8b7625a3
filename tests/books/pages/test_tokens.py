"""Access tokens for programs: shown once, revoked by their person only."""

from __future__ import annotations

import re

from django.test import Client
from django.urls import reverse
from tests.books.pages.conftest import signed_in

from nostro.books.api.models import BooksToken
from nostro.books.companies.models import Company
from nostro.people.models import User


def test_a_token_is_shown_once_works_and_is_revoked(company: Company, browser: Client, stranger: User) -> None:
    url = reverse("books:tokens", args=[company.id])
    found = re.search(r"nostro_books_[\w-]{43}", browser.post(url, {"name": "Script"}).content.decode())
    assert found
    assert found[0] not in browser.get(url).content.decode()

    def ask() -> int:
        return Client().get("/books/api/company", headers={"Authorization": f"Bearer {found[0]}"}).status_code

    assert ask() == 200
    revoke = reverse("books:revoke_token", args=[BooksToken.objects.get().id])
    assert signed_in(stranger).post(revoke).status_code == 404
    assert ask() == 200
    assert browser.post(revoke).status_code == 302
    assert ask() == 401
