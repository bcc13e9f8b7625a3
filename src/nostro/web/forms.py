"""How forms are drawn: label, help and error around each field, tied together for readers of screens."""

from __future__ import annotations

from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """Draws forms with the templates under ``web/forms``; widgets keep Django's own templates."""

    form_template_name = "web/forms/form.html"
    field_template_name = "web/forms/field.html"
