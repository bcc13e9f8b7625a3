"""The mail that offers a mandate."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import send_mail
from django.utils import translation
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from nostro.hub.mandates.models import Mandate


def send_soon(mandate: Mandate) -> None:
    """Queue the mail, in the caller's transaction."""
    send_mandate.defer(mandate_id=str(mandate.id), language=translation.get_language() or "en")


@app.task(name="mandates.send_mandate")
def send_mandate(mandate_id: str, language: str) -> None:
    """Write to the address, in the language of who gave the mandate; nothing when it was withdrawn meanwhile. The link
    holds no secret: who is signed in with the address may accept."""
    mandate = Mandate.objects.select_related("organization", "given_by").filter(id=mandate_id).first()
    if mandate is None or mandate.accepted_at is not None or mandate.ended_at is not None:
        return
    with translation.override(language):
        text = _(
            "%(who)s asks you to act for “%(organization)s” on Nostro: your software may read the accounts that "
            "they chose.\n\n"
            "Open this link, sign in or make an account with this e-mail address, and accept the mandate:\n%(link)s\n"
        ) % {
            "who": mandate.given_by or _("Somebody"),
            "organization": mandate.organization.name,
            "link": f"{settings.PUBLIC_URL}/hub/mandates/",
        }
        send_mail(_("A mandate on Nostro"), text, None, [mandate.email])
