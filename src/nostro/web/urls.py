"""All addresses of pages. The public API is answered before Django's middleware, see nostro.web.wsgi."""

from __future__ import annotations

from django.urls import include, path

from nostro.hub.api.docs_page import api_documentation
from nostro.hub.pages import consent
from nostro.web import shared_urls
from nostro.web.shared_urls import handler400, handler403, handler404, handler429, handler500

__all__ = ["handler400", "handler403", "handler404", "handler429", "handler500", "urlpatterns"]

#: What a vendor's request leads to has the path of the original (hub-api.md 7.8).
_REQUEST = (
    "<uuid:organization_id>/integrations/<uuid:integration_id>/accounts/<uuid:account_id>"
    "/reauthorization-requests/<uuid:request_id>"
)

urlpatterns = [
    *shared_urls.urlpatterns,
    path("oauth2/auth", consent.authorize, name="authorize"),
    path("ponto-connect/oauth2/auth", consent.authorize),
    path(f"authorize/organizations/{_REQUEST}", consent.reauthorize, name="reauthorize"),
    path(f"authorize/organizations/{_REQUEST.replace('/integrations', '/sandbox/integrations')}", consent.reauthorize),
    path("docs/api", api_documentation, name="api_documentation"),
    path("hub/", include("nostro.hub.pages.urls")),
    path("books/", include("nostro.books.pages.urls")),
]
