"""The front page: sends a person who is signed in to the Hub's overview, shows others what Nostro is."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path


def home(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("hub:overview")
    return render(request, "web/home.html")


urlpatterns = [path("", home, name="home")]
