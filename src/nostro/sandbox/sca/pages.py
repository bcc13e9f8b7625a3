"""The customer's way through the bank: log in, choose accounts, approve or deny, back to the service (redirect SCA)."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from markupsafe import Markup
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from nostro.sandbox import unfolding
from nostro.sandbox.bank import Bank
from nostro.sandbox.consents import FINAL, Authorisation, Consent, last_day
from nostro.sandbox.ledger import Account
from nostro.sandbox.pages import money, notice, page, spaced_iban
from nostro.sandbox.protocol import Record
from nostro.sandbox.replies import page_reply
from nostro.sandbox.requests import BankRequest
from nostro.sandbox.sca.forms import back_to, login_form, origin
from nostro.sandbox.sca.oauth import way_back
from nostro.sandbox.scenarios import CODE

COOKIE = "sandbox_session"
WORDS = {
    "accounts": "names and numbers of the accounts",
    "balances": "their balances",
    "transactions": "their transactions",
}


def show(bank: Bank, request: BankRequest, record: Record, authorisation_id: str) -> Response:
    """``GET`` and ``POST /sca/{authorisationId}``: one address, the state decides the page."""
    authorisation = bank.consents.authorisation(authorisation_id)
    consent = None if authorisation is None else bank.consents.find(authorisation.consent)
    if authorisation is None or consent is None or not _has_page(authorisation, consent):
        return _nothing_here()
    record.consent = consent.id
    if authorisation.status in FINAL or consent.status != "received":
        # A second click on a button finds the work done and is led the same way.
        return _lead_back(bank, authorisation.id)
    if request.method == "POST":
        return _act(bank, request, authorisation, consent)
    if _is_logged_in(request, authorisation):
        return _approval_page(bank, authorisation, consent)
    return _login_page(bank, consent)


def _has_page(authorisation: Authorisation, consent: Consent) -> bool:
    """Only a redirect has one, and OAuth comes through the authorisation endpoint."""
    return consent.approach == "redirect" or (consent.approach == "oauth" and authorisation.oauth is not None)


def _act(bank: Bank, request: BankRequest, authorisation: Authorisation, consent: Consent) -> Response:
    act = request.form.get("act", "")
    if act == "log-in":
        return _log_in(bank, request, authorisation, consent)
    if act == "deny":
        bank.consents.fail(authorisation)
        return _lead_back(bank, authorisation.id)
    if act == "approve":
        if not _is_logged_in(request, authorisation):
            return _login_page(bank, consent, notice("warn", "You are not logged in.", "Log in to go on."), status=403)
        return _approve(bank, request, authorisation, consent)
    return redirect(f"/sca/{authorisation.id}", 303)


def _log_in(bank: Bank, request: BankRequest, authorisation: Authorisation, consent: Consent) -> Response:
    psu = request.form.get("psu", "").strip()[:70]
    session = bank.consents.log_in(authorisation, psu, request.form.get("password", ""))
    if session is None:
        if bank.consents.known_authorisation(authorisation.id).status in FINAL:
            return _lead_back(bank, authorisation.id)
        wrong = notice(
            "bad", "Name and password do not fit.", "Nothing was shared. Try again.", "PSU_CREDENTIALS_INVALID"
        )
        return _login_page(bank, consent, wrong, psu, status=401)
    response = redirect(f"/sca/{authorisation.id}", 303)
    response.set_cookie(
        COOKIE,
        session,
        path=f"/sca/{authorisation.id}",
        httponly=True,
        samesite="Lax",
        secure=request.scheme == "https",
    )
    return response


def _is_logged_in(request: BankRequest, authorisation: Authorisation) -> bool:
    given = request.cookies.get(COOKIE, "")
    return authorisation.session is not None and secrets.compare_digest(given.encode(), authorisation.session.encode())


def _approve(bank: Bank, request: BankRequest, authorisation: Authorisation, consent: Consent) -> Response:
    psu = authorisation.psu or ""
    offered = unfolding.offered(bank, consent, psu)
    ticked = set(request.form.getlist("account"))
    chosen = [account for account in offered if account.resource_id in ticked]
    if not chosen:
        missing = notice("bad", "No account is chosen.", "Choose at least one account, or deny.")
        return _approval_page(bank, authorisation, consent, missing, 400)
    if not bank.consents.check_code(authorisation, request.form.get("code", "")):
        current = bank.consents.known_authorisation(authorisation.id)
        if current.status in FINAL or bank.consents.require(consent.id, 403).status != "received":
            return _lead_back(bank, authorisation.id)
        wrong = notice(
            "bad", "The code is wrong.", f"Nothing was shared. The code of the sandbox is {CODE}.", "SCA_INVALID"
        )
        return _approval_page(bank, authorisation, consent, wrong, 400)
    unfolding.approve(bank, authorisation, psu, chosen)
    return _lead_back(bank, authorisation.id)


def _login_page(bank: Bank, consent: Consent, message: Markup | str = "", psu: str = "", status: int = 200) -> Response:
    lead = "A service asks to read your accounts. Log in to see what it asks for."
    content = login_form(bank, lead, message, psu or consent.psu_hint)
    return page_reply(page("Log in", content), status, origin(consent.nok_uri))


def _approval_page(
    bank: Bank, authorisation: Authorisation, consent: Consent, message: Markup | str = "", status: int = 200
) -> Response:
    offered = unfolding.offered(bank, consent, authorisation.psu or "")
    if not offered:
        message = notice("warn", "None of the accounts asked for is yours.", "Deny to go back.", "CONSENT_INVALID")
    what = Markup("").join(
        Markup("<li>{}</li>").format(words) for scope, words in WORDS.items() if unfolding.asks(consent, scope)
    )
    until = last_day(consent, bank.customers.require(authorisation.psu), bank.clock.today())
    content = Markup(
        "<h1>Share your accounts?</h1>{message}<dl><dt>Who asks</dt><dd>{who}</dd>"
        "<dt>May read</dt><dd><ul>{what}</ul></dd>"
        '<dt>Until</dt><dd><time datetime="{day}">{day}</time></dd><dt>How often</dt><dd>{often}</dd></dl>'
        '<form method="post"><fieldset><legend>Accounts to share</legend>{accounts}</fieldset>'
        '<p class="field"><label for="code">Code of your second factor</label>'
        '<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code"'
        ' maxlength="12" aria-describedby="hint"></p>'
        '<p class="hint" id="hint">The code of the sandbox is always <code>{code}</code>.</p>'
        '<p class="actions"><button name="act" value="approve">Approve access</button>'
        '<button class="quiet" name="act" value="deny">Deny access</button></p></form>'
    ).format(
        message=message,
        who=urlsplit(consent.ok_uri).netloc,
        what=what,
        day=until.isoformat(),
        often=f"up to {consent.frequency} times a day without you" if consent.recurring else "once",
        accounts=Markup("").join(_choice(bank, account) for account in offered),
        code=CODE,
    )
    origins = {origin(consent.ok_uri), origin(consent.nok_uri)}
    return page_reply(page("Approve", content), status, " ".join(sorted(origins)))


def _choice(bank: Bank, account: Account) -> Markup:
    if account.is_aggregate:
        figure = Markup('<span class="money">all currencies</span>')
    else:
        figure = money(bank.ledger.booked_sum(account, bank.clock.today(), bank.clock.today()), account.currency)
    return Markup(
        '<label class="choice"><input type="checkbox" name="account" value="{}" checked>'
        "<span><b>{}</b><br>{}</span>{}</label>"
    ).format(account.resource_id, account.name, spaced_iban(account.iban), figure)


def _lead_back(bank: Bank, authorisation_id: str) -> Response:
    """The page of an approval that is over leads back, however often it is opened."""
    authorisation = bank.consents.known_authorisation(authorisation_id)
    consent = bank.consents.require(authorisation.consent, 403)
    is_granted = authorisation.status == "finalised" and consent.status == "valid"
    return back_to(way_back(bank, authorisation, consent, is_granted=is_granted))


def _nothing_here() -> Response:
    said = notice(
        "bad", "This approval does not exist.", "Go back to your software and start again.", "RESOURCE_UNKNOWN"
    )
    return page_reply(page("Nothing to approve", Markup("<h1>Nothing to approve</h1>{}").format(said)), 404)
