"""What the login pages of redirect and OAuth share, and leading the browser back."""

from __future__ import annotations

from urllib.parse import urlsplit

from markupsafe import Markup
from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.scenarios import PASSWORD


def login_form(bank: Bank, lead: str, message: Markup | str, psu: str) -> Markup:
    """The content of a login page."""
    people = Markup("").join(
        Markup("<li><code>{}</code> {}</li>").format(scenario.psu, scenario.story)
        for scenario in bank.customers.shown()
    )
    return Markup(
        "<h1>Who are you?</h1><p>{lead}</p>{message}"
        '<form method="post"><p class="field"><label for="psu">User name</label>'
        '<input id="psu" name="psu" value="{psu}" autocomplete="username" maxlength="70" required></p>'
        '<p class="field"><label for="password">Password</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" maxlength="70" required>'
        "</p>"
        '<p class="hint">The password of every test user is <code>{password}</code>.</p>'
        '<p class="actions"><button name="act" value="log-in">Log in</button></p></form>'
        '<form method="post"><p class="actions"><button class="quiet" name="act" value="deny">Cancel and go back'
        "</button></p></form><details><summary>Test users</summary><ul>{people}</ul></details>"
    ).format(lead=lead, message=message, psu=psu, password=PASSWORD, people=people)


def back_to(address: str) -> Response:
    """To an address of the service, letter for letter, so that its state is kept."""
    response = Response(status=303, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    response.autocorrect_location_header = False
    response.headers["Location"] = address
    return response


def origin(address: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
