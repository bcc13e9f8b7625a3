"""Mails about companies."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import send_mail
from django.utils import translation
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from nostro.books.companies.models import CompanyInvitation, Role
from nostro.web.secrets import open_sealed, seal

_CONTEXT = "companies.send_invitation"


def send_soon(invitation: CompanyInvitation, secret: str) -> None:
    """Queue the mail with the link, in the caller's transaction. The queue holds the link's secret sealed."""
    sealed = seal(secret, context=_CONTEXT).hex()
    send_invitation.defer(invitation_id=str(invitation.id), sealed=sealed, language=translation.get_language() or "en")


@app.task(name="books.send_invitation")
def send_invitation(invitation_id: str, sealed: str, language: str) -> None:
    """Write to the invited person, in the language of who invited; nothing when it was withdrawn meanwhile."""
    invitation = CompanyInvitation.objects.select_related("company", "invited_by").filter(id=invitation_id).first()
    if invitation is None or invitation.accepted_at is not None:
        return
    secret = open_sealed(bytes.fromhex(sealed), context=_CONTEXT).decode()
    with translation.override(language):
        text = _(
            "%(who)s asks you to join the books of “%(company)s” as %(role)s.\n\n"
            "Open this link, and sign in or make an account with this e-mail address:\n%(link)s\n\n"
            "The link works once, until %(until)s.\n"
        ) % {
            "who": invitation.invited_by or _("Somebody"),
            "company": invitation.company.name,
            "role": Role(invitation.role).label,
            "link": f"{settings.PUBLIC_URL}/books/invitations/{secret}/",
            "until": invitation.expires_at.date().isoformat(),
        }
        send_mail(_("An invitation to the books of a company"), text, None, [invitation.email])
