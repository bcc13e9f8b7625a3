"""The deprecated API token of an organization: replace it by an integration with one click, and revoke it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from nostro.hub.integrations.legacy import migrate_legacy_token, revoke_legacy_token
from nostro.hub.organizations.models import Role
from nostro.hub.pages.once import keep_secret
from nostro.hub.pages.shell import OrganizationRequest, now, organization_page


@organization_page(role=Role.ADMIN)
@require_POST
def replace_token(request: OrganizationRequest) -> HttpResponse:
    """Make an integration with the token's accounts; its ids are shown once, and the token works on meanwhile."""
    integration, secret = migrate_legacy_token(request.user, request.organization.id, now())
    keep_secret(request.user, integration, secret)
    return redirect("hub:integration_secret", integration_id=integration.id)


@organization_page(role=Role.ADMIN)
@require_POST
def revoke_token(request: OrganizationRequest) -> HttpResponse:
    """End the token."""
    revoke_legacy_token(request.user, request.organization.id, now())
    messages.success(request, _("The API token is revoked."))
    return redirect("hub:integrations", organization_id=request.organization.id)
