"""All addresses of pages. The public API is answered before Django's middleware, see nostro.web.wsgi."""

from __future__ import annotations

from django.urls import include, path

from nostro.hub.api.docs_page import api_documentation
from nostro.web import shared_urls
from nostro.web.shared_urls import handler400, handler403, handler404, handler429, handler500

__all__ = ["handler400", "handler403", "handler404", "handler429", "handler500", "urlpatterns"]

urlpatterns = [
    *shared_urls.urlpatterns,
    path("docs/api", api_documentation, name="api_documentation"),
    path("hub/", include("nostro.hub.pages.urls")),
    path("books/", include("nostro.books.pages.urls")),
]
