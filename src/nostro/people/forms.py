"""Forms about a person: the names asked at sign-up, and their settings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from nostro.people.models import User

NAME_LENGTH = 100
THEME_CHOICES = [("", _("As the system")), ("light", _("Light")), ("dark", _("Dark"))]


class SignUpForm(forms.Form):
    """What allauth's sign-up form asks besides e-mail address and password."""

    first_name = forms.CharField(
        label=_("First name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    last_name = forms.CharField(
        label=_("Last name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    field_order = ("first_name", "last_name", "email", "password1", "password2")

    def signup(self, request: HttpRequest, user: User) -> None:
        """Called by allauth once the person is stored; the names are on it already, the language is not."""
        user.locale = getattr(request, "LANGUAGE_CODE", settings.LANGUAGE_CODE)
        user.save(update_fields=["locale"])


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]
    """Names, language, and (on this device only, as a cookie) light or dark."""

    locale = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    theme = forms.ChoiceField(
        label=_("Light or dark"), choices=THEME_CHOICES, required=False, help_text=_("On this device.")
    )

    class Meta:
        model = User
        fields = ("first_name", "last_name", "locale")
        labels = {"first_name": _("First name"), "last_name": _("Last name")}
        widgets = {
            "first_name": forms.TextInput(attrs={"autocomplete": "given-name"}),
            "last_name": forms.TextInput(attrs={"autocomplete": "family-name"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["first_name"].required = True
