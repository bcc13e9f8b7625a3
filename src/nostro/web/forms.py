"""How forms are drawn: label, help and error around each field, tied together for readers of screens; and what the
forms of both halves share."""

from __future__ import annotations

from babel import Locale
from django import forms
from django.forms.renderers import TemplatesSetting
from django.utils.translation import get_language

from nostro.web.errors import Problem


class Renderer(TemplatesSetting):
    """Draws forms with the templates under ``web/forms``; widgets keep Django's own templates."""

    form_template_name = "web/forms/form.html"
    field_template_name = "web/forms/field.html"


def countries() -> list[tuple[str, str]]:
    """ISO 3166-1 codes with their names in the reader's language, by name."""
    territories = Locale.parse(get_language() or "en", sep="-").territories
    named = [(code, name) for code, name in territories.items() if len(code) == 2 and code.isalpha() and code != "ZZ"]
    return sorted(named, key=lambda pair: pair[1])


def add_problem(form: forms.Form, problem: Problem) -> None:
    """Show a refusal beside the field it names, or above the form."""
    field = problem.field if problem.field in form.fields else None
    sentences = " ".join(part for part in (problem.what, problem.why, problem.what_to_do) if part)
    form.add_error(field, forms.ValidationError(sentences, code=problem.code))
