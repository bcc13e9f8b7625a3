"""Warnings before a consent ends: each once, the latest one only, to those who can renew."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.hub.accounts.factories import make_member, make_organization

from nostro.connectors.contract import Consent as BankConsent
from nostro.hub.directory.models import Institution, Route
from nostro.hub.linking.consents import set_consent_status, store_consent
from nostro.hub.linking.models import Connection, ConsentNotice
from nostro.hub.linking.notices import due_step, send_consent_notices

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)


@pytest.fixture
def connection():
    organization = make_organization()
    for role in ("owner", "admin", "member"):
        make_member(organization, role)
    institution = Institution.objects.create(name="Bank\nof Ghent", folded_name="bank")
    route = Route.objects.create(institution=institution, connector="berlin_group")
    connection = Connection.objects.create(
        organization=organization, institution=institution, route=route, is_sandbox=False, linked_at=NOW
    )
    store_consent(connection, BankConsent("secret", "valid", NOW.date() + dt.timedelta(days=40)), NOW)
    return connection


def test_each_step_is_told_once_to_owners_and_administrators(connection, mailoutbox):
    for hours in range(0, 42 * 24, 6):
        send_consent_notices(NOW + dt.timedelta(hours=hours))
    steps = ConsentNotice.objects.order_by("sent_at").values_list("days_before", "recipients")
    assert list(steps) == [(30, 2), (14, 2), (7, 2), (1, 2)]
    assert len(mailoutbox) == 8
    assert mailoutbox[0].subject == "Bank of Ghent: renew the connection, it ends in 30 days"
    assert mailoutbox[-1].subject == "Bank of Ghent: renew the connection, it ends tomorrow"
    assert all(len(mail.to) == 1 for mail in mailoutbox)


def test_after_a_pause_only_the_latest_step_is_told(connection, mailoutbox):
    assert send_consent_notices(NOW + dt.timedelta(days=34)) == 1
    assert send_consent_notices(NOW + dt.timedelta(days=34)) == 0
    assert [notice.days_before for notice in ConsentNotice.objects.all()] == [7]


def test_a_renewed_consent_starts_anew_and_an_ended_connection_is_silent(connection, mailoutbox):
    later = NOW + dt.timedelta(days=35)
    assert send_consent_notices(later) == 1
    store_consent(connection, BankConsent("new", "valid", later.date() + dt.timedelta(days=60)), later)
    assert send_consent_notices(later) == 0
    assert send_consent_notices(later + dt.timedelta(days=30)) == 1
    Connection.objects.update(removed_at=later)
    assert send_consent_notices(later + dt.timedelta(days=53)) == 0


def test_a_mail_server_that_is_down_costs_no_warning(connection, mailoutbox, monkeypatch):
    class Down(OSError):
        pass

    def refuse(*_):
        raise Down

    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.message.EmailMessage.send", refuse)
        assert send_consent_notices(NOW + dt.timedelta(days=10)) == 0
    assert send_consent_notices(NOW + dt.timedelta(days=10, hours=1)) == 1


@pytest.mark.parametrize(
    ("left", "step"), [(31, None), (30, 30), (15, 30), (14, 14), (7, 7), (2, 7), (1, 1), (0, 1), (-1, None)]
)
def test_the_step_that_is_due(left, step):
    today = NOW.date()
    assert due_step(today + dt.timedelta(days=left), today) == step


@pytest.mark.parametrize(
    ("status", "told"), [("revokedByPsu", "was taken back at the bank"), ("expired", "has ended")], ids=["back", "over"]
)
def test_a_consent_that_the_bank_ended_is_told_once(connection, mailoutbox, status, told):
    set_consent_status(connection, status, now=NOW)
    assert send_consent_notices(NOW) == 1
    assert send_consent_notices(NOW + dt.timedelta(hours=1)) == 0
    assert [notice.days_before for notice in ConsentNotice.objects.all()] == [0]
    assert {mail.subject for mail in mailoutbox} == {"Bank of Ghent: renew the connection, it no longer works"}
    assert all(told in mail.body for mail in mailoutbox)


def test_an_end_of_long_ago_is_no_news(connection, mailoutbox):
    set_consent_status(connection, "expired", now=NOW)
    assert send_consent_notices(NOW + dt.timedelta(days=8)) == 0
    assert not mailoutbox
