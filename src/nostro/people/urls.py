"""Addresses under /people/: a person's own page, and allauth's for everything about signing in."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from nostro.people import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("settings", views.person_settings, name="person_settings"),
    path("", include("allauth.account.urls")),
    path("second-step/", include("allauth.mfa.urls")),
    path("sessions/", include("allauth.usersessions.urls")),
]
