"""The building blocks of LOOK.md as template tags: ``{% load nostro %}``.

How to use each is in docs/contributing/pages.md; all of them together are shown at ``/look``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django import template
from django.template.loader import get_template
from django.utils import timezone, translation
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from nostro.web import charts, icons, present
from nostro.web.said import said

register = template.Library()
register.filter("said", said)
Context = template.Context

#: What a tone is drawn with: state is never colour alone.
SHAPES = {"good": "check", "warn": "triangle", "bad": "cross", "act": "dot", "quiet": "ring"}


#: Parameters of an address that narrow no list.
NO_FILTER = {"mode", "sort", "cursor"}


def _language() -> str:
    return translation.get_language() or "en"


# --- values -------------------------------------------------------------------------------------------------


@register.simple_tag
def money(amount: Decimal | str | int | None, currency: str = "", signed: bool = False) -> str:
    """An amount with its currency, by locale; the sign is spelled out for readers of screens.

    ``None`` (the bank did not say) is an em dash. ``signed`` writes the plus too, as lists of transactions do.
    """
    if amount is None or amount == "":
        return format_html('<span class="muted" title="{}">—</span>', gettext("unknown"))
    try:
        value = amount if isinstance(amount, Decimal) else Decimal(amount)
    except InvalidOperation:
        return format_html("<bdi>{}</bdi>", amount)
    text = present.money_text(value, currency, _language(), signed=signed)
    kind = "negative" if value < 0 else "positive" if value > 0 else "zero"
    spoken = {present.MINUS: gettext("minus"), "+": gettext("plus")}.get(text.sign, "")
    sign: str = SafeString("")
    if text.sign:
        sign = format_html(
            '<span class="visually-hidden">{} </span><span class="money__sign" aria-hidden="true">{}</span>',
            spoken,
            text.sign,
        )
    return format_html(
        '<data class="money money--{}{}" value="{}"><bdi>{}{}</bdi>{}</data>',
        kind,
        " money--signed" if signed else "",
        format(value, "f"),
        sign,
        text.digits,
        format_html(' <span class="money__currency">{}</span>', currency) if currency else "",
    )


@register.filter
def browser_name(agent: str) -> str:
    """A browser and its system as people call them, from the header by which it introduces itself."""
    browser, system = present.browser_name(agent)
    if not browser:
        return gettext("a program")
    return gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system} if system else browser


@register.simple_tag
def iban(value: str | None, copy: bool = True) -> str:
    """An IBAN (or other account number) in groups of four, with a button that copies it without spaces."""
    if not value:
        return format_html('<span class="muted">{}</span>', gettext("no number"))
    groups = present.iban_groups(value)
    button = copy_button("".join(groups), gettext("Copy %(number)s") % {"number": " ".join(groups)}) if copy else ""
    return format_html('<span class="iban"><bdi class="iban__text">{}</bdi>{}</span>', " ".join(groups), button)


@register.simple_tag
def copy_button(value: str, label: str = "", words: bool = False) -> str:
    """A button that copies ``value``; hidden until the script runs, because only that can copy."""
    return format_html(
        '<button type="button" class="{}" data-copy="{}" data-copied="{}" aria-label="{}" title="{}" hidden>'
        "{}{}</button>",
        "button button--small" if words else "icon-button",
        value,
        gettext("Copied"),
        label or gettext("Copy"),
        label or gettext("Copy"),
        icons.icon("copy"),
        format_html(" <span>{}</span>", label or gettext("Copy")) if words else "",
    )


@register.simple_tag
def bank_mark(bic: str = "", name: str = "", size: int = 32) -> str:
    """The bank's initials on its own colour; decoration, because the name stands beside it."""
    mark = present.bank_mark(bic or "", name or "")
    return format_html(
        '<svg class="bank-mark" width="{0}" height="{0}" viewBox="0 0 32 32" aria-hidden="true" focusable="false">'
        '<rect width="32" height="32" rx="6" fill="{1}"/><text x="16" y="20.5" fill="#ffffff" font-size="13" '
        'font-weight="600" text-anchor="middle">{2}</text></svg>',
        size,
        mark.fill,
        mark.initials,
    )


@register.simple_tag
def icon(name: str, label: str = "") -> str:
    """One of our own icons, 16 px: see nostro.web.icons. With a label it is read aloud, else it is decoration."""
    return icons.icon(name, label)


@register.simple_tag
def text(value: Any) -> str:
    """Text from a bank: escaped and isolated, so that right-to-left marks in it cannot turn its surroundings."""
    return format_html('<bdi class="text">{}</bdi>', "" if value is None else value)


@register.simple_tag(takes_context=True)
def relative(context: Context, value: datetime | None, now: datetime | None = None) -> str:
    """A time as people say it, with the exact time on hover. ``now`` may be passed, or be ``now`` in the context."""
    if value is None:
        return format_html('<span class="muted">{}</span>', gettext("never"))
    zone = timezone.get_current_timezone()
    moment = now or context.get("now") or timezone.now()
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        value.isoformat(),
        present.exact_time_text(value, _language(), zone),
        present.relative_time_text(value, moment, _language(), zone),
    )


@register.simple_tag
def day(value: date | None, length: str = "medium") -> str:
    """A date by locale. Dates from banks have no time zone and are shown as they are."""
    if value is None:
        return format_html('<span class="muted">{}</span>', "—")
    plain = timezone.localtime(value).date() if isinstance(value, datetime) else value
    return format_html(
        '<time datetime="{}">{}</time>', plain.isoformat(), present.date_text(plain, _language(), length=length)
    )


@register.simple_tag
def number(value: int | Decimal | None) -> str:
    """A count with the locale's separators."""
    return "—" if value is None else present.number_text(value, _language())


# --- charts -------------------------------------------------------------------------------------------------


@register.simple_tag
def balance_chart(series: Iterable[tuple[date, Decimal]], currency: str, title: str = "") -> str:
    """The balance line of an account with the same data as a table beneath. ``series``: (day, balance) pairs."""
    return charts.balance_chart(list(series), currency=currency, language=_language(), title=title)


@register.simple_tag
def sparkline(series: Iterable[tuple[date, Decimal]], label: str = "") -> str:
    """The same line, small and without words, for table rows."""
    return charts.sparkline(list(series), label=label)


# --- blocks -------------------------------------------------------------------------------------------------


@register.inclusion_tag("web/blocks/state.html", takes_context=True)
def state(context: Context, tone: str, word: str, sentence: str = "", **button: Any) -> dict[str, Any]:
    """A state line: shape and word in a tone (good, warn, bad, act, quiet), one sentence, one button.

    ``url`` and ``label`` make the button: it sends a POST form, or is a link with ``post=False``.
    """
    parts = {"tone": tone, "shape": SHAPES[tone], "word": word, "sentence": said(sentence)}
    return {"post": True, **button, **parts, "csrf_token": context.get("csrf_token", "")}


@register.simple_tag
def chip(tone: str, word: str) -> str:
    """The state's shape and word alone, for table cells."""
    return format_html('<span class="chip tone-{}">{}{}</span>', tone, icons.icon(SHAPES[tone]), word)


@register.simple_block_tag(takes_context=True)
def notice(context: Context, content: str, **parts: Any) -> str:
    """What happened, why, what to do, with code and correlation id; the content holds further markup or actions. What a
    room or a connector wrote is put into the reader's language.

    Parts: ``tone`` (default warn), ``what``, ``why``, ``what_to_do``, ``code``, ``correlation_id``; ``problem`` gives
    all of them at once from a ``nostro.web.errors.Problem``.
    """
    problem = parts.pop("problem", None)
    if problem is not None:
        told = {name: getattr(problem, name) for name in ("what", "why", "what_to_do", "code")}
        parts = {"tone": "bad", "correlation_id": context.get("correlation_id", ""), **told, **parts}
    tone = parts.get("tone", "warn")
    parts |= {name: said(parts[name]) for name in ("what", "why", "what_to_do") if parts.get(name)}
    return _render("notice", {**parts, "tone": tone, "shape": SHAPES[tone], "content": content.strip()})


@register.simple_block_tag
def page_header(content: str, question: str, **parts: Any) -> str:
    """The head of a page: ``question`` (the one h1), the answer, one main action as content.

    Parts: ``answer`` (safe markup, for example from ``{% money … as total %}``), ``lead`` (a sentence),
    ``trail_url`` and ``trail`` (the way back).
    """
    return _render("page_header", {**parts, "question": question, "content": content.strip()})


@register.simple_block_tag(takes_context=True)
def confirm(context: Context, content: str, label: str, **parts: Any) -> str:
    """A button that asks before it acts. The content names the consequence (and may hold further form fields).

    Parts: ``url`` (a POST goes there), ``title``, ``action`` (the verb on the acting button; default ``label``),
    ``danger`` (True for what cannot be undone), ``name`` and ``value`` (one hidden field). Works without a script.
    """
    merged = {"title": label, "action": label, **parts, "label": label, "content": content}
    return _render("confirm", {**merged, "csrf_token": context.get("csrf_token", "")})


@register.simple_block_tag(takes_context=True)
def filter_bar(context: Context, content: str, url: str = "", label: str = "") -> str:
    """A plain GET form around the fields of a filter. ``url`` is where it asks; default this page."""
    request = context.get("request")
    narrowed = any(value for name, value in request.GET.items() if name not in NO_FILTER) if request else False
    return _render(
        "filter_bar", {"content": content, "url": url, "label": label, "request": request, "narrowed": narrowed}
    )


@register.simple_block_tag
def empty(content: str, title: str, sentence: str = "") -> str:
    """What is shown instead of an empty table: what would be here, and (content) the button that fills it."""
    return _render("empty", {"title": title, "sentence": sentence, "content": content.strip()})


@register.inclusion_tag("web/blocks/secret.html")
def secret(value: str, label: str, once: bool = True) -> dict[str, Any]:
    """A secret or id to copy. ``once`` says aloud that it will not be shown again."""
    return {"value": value, "label": label, "once": once}


@register.inclusion_tag("web/blocks/progress.html")
def progress(done: int | None, total: int | None, label: str, sentence: str = "") -> dict[str, Any]:
    """Real numbers: ``done`` of ``total``; without a known total only the count, never an invented percentage."""
    return {"done": done, "total": total, "label": label, "sentence": sentence}


@register.inclusion_tag("web/blocks/steps.html")
def steps(labels: Iterable[str] | str, current: int) -> dict[str, Any]:
    """Where somebody is in a flow. ``labels``: a list, or one text with ``|`` between; ``current`` counts from 1."""
    names = labels.split("|") if isinstance(labels, str) else labels
    return {"steps": [{"number": n, "label": label.strip()} for n, label in enumerate(names, 1)], "current": current}


@register.inclusion_tag("web/blocks/definitions.html")
def definitions(rows: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Name and value pairs; pairs without a value are left out. Values are escaped and isolated unless safe."""
    return {"rows": [(name, value) for name, value in rows if value not in (None, "")]}


@register.inclusion_tag("web/blocks/activity.html", takes_context=True)
def activity(context: Context, items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What happened, newest first. An item has ``when`` and ``sentence``, and may have ``tone`` and ``url``."""
    shaped = [{**item, "shape": SHAPES[item.get("tone") or "quiet"]} for item in items]
    return {"items": shaped, "now": context.get("now")}


@register.inclusion_tag("web/blocks/day_heading.html")
def day_heading(value: date, sums: Iterable[tuple[Decimal, str]] = (), level: int = 2) -> dict[str, Any]:
    """The head of a day in a list, with the day's sum per currency: ``sums`` are (amount, currency) pairs."""
    return {"day": value, "sums": list(sums), "level": level}


@register.inclusion_tag("web/blocks/tabs.html")
def tabs(items: Iterable[Mapping[str, Any]], label: str = "") -> dict[str, Any]:
    """Links to the sides of one page. An item has ``url``, ``label``, ``current`` (bool), perhaps ``count``."""
    return {"items": items, "label": label}


@register.inclusion_tag("web/blocks/pager.html")
def pager(older: str = "", newer: str = "", sentence: str = "") -> dict[str, Any]:
    """Keyset paging: addresses of the next and the previous page; ``sentence`` says what is shown."""
    return {"older": older, "newer": newer, "sentence": sentence}


@register.inclusion_tag("web/blocks/sort_head.html", takes_context=True)
def sort_head(context: Context, key: str, label: str, css: str = "", first: str = "asc") -> dict[str, Any]:
    """A head cell whose link sorts. Reads and writes ``?sort=key`` or ``?sort=-key`` and drops the cursor.

    ``first`` is the direction of the first click; ``css`` is ``figure`` for numbers.
    """
    query = context["request"].GET.copy()
    current = query.get("sort", "")
    for name in ("cursor", "before", "after", "page"):
        query.pop(name, None)
    ascending, descending = key, f"-{key}"
    opening = ascending if first == "asc" else descending
    other = descending if opening == ascending else ascending
    query["sort"] = other if current == opening else opening
    direction = {ascending: "ascending", descending: "descending"}.get(current, "")
    return {"label": label, "css": css, "direction": direction, "query": query.urlencode()}


@register.inclusion_tag("web/blocks/field.html")
def field(bound: Any, css: str = "") -> dict[str, Any]:
    """A form field with label, help and error, tied together for readers of screens."""
    return {"field": bound, "css": css}


@register.simple_tag
def sandbox_mark() -> str:
    """The mark of everything that holds no real money."""
    return format_html('<span class="sandbox-mark">{}</span>', gettext("Sandbox"))


def _render(name: str, context: dict[str, Any]) -> str:
    # Content of block tags was rendered by the same engine, so it is safe already.
    if "content" in context:
        context["content"] = mark_safe(context["content"])  # noqa: S308
    return get_template(f"web/blocks/{name}.html").render(context)
