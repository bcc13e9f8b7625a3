"""Small charts as SVG, made on the server: no script, no inline style, and always the data as a table (LOOK.md)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from nostro.web.present import date_text, money_text

Series = Sequence[tuple[date, Decimal]]
WIDTH, HEIGHT, MARGIN = 720, 200, 10
#: A longer series is thinned for the picture (not for the table): more points than pixels show nothing more.
MOST_POINTS = 400
#: The table beneath shows at most two years of days.
MOST_ROWS = 732


def balance_chart(series: Series, *, currency: str, language: str, title: str = "") -> SafeString:
    """The balance of an account over days: a line with a pale area, a zero line when crossed, the last value labelled.

    ``series`` is (day, balance) pairs, oldest first; fewer than two give a sentence instead of a picture. Days are
    placed by date, so that days without a balance keep their width.
    """
    if len(series) < 2:
        return format_html('<p class="muted">{}</p>', gettext("The chart begins when two days of balances are known."))
    name = title or gettext("Balance")
    (first_day, _), (last_day, last) = series[0], series[-1]
    amount = str(money_text(last, currency, language))
    words = {
        "name": name,
        "first": date_text(first_day, language),
        "last": date_text(last_day, language),
        "amount": amount,
    }
    return format_html(
        '<figure class="chart-data">{}<figcaption class="chart__ends"><span>{}</span><span>{} <b>{}</b></span>'
        "</figcaption><details><summary>{}</summary>{}</details></figure>",
        _picture(series, gettext("%(name)s from %(first)s to %(last)s, at the end %(amount)s") % words),
        words["first"],
        words["last"],
        amount,
        gettext("The same as a table"),
        _table(series, currency, language, name),
    )


def sparkline(series: Series, *, label: str = "") -> SafeString:
    """The line alone, for table rows; nothing when there are fewer than two points."""
    if len(series) < 2:
        return SafeString("")
    meaning = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html(
        '<svg class="chart sparkline" viewBox="0 0 {} {}" preserveAspectRatio="none" {}>'
        '<path class="chart__line" d="{}"/></svg>',
        WIDTH,
        HEIGHT,
        meaning,
        _path(_points(_thin(series))),
    )


def _picture(series: Series, spoken: str) -> SafeString:
    """The drawing without words: it is stretched to any width, and words would be stretched with it."""
    points = _points(_thin(series))
    low, high = min(v for _, v in series), max(v for _, v in series)
    line, (last_x, last_y) = _path(points), points[-1]
    zero_y = _height_of(Decimal(0), low, high)
    zero = format_html('<path class="chart__zero" d="M0 {}H{}"/>', _n(zero_y), WIDTH) if low < 0 < high else ""
    return format_html(
        '<svg class="chart" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img" aria-label="{spoken}">'
        '<path class="chart__grid" d="M0 {height}H{width}"/><path class="chart__area" d="{line}V{floor}H0Z"/>'
        '{zero}<path class="chart__line" d="{line}"/><path class="chart__dot" d="M{x} {y}h0"/></svg>',
        width=WIDTH,
        height=HEIGHT,
        spoken=spoken,
        line=line,
        floor=_n(min(max(zero_y, 0), HEIGHT)),
        zero=zero,
        x=_n(last_x),
        y=_n(last_y),
    )


def _table(series: Series, currency: str, language: str, name: str) -> SafeString:
    rows = format_html_join(
        "",
        '<tr><th scope="row">{}</th><td class="figure">{}</td></tr>',
        ((date_text(d, language), str(money_text(v, currency, language))) for d, v in reversed(series[-MOST_ROWS:])),
    )
    return format_html(
        '<div class="scroller" tabindex="0" role="region" aria-label="{0}"><table class="table table--dense">'
        '<thead><tr><th scope="col">{1}</th><th scope="col" class="figure">{0}</th></tr></thead>'
        "<tbody>{2}</tbody></table></div>",
        name,
        gettext("Day"),
        rows,
    )


def _thin(series: Series) -> Series:
    """At most ``MOST_POINTS`` of the points, the first and the last always among them."""
    if len(series) <= MOST_POINTS:
        return series
    stride = (len(series) - 1) / (MOST_POINTS - 1)
    return [series[round(position * stride)] for position in range(MOST_POINTS)]


def _points(series: Series) -> list[tuple[float, float]]:
    first, last = series[0][0], series[-1][0]
    days = max((last - first).days, 1)
    low, high = min(v for _, v in series), max(v for _, v in series)
    return [(WIDTH * (day - first).days / days, _height_of(value, low, high)) for day, value in series]


def _height_of(value: Decimal, low: Decimal, high: Decimal) -> float:
    """Where a value lies, in user units from the top; a flat line lies in the middle."""
    if high == low:
        return HEIGHT / 2
    inner = HEIGHT - 2 * MARGIN
    return HEIGHT - MARGIN - float((value - low) / (high - low)) * inner


def _path(points: Sequence[tuple[float, float]]) -> str:
    head, *rest = points
    return f"M{_n(head[0])} {_n(head[1])}" + "".join(f"L{_n(x)} {_n(y)}" for x, y in rest)


def _n(value: float) -> str:
    """A coordinate with one decimal, without a trailing zero."""
    return f"{value:.1f}".rstrip("0").rstrip(".")
