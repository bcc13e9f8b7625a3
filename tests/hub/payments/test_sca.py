"""Signing in the bank's app or by code at the sandbox bank over real HTTP, and everything that goes wrong with it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from tests import factories
from tests.hub.payments.bank import NOW, PSU, BankWorld
from tests.hub.payments.conftest import make_bank_world
from tests.hub.payments.test_api import BULK, KINDS, PAYMENT, REQUEST
from tests.sandbox.customer import Customer

from nostro.connectors.contract import PsuInput
from nostro.hub.linking.shown import shown_step
from nostro.hub.organizations.models import Role
from nostro.hub.payments import attempts, sca, signing, tasks
from nostro.hub.payments.models import Payment, Signing
from nostro.hub.payments.services import AlreadySigned
from nostro.people.models import AuditRecord
from nostro.web.errors import Forbidden, NotFound, Problem

EMBEDDED, DECOUPLED = "user_mfa_embedded", "user_mfa_decoupled"
PASSWORD = PsuInput("credentials", {"password": "sandbox"})
METHOD = PsuInput("scaMethodId", {"scaMethodId": "sms"})
CODE = PsuInput("scaAuthenticationData", {"scaAuthenticationData": "123456"})
WRONG = PsuInput("scaAuthenticationData", {"scaAuthenticationData": "000000"})
POLL = PsuInput("poll")


@pytest.fixture
def by_code(db: None, bank: Customer) -> BankWorld:
    return make_bank_world(bank, EMBEDDED, EMBEDDED)


@pytest.fixture
def in_app(db: None, bank: Customer) -> BankWorld:
    return make_bank_world(bank, DECOUPLED, DECOUPLED)


def go_on(attempt: Signing, *answers: PsuInput, at: dt.datetime = NOW) -> Signing:
    for given in answers:
        # Another process for all the row knows: only the database is between two steps.
        attempt = sca.continue_signing(Signing.objects.get(id=attempt.id), given, PSU, at)
    attempt.refresh_from_db()
    return attempt


def wait(world: BankWorld, seconds: int) -> None:
    assert world.bank.control("POST", "/clock", {"advance": seconds}).status_code == 200


def current(payment: Payment) -> Payment:
    return Payment.objects.get(id=payment.id)


@pytest.mark.parametrize("segment", ["payments", "bulk-payments"])
def test_password_method_and_code_sign_it_once(by_code: BankWorld, segment: str) -> None:
    attributes = PAYMENT if segment == "payments" else {**BULK, "batchBookingPreferred": False}
    payment = by_code.prepare(segment, attributes)
    attempt = by_code.begin(payment)
    assert (attempt.step, by_code.status(payment)) == ("NeedCredentials", "unsigned")
    assert by_code.begin(payment).id == attempt.id  # a second click
    attempt = go_on(attempt, PASSWORD, METHOD)
    shown: Any = shown_step(attempt)
    assert "to Alex Creditor" in shown.additional_information  # what is signed is linked to the code
    assert by_code.movements() == []
    assert go_on(attempt, CODE).status == "signed" and by_code.status(payment) == "pending"
    with pytest.raises(Problem) as refused:
        go_on(attempt, CODE)
    assert refused.value.code == "stateUsed"
    with pytest.raises(signing.NotToSign):
        by_code.begin(current(payment))
    by_code.bank_executes()
    tasks.follow_payment(payment.id, NOW)
    assert by_code.status(payment) == "accepted"
    assert by_code.movements() == ["-1.00"] * (1 if segment == "payments" else 2)


def test_the_app_signs_it(in_app: BankWorld) -> None:
    payment = in_app.prepare("payments", PAYMENT)
    attempt = in_app.begin(payment)
    shown: Any = shown_step(attempt)
    assert shown.psu_message.startswith("You pay 1.00 EUR to Alex Creditor.")
    assert go_on(attempt, POLL).status == "open"
    wait(in_app, 10)
    # Asked again at once, the bank is left alone.
    assert go_on(attempt, POLL).status == "open"
    assert go_on(attempt, POLL, at=NOW + dt.timedelta(seconds=3)).status == "signed"
    assert in_app.status(payment) == "pending"
    in_app.bank_executes()
    tasks.follow_payment(payment.id, NOW)
    assert in_app.status(payment) == "accepted" and in_app.movements() == ["-1.00"]


def test_who_closes_the_page_is_followed_all_the_same(in_app: BankWorld) -> None:
    payment = in_app.prepare("payments", PAYMENT)
    attempt = in_app.begin(payment)
    wait(in_app, 10)
    tasks.follow_payment(payment.id, NOW)
    assert in_app.status(payment) == "pending"
    attempt.refresh_from_db()
    assert attempt.status == "signed" and attempt.sealed_state is None


def test_a_wrong_code_may_be_corrected_once_and_the_second_ends_the_payment(by_code: BankWorld) -> None:
    payment = by_code.prepare("payments", PAYMENT)
    attempt = go_on(by_code.begin(payment), PASSWORD, METHOD, WRONG)
    shown: Any = shown_step(attempt)
    assert attempt.status == "open" and shown.text.startswith("The code was wrong.")
    attempt = go_on(attempt, WRONG)
    assert (attempt.status, attempt.error_reason) == ("failed", "The code was wrong.")
    assert by_code.status(payment) == "canceled" and by_code.movements() == []


def test_after_a_wrong_password_it_is_signed_in_another_attempt(by_code: BankWorld) -> None:
    payment = by_code.prepare("payments", PAYMENT)
    first = go_on(by_code.begin(payment), PsuInput("credentials", {"password": "wrong"}))
    assert (first.status, first.error_code) == ("failed", "PSU_CREDENTIALS_INVALID")
    assert by_code.status(payment) == "unsigned"
    second = by_code.begin(current(payment))
    assert second.id != first.id
    go_on(second, PASSWORD, METHOD, CODE)
    by_code.bank_executes()
    assert by_code.movements() == ["-1.00"]  # the same payment at the bank


@pytest.mark.parametrize(("verdict", "attempt_then", "payment_then"), [
    ("deny", "cancelled", "canceled"), ("ignore", "failed", "unsigned"),
])  # fmt: skip
def test_refused_in_the_app_it_is_canceled_ignored_it_may_be_signed_again(
    in_app: BankWorld, verdict: str, attempt_then: str, payment_then: str
) -> None:
    payment = in_app.prepare("payments", PAYMENT)
    attempt = in_app.begin(payment)
    known = signing.at_the_bank(current(payment))
    assert known is not None
    [identity] = in_app.bank.application.bank.consents.authorisation_ids(known.payment_id)
    in_app.bank.control("POST", f"/authorisations/{identity}", {verdict: True})
    later = NOW + dt.timedelta(seconds=4)
    if verdict == "ignore":
        wait(in_app, 300)
    attempt = go_on(attempt, POLL, at=later)
    assert (attempt.status, in_app.status(payment)) == (attempt_then, payment_then)
    if verdict == "ignore":
        in_app.begin(current(payment))
        wait(in_app, 10)
        tasks.follow_payment(payment.id, NOW)
        assert in_app.status(payment) == "pending"


def test_a_step_left_lying_expires_and_its_memory_is_gone(by_code: BankWorld) -> None:
    payment = by_code.prepare("payments", PAYMENT)
    attempt = by_code.begin(payment)
    assert attempts.expire_signings(attempt.expires_at - dt.timedelta(seconds=1)) == 0
    with pytest.raises(Problem) as refused:
        go_on(attempt, PASSWORD, at=attempt.expires_at)
    assert refused.value.code == "stateExpired"
    attempt.refresh_from_db()
    assert (attempt.status, attempt.sealed_state, attempt.sealed_shown) == ("expired", None, None)
    other = by_code.begin(current(payment))
    assert attempts.expire_signings(other.expires_at) == 1
    assert by_code.status(payment) == "unsigned"


def test_nothing_that_signs_is_in_the_database(by_code: BankWorld) -> None:
    attempt = go_on(by_code.begin(by_code.prepare("payments", PAYMENT)), PASSWORD, METHOD)
    known = signing.at_the_bank(current(attempt.payment))
    assert known is not None
    stored = repr(Signing.objects.values().get()) + repr(Payment.objects.values().get())
    assert "sandbox" not in stored.replace("is_sandbox", "") and known.payment_id not in stored


def test_one_person_at_a_time_and_colleagues_are_told(by_code: BankWorld) -> None:
    payment = by_code.prepare("payments", PAYMENT)
    attempt = by_code.begin(payment)
    colleague = factories.membership(by_code.owner.organization, role=Role.ADMIN).user
    with pytest.raises(Problem) as refused:
        signing.start_signing(payment, colleague, PSU, NOW)
    assert refused.value.code == "paymentInUse"
    with pytest.raises(Forbidden):
        sca.access_signing(colleague, [], attempt.id)
    for stranger in (factories.membership().user, None):
        with pytest.raises(NotFound):
            sca.access_signing(stranger, [str(attempt.id)], attempt.id)
    # Its time over, another one may.
    begun = signing.start_signing(payment, colleague, PSU, attempt.expires_at)
    assert isinstance(begun, Signing) and begun.user_id == colleague.pk


def test_going_away_leaves_the_payment_and_refusing_ends_it_at_the_bank(by_code: BankWorld) -> None:
    payment = by_code.prepare("payments", PAYMENT)
    for _ in range(2):
        sca.leave_signing(by_code.begin(current(payment)), PSU, NOW)
        assert by_code.status(payment) == "unsigned"
    refused = sca.refuse_payment(by_code.owner.user, payment.id, PSU, NOW)
    assert (refused.status, refused.bank_status) == ("canceled", "CANC")
    with pytest.raises(AlreadySigned):
        sca.refuse_payment(by_code.owner.user, payment.id, PSU, NOW)
    never_opened = by_code.prepare("payments", PAYMENT)
    sca.refuse_payment(by_code.owner.user, never_opened.id, PSU, NOW)
    told = AuditRecord.objects.filter(action="payment.declined").values_list("object_id", "actor")
    assert sorted(told) == sorted((str(each.id), by_code.owner.user.pk) for each in (payment, never_opened))


def test_what_was_signed_a_moment_ago_is_not_refused(in_app: BankWorld) -> None:
    payment = in_app.prepare("payments", PAYMENT)
    in_app.begin(payment)
    wait(in_app, 10)  # signed in the app, and the Hub does not know
    with pytest.raises(AlreadySigned):
        sca.refuse_payment(in_app.owner.user, payment.id, PSU, NOW)
    assert in_app.status(payment) == "pending"


def test_strangers_and_members_refuse_nothing(by_code: BankWorld) -> None:
    payment = by_code.prepare("payments", PAYMENT)
    by_code.begin(payment)
    member = factories.membership(by_code.owner.organization, role=Role.MEMBER).user
    with pytest.raises(Forbidden):
        sca.refuse_payment(member, payment.id, PSU, NOW)
    with pytest.raises(NotFound):
        sca.refuse_payment(factories.membership().user, payment.id, PSU, NOW)


def test_a_request_is_paid_by_whoever_tells_their_login(bank_world: BankWorld) -> None:
    request = bank_world.prepare("payment-requests", {**REQUEST, "amount": 7})
    attempt = bank_world.begin(request, EMBEDDED)
    assert attempt.user_id is None
    assert sca.access_signing(None, [str(attempt.id)], attempt.id).id == attempt.id
    for remembered in ([], ["x"]):
        with pytest.raises(NotFound):
            sca.access_signing(bank_world.owner.user, remembered, attempt.id)
    go_on(attempt, PASSWORD, METHOD, CODE)
    bank_world.bank_executes()
    tasks.follow_payment(request.id, NOW)
    assert current(request).status == "accepted" and bank_world.movements() == ["7.00"]


def test_the_next_payer_of_a_request_may_go_another_way(bank_world: BankWorld) -> None:
    request = bank_world.prepare("payment-requests", {**REQUEST, "amount": 7})
    sca.leave_signing(bank_world.begin(request, EMBEDDED), PSU, NOW)
    assert current(request).sealed_bank_payment is None  # the bank has dropped the first one
    signing.come_back(bank_world.at_the_bank(bank_world.open(current(request)), account=1), PSU, NOW)
    bank_world.bank_executes()
    assert bank_world.movements() == ["7.00"]


@pytest.mark.parametrize("segment", KINDS)
def test_a_bank_that_is_down_in_the_middle_is_asked_the_same_again(by_code: BankWorld, segment: str) -> None:
    attempt = go_on(by_code.begin(by_code.prepare(segment, KINDS[segment]), EMBEDDED), PASSWORD, METHOD)
    routes = by_code.account.institution.routes
    address = routes.get().base_url
    routes.update(base_url="http://127.0.0.1:9")
    with pytest.raises(Problem):
        go_on(attempt, CODE)
    routes.update(base_url=address)
    attempt.refresh_from_db()
    assert attempt.status == "open"
    assert go_on(attempt, CODE).status == "signed"


def test_killed_after_the_bank_has_it_the_same_payment_is_signed(
    in_app: BankWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worst moment: the bank has the payment and the app has not asked yet, or has, and nobody knows here."""
    payment = in_app.prepare("payments", PAYMENT)

    class Killed(BaseException):
        pass

    def kill(*_: Any) -> None:
        raise Killed

    for name in ("_url_of", "open_signing"):
        with monkeypatch.context() as patched:
            patched.setattr(signing, name, kill)
            with pytest.raises(Killed):
                in_app.begin(payment)
        Payment.objects.filter(id=payment.id).update(claimed_until=None)  # two minutes later
        wait(in_app, 20)
    tasks.follow_payment(payment.id, NOW)
    if current(payment).status == "unsigned":
        in_app.begin(current(payment))
        wait(in_app, 10)
    in_app.bank_executes()
    tasks.follow_payment(payment.id, NOW)
    assert in_app.status(payment) == "accepted" and in_app.movements() == ["-1.00"]
