"""All addresses of pages. The public API is answered before Django's middleware, see nostro.web.wsgi."""

from __future__ import annotations

from django.urls import include, path

from nostro.hub.api.docs_page import api_documentation
from nostro.hub.pages import consent, paying, payments, signing
from nostro.web import shared_urls
from nostro.web.shared_urls import handler400, handler403, handler404, handler429, handler500

__all__ = ["handler400", "handler403", "handler404", "handler429", "handler500", "urlpatterns"]

#: What a vendor's request leads to has the path of the original (hub-api.md 7.8).
_REQUEST = (
    "<uuid:organization_id>/integrations/<uuid:integration_id>/accounts/<uuid:account_id>"
    "/reauthorization-requests/<uuid:request_id>"
)

_OF_INTEGRATION = "<uuid:organization_id>{}/integrations/<uuid:integration_id>"
_LIVE_AND_SANDBOX = (_OF_INTEGRATION.format(""), _OF_INTEGRATION.format("/sandbox"))

#: What software was told in ``links.redirect`` (hub-api.md 7.5 to 7.8).
_PAYMENTS = [
    *(
        path(f"authorize/organizations/{start}/accounts/<uuid:account_id>/{kind}/<uuid:payment_id>", payments.authorize)
        for start in _LIVE_AND_SANDBOX
        for kind in ("payments", "bulk-payments")
    ),
    *(
        path(f"authorize/organizations/{start}/{kind}/<uuid:request_id>", paying.activate)
        for start in _LIVE_AND_SANDBOX
        for kind in ("payment-activation-requests", "payment-request-activation-requests")
    ),
    path("pay/return/", payments.returned, name="payment_return"),
    path("pay/signing/<uuid:signing_id>/", signing.step, name="signing"),
    path("pay/signing/<uuid:signing_id>/answer/", signing.answer, name="answer_signing"),
    path("pay/signing/<uuid:signing_id>/ask/", signing.ask, name="ask_signing"),
    path("pay/signing/<uuid:signing_id>/leave/", signing.leave, name="cancel_signing"),
    path("pay/organizations/<uuid:organization_id>/payment-requests/<uuid:payment_id>", paying.pay, name="pay"),
]

urlpatterns = [
    *shared_urls.urlpatterns,
    path("oauth2/auth", consent.authorize, name="authorize"),
    path("ponto-connect/oauth2/auth", consent.authorize),
    path(f"authorize/organizations/{_REQUEST}", consent.reauthorize, name="reauthorize"),
    path(f"authorize/organizations/{_REQUEST.replace('/integrations', '/sandbox/integrations')}", consent.reauthorize),
    *_PAYMENTS,
    path("docs/api", api_documentation, name="api_documentation"),
    path("hub/", include("nostro.hub.pages.urls")),
    path("books/api/", include("nostro.books.api.urls")),
    path("books/", include("nostro.books.pages.urls")),
]
