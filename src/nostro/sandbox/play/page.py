"""The page with the state of the bank and the buttons."""

from __future__ import annotations

from markupsafe import Markup
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.consents import FINAL
from nostro.sandbox.errors import Refusal
from nostro.sandbox.ledger import Account
from nostro.sandbox.pages import money, notice, page
from nostro.sandbox.payments import Payments
from nostro.sandbox.play import access
from nostro.sandbox.play.commands import COMMANDS, run
from nostro.sandbox.protocol import Record
from nostro.sandbox.replies import page_reply
from nostro.sandbox.requests import BankRequest

SHOWN_CONSENTS = SHOWN_REQUESTS = 20
SHOWN_ACCOUNTS = 50
ON_CLOCK, ON_WEATHER = ("hour", "day", "week"), ("down", "refuse", "break", "slow", "well")
ON_ACCOUNT = ("receipt", "pending", "twins", "late", "gap", "mend", "ids", "close", "open")


def show(bank: Bank, request: BankRequest, record: Record) -> Response:
    """``GET /play``."""
    del record
    access.require_control(bank)
    nonce = access.nonce_of(request)
    if access.may_play(bank, request):
        done = COMMANDS.get(request.args.get("done", ""))
        message = notice("good", done.done, "See below what the bank says now.") if done else Markup("")
        response = page_reply(page("Play the bank", _content(bank, access.form_token(bank, nonce), message)))
    else:
        response = page_reply(page("Play the bank", _door(bank, nonce, Markup(""))))
    access.keep(request, response, access.NONCE, nonce)
    # Without any referrer a browser would send its forms with the origin "null".
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def press(bank: Bank, request: BankRequest, record: Record) -> Response:
    """``POST /play``: a button, or the control token at the door."""
    del record
    access.require_control(bank)
    nonce, name = access.nonce_of(request), request.form.get("act", "")
    try:
        access.require_form_token(bank, request)
        if name == "enter":
            return _enter(bank, request, nonce)
        if not access.may_play(bank, request):
            raise Refusal(403, "FORMAT_ERROR", "The control token is needed first.")
        if name not in COMMANDS:
            raise Refusal(400, "FORMAT_ERROR", "There is no such button.")
        run(bank, name, request.form.get("target", "")[:200])
    except Refusal as refusal:
        said = notice("bad", refusal.text, "Nothing was changed.", refusal.code)
        again = Markup('<h1>Play the bank</h1>{}<p><a href="/play">Back to the page</a></p>').format(said)
        return page_reply(page("Not done", again), refusal.status)
    return redirect(f"/play?done={name}", 303)


def _enter(bank: Bank, request: BankRequest, nonce: str) -> Response:
    response = redirect("/play", 303)
    if access.sign_in(bank, request, response):
        return response
    wrong = notice("bad", "This is not the control token.", "Look into the bank's environment.", "TOKEN_INVALID")
    refused = page_reply(page("Play the bank", _door(bank, nonce, wrong)), 401)
    refused.headers["Referrer-Policy"] = "same-origin"
    return refused


def _door(bank: Bank, nonce: str, message: Markup) -> Markup:
    return Markup(
        "<h1>Play the bank</h1>{message}<p>From another machine this page asks for the bank's control token.</p>"
        '<form method="post" action="/play"><input type="hidden" name="token" value="{token}">'
        '<p class="field"><label for="control">Control token</label><input id="control" name="control" type="password" '
        'autocomplete="off" required></p><p class="actions"><button name="act" value="enter">Go on</button></p></form>'
    ).format(message=message, token=access.form_token(bank, nonce))


def _content(bank: Bank, token: str, message: Markup) -> Markup:
    return Markup(
        "<h1>Play the bank</h1>{message}<p>The bank's clock: <time>{clock}</time> ({kind}).</p>{on_clock}"
        "<h2>Weather</h2>{faults}{on_weather}<h2>Waiting for their customers</h2>{waiting}"
        "<h2>Consents</h2>{consents}<h2>Accounts in use</h2>{accounts}<h2>Last requests</h2>{requests}"
    ).format(
        message=message,
        clock=bank.clock.now().strftime("%Y-%m-%d %H:%M:%S UTC"),
        kind=bank.clock.kind,
        on_clock=_buttons(ON_CLOCK, token),
        faults=_faults(bank),
        on_weather=_buttons(ON_WEATHER, token),
        waiting=_waiting(bank, token),
        consents=_consents(bank, token),
        accounts=_accounts(bank, token),
        requests=_requests(bank),
    )


def _buttons(names: tuple[str, ...], token: str, target: str = "", beside: str = "") -> Markup:
    """A form with some buttons. ``beside`` tells those who do not see the table what they belong to."""
    buttons = Markup("").join(_button(name, COMMANDS[name].label, beside) for name in names)
    return Markup(
        '<form method="post" action="/play"><input type="hidden" name="token" value="{}">'
        '<input type="hidden" name="target" value="{}"><p class="actions tight">{}</p></form>'
    ).format(token, target, buttons)


def _button(name: str, label: str, beside: str) -> Markup:
    spoken = Markup(' aria-label="{}: {}"').format(label, beside) if beside else ""
    return Markup('<button class="quiet small" name="act" value="{}"{}>{}</button>').format(name, spoken, label)


def _table(head: tuple[str, ...], rows: list[tuple[object, ...]], none: str) -> Markup:
    if not rows:
        return Markup("<p>{}</p>").format(none)
    lines = (Markup("").join(Markup("<td>{}</td>").format(cell) for cell in row) for row in rows)
    cells = Markup("").join(Markup("<tr>{}</tr>").format(line) for line in lines)
    names = Markup("").join(Markup("<th>{}</th>").format(name) for name in head)
    return Markup('<div class="scroll"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>').format(
        names, cells
    )


def _faults(bank: Bank) -> Markup:
    rows: list[tuple[object, ...]] = [
        (f["kind"], f["endpoint"] or "all", "always" if f["times"] is None else f["times"], f["account"] or "all")
        for f in bank.faults.planned()[:SHOWN_CONSENTS]
    ]
    return _table(("Fault", "Endpoint", "Times", "Account"), rows, "Nothing goes wrong.")


def _waiting(bank: Bank, token: str) -> Markup:
    rows: list[tuple[object, ...]] = []
    for consent in bank.consents.all(SHOWN_CONSENTS):
        for identity in bank.consents.authorisation_ids(consent.id) if consent.status == "received" else ():
            found = bank.consents.known_authorisation(identity)
            psu = found.psu or consent.psu_hint
            if found.status not in FINAL:
                names = ("approve", "deny") if bank.customers.find(psu) else ("deny",)
                buttons = _buttons(names, token, identity, psu)
                rows.append((psu or "not known yet", "consent", consent.approach, found.status, buttons))
    for payment in Payments(bank).waiting(SHOWN_CONSENTS):
        for identity in bank.consents.authorisation_ids(payment.id):
            found = bank.consents.known_authorisation(identity)
            psu = found.psu or payment.psu_hint
            # Who signs on the bank's pages chooses the account there; a button does not know it.
            if found.status not in FINAL and payment.approach != "redirect" and bank.customers.find(psu):
                buttons = _buttons(("approve", "deny"), token, identity, psu)
                rows.append((psu, "payment", payment.approach, found.status, buttons))
    return _table(("Customer", "What", "Way", "Status", "The customer"), rows, "Nobody is asked for anything.")


def _consents(bank: Bank, token: str) -> Markup:
    rows: list[tuple[object, ...]] = [
        (
            Markup("<code>{}…</code>").format(consent.id[:6]),
            consent.psu or "nobody yet",
            consent.status,
            consent.valid_until.isoformat(),
            _buttons(("expire", "revoke"), token, consent.id, consent.psu or "") if consent.status == "valid" else "",
        )
        for consent in bank.consents.all(SHOWN_CONSENTS)
    ]
    return _table(("Consent", "Customer", "Status", "Until", "End it"), rows, "None yet.")


def _accounts(bank: Bank, token: str) -> Markup:
    found = [bank.ledger.account(identity) for identity in sorted(bank.ledger.asked_for())[:SHOWN_ACCOUNTS]]
    rows: list[tuple[object, ...]] = [
        (Markup("<code>{}</code>").format(a.id), a.status, _figure(bank, a), _buttons(ON_ACCOUNT, token, a.id, a.id))
        for a in found
        if a is not None and not a.is_aggregate
    ]
    return _table(("Account", "Status", "Balance", "Make happen"), rows, "Nobody has asked for an account yet.")


def _figure(bank: Bank, account: Account) -> Markup:
    return money(bank.ledger.booked_sum(account, bank.clock.today(), bank.clock.today()), account.currency)


def _requests(bank: Bank) -> Markup:
    rows: list[tuple[object, ...]] = [
        (r["at"][:19].replace("T", " "), r["method"], r["path"], r["status"], "yes" if r["counted"] else "", r["fault"])
        for r in bank.protocol.newest(SHOWN_REQUESTS)
    ]
    return _table(("When", "Method", "Address", "Status", "Counted", "Fault"), rows, "None yet.")
