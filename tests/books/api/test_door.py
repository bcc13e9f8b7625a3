"""The door of the API: an error of ours has the shape of the API; answers are kept for a day and then forgotten."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.test import Client
from tests.books.api.conftest import Ask
from tests.books.conftest import NOW

from nostro.books.api import tasks, views
from nostro.books.api.call import Call, Document
from nostro.books.api.models import IdempotentAnswer
from nostro.books.api.tasks import purge_answers
from nostro.books.api.tokens import create_token
from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal
from nostro.people.models import User


def test_a_mistake_of_ours_has_the_shape_of_the_api(
    owner: User, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And names neither its reason nor a line of code; nothing that was begun stays."""
    token = create_token(owner, company, name="Test", now=NOW)[1]
    endpoint = views._BY_PATH["journals"]["POST"]

    def fail(call: Call) -> Document:
        endpoint.handler(call)
        raise RuntimeError("disk of the server")

    monkeypatch.setitem(views._BY_PATH["journals"], "POST", endpoint._replace(handler=fail))
    response = Client().post(
        "/books/api/journals", json.dumps({"data": {"attributes": {"name": "Bank", "currency": "EUR"}}}),
        content_type="application/json", headers={"Authorization": f"Bearer {token}", "X-Request-Id": "x"},
    )  # fmt: skip
    assert response.status_code == 500
    assert response["Content-Type"] == "application/json"
    (error,) = json.loads(response.content)["errors"]
    assert set(error) == {"code", "detail", "meta"}
    assert error["code"] == "internalServerError"
    assert error["meta"]["requestId"]
    assert "disk of" not in response.content.decode()
    assert not Journal.objects.exists()


@pytest.mark.parametrize("path", ["nothing", "lines/no-id/remove", "openapi.json/x"])
def test_a_path_that_does_not_exist_answers_programs_as_such(path: str) -> None:
    """Also to a POST, which a page's protection of forms would answer with a page."""
    response = Client(enforce_csrf_checks=True).post(f"/books/api/{path}", "{}", content_type="application/json")
    assert response.status_code == 404
    assert json.loads(response.content)["errors"][0]["code"] == "resourceNotFound"


def test_old_answers_are_forgotten_in_batches_and_young_ones_kept(
    ask: Ask, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "BATCH", 2)
    for number in range(6):
        ask("POST", "journals", {"name": f"Bank {number}", "currency": "EUR"}, Idempotency_Key=f"key-{number}")
    answers = list(IdempotentAnswer.objects.order_by("id"))
    assert len(answers) == 6
    now = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    for number, answer in enumerate(answers):
        answer.created_at = now - IdempotentAnswer.KEPT + dt.timedelta(seconds=number - 4)
        answer.save()
    assert purge_answers(now) == 5
    assert list(IdempotentAnswer.objects.all()) == answers[5:]
    assert purge_answers(now) == 0
