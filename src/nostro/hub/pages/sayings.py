"""Sentences of the Hub's rooms and connectors that hold values, as messages of the catalogue; pages translate them by
:func:`nostro.web.said.said`. A test compares the list with what the code raises."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

SENTENCES = (
    # connectors
    _("The bank shows more than %(n)s accounts."),
    _("This bank is authorised on its own pages; %(kind)s is not expected here."),
    _("%(bank)s wants a certificate, and this installation has none."),
    _("The bank's answer cannot be read: %(error)s."),
    _("Nostro does not send this request: %(reason)s."),
    _("The bank's answer is too long: %(reason)s."),
    _("This bank wants the authorisation step %(name)s, which Nostro does not offer for it yet."),
    _("The profile of %(bank)s names an unknown access model."),
    _("The dialect profile has a wrong value for %(name)s."),
    _("The bank's answer has no list under %(name)s."),
    # billing
    _("The %(label)s is missing."),
    _("Enter the %(label)s."),
    _("The %(label)s is longer than %(n)s characters."),
    # files
    _("Files in the format %(format)s cannot be written."),
    _("Choose one of %(formats)s."),
    _("At most %(n)s go into one, as many as are read from one."),
    _("At most %(n)s are taken."),
    _("The file %(name)s is too large."),
    _("At most %(n)s MiB are taken."),
    _("Say first what the account %(number)s is."),
    _("The account %(number)s has another currency than the one that was chosen."),
    # integrations, mandates, people
    _("You have %(n)s tokens already."),
    _("An integration can read at most %(n)s accounts."),
    _("The name is longer than %(n)s characters or has characters that cannot be shown."),
    _("The mandate has %(n)s integrations."),
    _("A mandate covers at most %(n)s accounts."),
    _("%(n)s mandates are waiting."),
    _("%(giver)s has given %(receiver)s a mandate before."),
    _("%(n)s invitations are open."),
    _("The invitation is for %(email)s."),
    # linking and reading
    _("%(name)s cannot be used here."),
    _("%(name)s cannot be linked yet."),
    _("%(name)s is being worked on."),
    _("The bank has refused this account %(n)s times without saying why."),
    _("Paused after %(n)s failed runs."),
    _("The bank's list has more than %(pages)s pages or %(rows)s rows."),
)
