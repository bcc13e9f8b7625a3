"""The front page: sends a person who is signed in to the Hub's overview, shows others what Nostro is."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse


def home(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return render(request, "web/home.html")
    try:
        return redirect(reverse("hub:overview"))
    except NoReverseMatch:
        # An installation may run without the Hub's pages.
        return redirect("person_settings")
