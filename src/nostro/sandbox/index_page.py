"""The bank at a glance: who can log in, what they have, which consents exist, how much of the quota is used."""

from __future__ import annotations

from collections import defaultdict

from markupsafe import Markup
from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.ledger import Account
from nostro.sandbox.pages import money, page, spaced_iban
from nostro.sandbox.protocol import Record
from nostro.sandbox.replies import page_reply
from nostro.sandbox.requests import BankRequest
from nostro.sandbox.scenarios import CODE, PASSWORD, Scenario

SHOWN_CONSENTS = 20


def show(bank: Bank, request: BankRequest, record: Record) -> Response:
    """``GET /``."""
    del request, record
    content = Markup(
        "<h1>Who banks here?</h1><p>The bank's clock: <time>{clock}</time> ({kind}), seed {seed}. "
        "Password of every test user: <code>{password}</code>, code <code>{code}</code>. A service that speaks Berlin "
        "Group XS2A starts at <code>POST /v1/consents</code>.</p>{play}{people}<h2>Consents</h2>{consents}"
    ).format(
        clock=bank.clock.now().strftime("%Y-%m-%d %H:%M UTC"),
        kind=bank.clock.kind,
        seed=bank.seed,
        password=PASSWORD,
        code=CODE,
        play=Markup('<p><a href="/play">Play the bank</a></p>') if bank.control_token else "",
        people=_people(bank),
        consents=_consents(bank),
    )
    return page_reply(page("Customers", content))


def _people(bank: Bank) -> Markup:
    """Everybody with their accounts. Figures only where somebody has asked for the account: only then is there a
    history."""
    asked_for, accounts = bank.ledger.asked_for(), defaultdict(list)
    for account in bank.ledger.listed():
        accounts[account.psu].append(account)
    people = bank.customers.shown()
    return Markup("").join(_person(bank, person, accounts[person.psu], asked_for) for person in people)


def _person(bank: Bank, scenario: Scenario, accounts: list[Account], asked_for: set[str]) -> Markup:
    rows = Markup("").join(
        Markup('<tr><td>{}</td><td>{}</td><td class="figure">{}</td></tr>').format(
            account.name, spaced_iban(account.iban), _figures(bank, account.id, asked_for)
        )
        for account in accounts
    )
    return Markup(
        '<section><h2><code>{}</code></h2><p>{}</p><div class="scroll"><table><thead><tr><th>Account</th><th>IBAN</th>'
        '<th class="figure">Booked balance</th></tr></thead><tbody>{}</tbody></table></div></section>'
    ).format(scenario.psu, scenario.story, rows)


def _figures(bank: Bank, account_id: str, asked_for: set[str]) -> Markup:
    account = bank.ledger.account(account_id) if account_id in asked_for else None
    if account is None:
        return Markup("not asked for yet")
    today = bank.clock.today()
    return Markup("<br>").join(
        money(bank.ledger.booked_sum(part, today, today), part.currency) for part in bank.ledger.parts(account)
    )


def _consents(bank: Bank) -> Markup:
    found = bank.consents.all(SHOWN_CONSENTS)
    if not found:
        return Markup("<p>None yet. A service asks for one when a customer links this bank.</p>")
    rows = Markup("").join(
        Markup("<tr><td><code>{}…</code></td><td>{}</td><td>{}</td><td>{}</td></tr>").format(
            consent.id[:6], consent.psu or "nobody yet", consent.status, consent.valid_until.isoformat()
        )
        for consent in found
    )
    return Markup(
        '<div class="scroll"><table><thead><tr><th>Consent</th><th>Customer</th><th>Status</th><th>Until</th></tr>'
        "</thead>"
        "<tbody>{}</tbody></table></div>"
    ).format(rows)
