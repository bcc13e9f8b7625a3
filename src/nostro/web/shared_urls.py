"""Addresses that belong to neither half, and the pages for errors. ``nostro.web.urls`` adds the two halves."""

from __future__ import annotations

from django.urls import include, path

from nostro.web import home, look, metrics, views

handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler429 = views.too_many
handler500 = views.server_error

urlpatterns = [
    path("", home.home, name="home"),
    path("health", views.health, name="health"),
    path("ready", views.ready, name="ready"),
    path("metrics", metrics.metrics, name="metrics"),
    path("theme", views.set_theme, name="set_theme"),
    path("look", look.look, name="look"),
    path("people/", include("nostro.people.urls")),
]
