"""Addresses of the API, from the table of endpoints."""

from __future__ import annotations

from django.urls import path, re_path

from nostro.books.api import views
from nostro.books.api.routing import ENDPOINTS

app_name = "books_api"

urlpatterns = [
    path("openapi.json", views.openapi, name="openapi"),
    *(path(each, views.answer, {"path": each}) for each in dict.fromkeys(endpoint.path for endpoint in ENDPOINTS)),
    re_path(r"^(?P<rest>[\s\S]*)$", views.unknown),  # "path" would leave one with a line break to the pages
]
