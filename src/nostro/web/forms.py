"""How forms are drawn: label, help and error around each field, tied together for readers of screens; and what the
forms of both halves share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from babel import Locale
from django import forms
from django.forms.renderers import TemplatesSetting
from django.utils.translation import get_language

from nostro.web.errors import Problem
from nostro.web.said import said

#: What the list of territories holds beside countries: unions, and codes for the unknown.
_NO_COUNTRY = {"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"}


class Renderer(TemplatesSetting):
    """Draws forms with the templates under ``web/forms``; widgets keep Django's own templates."""

    form_template_name = "web/forms/form.html"
    field_template_name = "web/forms/field.html"


class ManyFilesInput(forms.FileInput):
    """A field that takes several files; they may be dropped on it."""

    allow_multiple_selected = True


def countries() -> list[tuple[str, str]]:
    """ISO 3166-1 codes with their names in the reader's language, by name."""
    codes = (code for code in _territories() if len(code) == 2 and code.isalpha())
    return country_names(code for code in codes if code not in _NO_COUNTRY)


def country_names(codes: Iterable[str]) -> list[tuple[str, str]]:
    """These codes with their names, by name."""
    territories = _territories()
    return sorted(((code, territories.get(code, code)) for code in codes), key=lambda pair: pair[1])


def _territories() -> Mapping[str, str]:
    territories: Mapping[str, str] = Locale.parse(get_language() or "en", sep="-").territories
    return territories


def add_problem(form: forms.Form, problem: Problem) -> None:
    """Show a refusal beside the field it names, or above the form."""
    field = problem.field if problem.field in form.fields else None
    sentences = " ".join(said(part) for part in (problem.what, problem.why, problem.what_to_do) if part)
    form.add_error(field, forms.ValidationError(sentences, code=problem.code))
