"""The pages on which a customer signs a payment: log in, see what is paid, give the code, or refuse."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from markupsafe import Markup
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.consents import FINAL, Authorisation
from nostro.sandbox.ledger import Account
from nostro.sandbox.pages import money, notice, page, spaced_iban
from nostro.sandbox.payments import CURRENCY, Payment, Payments
from nostro.sandbox.protocol import Record
from nostro.sandbox.replies import page_reply
from nostro.sandbox.requests import BankRequest
from nostro.sandbox.sca.forms import back_to, login_form, origin
from nostro.sandbox.scenarios import CODE

COOKIE = "sandbox_payment"
MAX_SHOWN = 20


def show(bank: Bank, request: BankRequest, record: Record, sca: str) -> Response:
    """``GET`` and ``POST /sca/payments/{authorisationId}``: one address, the state decides the page."""
    del record
    authorisation = bank.consents.authorisation(sca)
    payment = Payments(bank).find(authorisation.payment) if authorisation is not None else None
    if authorisation is None or payment is None or payment.approach != "redirect":
        said = notice("bad", "There is nothing to sign.", "Go back to your software.", "RESOURCE_UNKNOWN")
        return page_reply(page("Nothing to sign", Markup("<h1>Nothing to sign</h1>{}").format(said)), 404)
    if payment.status != "RCVD" or authorisation.status in FINAL:
        # A second click finds the work done and is led the same way.
        return _lead_back(payment)
    if request.method == "POST":
        return _act(bank, request, payment, authorisation)
    if _is_logged_in(request, authorisation):
        return _signing_page(bank, payment, authorisation)
    return _login_page(bank, payment)


def _act(bank: Bank, request: BankRequest, payment: Payment, authorisation: Authorisation) -> Response:
    act = request.form.get("act", "")
    if act == "log-in":
        return _log_in(bank, request, payment, authorisation)
    if act == "deny":
        bank.consents.fail(authorisation)
        return _lead_back_now(bank, payment)
    if act == "approve":
        if not _is_logged_in(request, authorisation):
            said = notice("warn", "You are not logged in.", "Log in to go on.")
            return _login_page(bank, payment, said, status=403)
        return _sign(bank, request, payment, authorisation)
    return redirect(f"/sca/payments/{authorisation.id}", 303)


def _log_in(bank: Bank, request: BankRequest, payment: Payment, authorisation: Authorisation) -> Response:
    psu = request.form.get("psu", "").strip()[:70]
    session = bank.consents.log_in(authorisation, psu, request.form.get("password", ""))
    if session is None:
        if _is_over(bank, payment):
            return _lead_back_now(bank, payment)
        said = notice("bad", "Name and password do not fit.", "Nothing was paid. Try again.", "PSU_CREDENTIALS_INVALID")
        return _login_page(bank, payment, said, psu, 401)
    here = f"/sca/payments/{authorisation.id}"
    response = redirect(here, 303)
    response.set_cookie(COOKIE, session, path=here, httponly=True, samesite="Lax", secure=request.scheme == "https")
    return response


def _is_logged_in(request: BankRequest, authorisation: Authorisation) -> bool:
    given = request.cookies.get(COOKIE, "")
    return authorisation.session is not None and secrets.compare_digest(given.encode(), authorisation.session.encode())


def _sign(bank: Bank, request: BankRequest, payment: Payment, authorisation: Authorisation) -> Response:
    payers = Payments(bank).payers(payment, authorisation.psu or "")
    chosen = next((a for a in payers if a.resource_id == request.form.get("account", "")), None)
    if chosen is None:
        said = notice("bad", "No account is chosen.", "Choose the account that pays, or refuse.")
        return _signing_page(bank, payment, authorisation, said, 400)
    if not bank.consents.check_code(authorisation, request.form.get("code", "")):
        if _is_over(bank, payment):
            return _lead_back_now(bank, payment)
        said = notice(
            "bad", "The code is wrong.", f"Nothing was paid. The code of the sandbox is {CODE}.", "SCA_INVALID"
        )
        return _signing_page(bank, payment, authorisation, said, 400)
    Payments(bank).sign(authorisation, chosen.id)
    return _lead_back_now(bank, payment)


def _is_over(bank: Bank, payment: Payment) -> bool:
    current = Payments(bank).find(payment.id)
    return current is None or current.status != "RCVD"


def _login_page(bank: Bank, payment: Payment, message: Markup | str = "", psu: str = "", status: int = 200) -> Response:
    content = login_form(bank, "A service prepared a payment. Log in to see and sign it.", message, psu)
    return page_reply(page("Log in", content), status, origin(payment.nok_uri))


def _signing_page(
    bank: Bank, payment: Payment, authorisation: Authorisation, message: Markup | str = "", status: int = 200
) -> Response:
    payers = Payments(bank).payers(payment, authorisation.psu or "")
    if not payers:
        message = notice("warn", "The account that pays is not yours.", "Refuse to go back.", "RESOURCE_BLOCKED")
    transfers = Markup("").join(_transfer(transfer.minor, transfer.body) for transfer in payment.transfers[:MAX_SHOWN])
    more = len(payment.transfers) - MAX_SHOWN
    if more > 0:
        transfers += Markup("<li>and {} more</li>").format(more)
    content = Markup(
        "<h1>Sign this payment?</h1>{message}<dl><dt>Who asks</dt><dd>{who}</dd>"
        "<dt>Total</dt><dd>{total}</dd><dt>To</dt><dd><ul>{transfers}</ul></dd></dl>"
        '<form method="post"><fieldset><legend>Account that pays</legend>{accounts}</fieldset>'
        '<p class="field"><label for="code">Code of your second factor</label>'
        '<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="12"'
        ' aria-describedby="hint"></p>'
        '<p class="hint" id="hint">The code of the sandbox is always <code>{code}</code>.</p>'
        '<p class="actions"><button name="act" value="approve">Sign</button>'
        '<button class="quiet" name="act" value="deny">Refuse</button></p></form>'
    ).format(
        message=message, who=urlsplit(payment.ok_uri).netloc, total=money(payment.total, CURRENCY),
        transfers=transfers, code=CODE,
        accounts=Markup("").join(_choice(bank, account, number) for number, account in enumerate(payers)),
    )  # fmt: skip
    origins = {origin(payment.ok_uri), origin(payment.nok_uri)}
    return page_reply(page("Sign", content), status, " ".join(sorted(origins)))


def _transfer(minor: int, body: dict[str, object]) -> Markup:
    account = body["creditorAccount"]
    assert isinstance(account, dict)
    text = body.get("remittanceInformationUnstructured", "")
    return Markup("<li><b>{}</b> {}<br>{} {}</li>").format(
        body["creditorName"], spaced_iban(account["iban"]), money(minor, CURRENCY), text
    )


def _choice(bank: Bank, account: Account, number: int) -> Markup:
    balance = money(bank.ledger.booked_sum(account, bank.clock.today(), bank.clock.today()), account.currency)
    return Markup(
        '<label class="choice"><input type="radio" name="account" value="{}"{}>'
        "<span><b>{}</b><br>{}</span>{}</label>"
    ).format(
        account.resource_id, Markup("") if number else Markup(" checked"), account.name, spaced_iban(account.iban),
        balance,
    )  # fmt: skip


def _lead_back_now(bank: Bank, payment: Payment) -> Response:
    current = Payments(bank).find(payment.id)
    return _lead_back(current or payment)


def _lead_back(payment: Payment) -> Response:
    return back_to(payment.nok_uri if payment.status == "CANC" else payment.ok_uri)
