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
WIDTH, HEIGHT, TOP, BOTTOM = 720, 220, 28, 26
#: A longer series is thinned for the picture (not for the table): more points than pixels show nothing more.
MOST_POINTS = 400
#: The table beneath shows at most two years of days.
MOST_ROWS = 732


def balance_chart(series: Series, *, currency: str, language: str, title: str = "") -> SafeString:
    """The balance of an account over days: a line with a pale area, a zero line when crossed, the last value labelled.

    ``series`` is (day, balance) pairs, oldest first; fewer than two give a sentence instead of a picture. The balance
    of a day holds until the next, so the line is drawn in steps of days by date, not by position.
    """
    if len(series) < 2:
        return format_html('<p class="muted">{}</p>', gettext("The chart begins when two days of balances are known."))
    name = title or gettext("Balance")
    return format_html(
        '<figure class="chart-data">{}<details><summary>{}</summary>{}</details></figure>',
        _picture(series, currency, language, name),
        gettext("The same as a table"),
        _table(series, currency, language, name),
    )


def sparkline(series: Series, *, label: str = "", width: int = 96, height: int = 24) -> SafeString:
    """The line alone, for table rows; nothing when there are fewer than two points."""
    if len(series) < 2:
        return SafeString("")
    points = _points(_thin(series), width=width, top=2, bottom=height - 2)
    meaning = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html(
        '<svg class="chart sparkline" viewBox="0 0 {} {}" {}><path class="chart__line" d="{}"/></svg>',
        width,
        height,
        meaning,
        _path(points),
    )


def _picture(series: Series, currency: str, language: str, name: str) -> SafeString:
    thinned = _thin(series)
    bottom = HEIGHT - BOTTOM
    points = _points(thinned, width=WIDTH, top=TOP, bottom=bottom)
    low, high = min(v for _, v in series), max(v for _, v in series)
    line, (last_x, last_y) = _path(points), points[-1]
    zero_y = _height_of(Decimal(0), low, high, TOP, bottom)
    floor = min(max(zero_y, TOP), bottom)
    zero = format_html('<path class="chart__zero" d="M0 {0}H{1}"/>', _n(zero_y), WIDTH) if low < 0 < high else ""
    last = str(money_text(series[-1][1], currency, language))
    spoken = gettext("%(name)s from %(first)s to %(last)s, now %(amount)s") % {
        "name": name,
        "first": date_text(series[0][0], language),
        "last": date_text(series[-1][0], language),
        "amount": last,
    }
    return format_html(
        '<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{spoken}">'
        '<path class="chart__grid" d="M0 {bottom}H{width}"/>'
        '<path class="chart__area" d="{line}V{floor}H0Z"/>{zero}<path class="chart__line" d="{line}"/>'
        '<circle class="chart__dot" cx="{last_x}" cy="{last_y}" r="3.5"/>'
        '<text class="chart__value" x="{width}" y="{label_y}" text-anchor="end">{last}</text>'
        '<text class="chart__text" x="0" y="{date_y}">{first_day}</text>'
        '<text class="chart__text" x="{width}" y="{date_y}" text-anchor="end">{last_day}</text></svg>',
        width=WIDTH,
        height=HEIGHT,
        spoken=spoken,
        bottom=bottom,
        line=line,
        floor=_n(floor),
        zero=zero,
        last_x=_n(last_x),
        last_y=_n(last_y),
        label_y=_n(last_y - 10 if last_y > TOP + 6 else last_y + 22),
        last=last,
        date_y=HEIGHT - 6,
        first_day=date_text(series[0][0], language),
        last_day=date_text(series[-1][0], language),
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


def _points(series: Series, *, width: int, top: int, bottom: int) -> list[tuple[float, float]]:
    first, last = series[0][0], series[-1][0]
    days = max((last - first).days, 1)
    low, high = min(v for _, v in series), max(v for _, v in series)
    inner = width - 4  # room for the last dot
    return [(inner * (day - first).days / days, _height_of(v, low, high, top, bottom)) for day, v in series]


def _height_of(value: Decimal, low: Decimal, high: Decimal, top: int, bottom: int) -> float:
    """Where a value lies, in user units from the top; a flat line lies in the middle."""
    if high == low:
        return (top + bottom) / 2
    return bottom - float((value - low) / (high - low)) * (bottom - top)


def _path(points: Sequence[tuple[float, float]]) -> str:
    head, *rest = points
    return f"M{_n(head[0])} {_n(head[1])}" + "".join(f"L{_n(x)} {_n(y)}" for x, y in rest)


def _n(value: float) -> str:
    """A coordinate with one decimal, without a trailing zero."""
    return f"{value:.1f}".rstrip("0").rstrip(".")
