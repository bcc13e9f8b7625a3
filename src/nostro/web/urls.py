"""All addresses. The public API is answered before Django's middleware, see nostro.web.wsgi."""

from __future__ import annotations

from django.urls import include, path

from nostro.web import views

urlpatterns = [
    path("health", views.health, name="health"),
    path("ready", views.ready, name="ready"),
    path("people/", include("nostro.people.urls")),
    path("hub/", include("nostro.hub.pages.urls")),
    path("books/", include("nostro.books.pages.urls")),
    path("", include("nostro.web.home")),
]
