"""The language a person chose in their settings is the language of their pages."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from nostro.people.models import User
from nostro.web.middleware import GetResponse


def language(get_response: GetResponse) -> GetResponse:
    """Use the person's language once they are signed in; before that, Django's LocaleMiddleware asks the browser."""

    def middleware(request: HttpRequest) -> HttpResponse:
        # Without a session cookie nobody is signed in, and the database need not be asked.
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            person = request.user
            if isinstance(person, User) and translation.check_for_language(person.locale):
                translation.activate(person.locale)
                request.LANGUAGE_CODE = translation.get_language() or settings.LANGUAGE_CODE
        return get_response(request)

    return middleware
