"""The bank at a glance: who can log in, what they have, which consents exist, how much of the quota is used."""

from __future__ import annotations

from markupsafe import Markup
from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.ledger import Account
from nostro.sandbox.pages import money, page, spaced_iban
from nostro.sandbox.protocol import Record
from nostro.sandbox.replies import page_reply
from nostro.sandbox.requests import BankRequest
from nostro.sandbox.scenarios import CODE, PASSWORD, SCENARIOS

SHOWN_CONSENTS = 20


def show(bank: Bank, request: BankRequest, record: Record) -> Response:
    """``GET /``."""
    del request, record
    content = Markup(
        "<h1>Who banks here?</h1><p>The bank's clock: <time>{clock}</time> ({kind}), seed {seed}. "
        "Password of every test user: <code>{password}</code>, code <code>{code}</code>. A service that speaks Berlin "
        "Group XS2A starts at <code>POST /v1/consents</code>.</p>{people}<h2>Consents</h2>{consents}"
    ).format(
        clock=bank.clock.now().strftime("%Y-%m-%d %H:%M UTC"),
        kind=bank.clock.kind,
        seed=bank.seed,
        password=PASSWORD,
        code=CODE,
        people=Markup("").join(_person(bank, psu) for psu in SCENARIOS),
        consents=_consents(bank),
    )
    return page_reply(page("Customers", content))


def _person(bank: Bank, psu: str) -> Markup:
    rows = Markup("").join(_account_row(bank, account) for account in bank.ledger.accounts(psu))
    return Markup(
        '<section><h2><code>{}</code></h2><p>{}</p><div class="scroll"><table><thead><tr><th>Account</th><th>IBAN</th>'
        '<th class="figure">Booked balance</th></tr></thead><tbody>{}</tbody></table></div></section>'
    ).format(psu, SCENARIOS[psu].story, rows)


def _account_row(bank: Bank, account: Account) -> Markup:
    today = bank.clock.today()
    figures = Markup("<br>").join(
        money(bank.ledger.booked_sum(p.id, today), p.currency) for p in bank.ledger.parts(account)
    )
    return Markup('<tr><td>{}</td><td>{}</td><td class="figure">{}</td></tr>').format(
        account.name, spaced_iban(account.iban), figures
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
