"""How amounts, account numbers, dates and texts from banks are shown."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.template import engines
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from nostro.web import present

HOSTILE = "<script>alert('x')</script>\N{RIGHT-TO-LEFT OVERRIDE}&\"'"
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
BRUSSELS = ZoneInfo("Europe/Brussels")


def render(source: str, language: str = "en", **context) -> str:
    with translation.override(language):
        return engines["django"].from_string("{% load nostro %}" + source).render(context)


@pytest.mark.parametrize(
    ("amount", "currency", "language", "text"),
    [
        ("1234567.5", "EUR", "en", "1,234,567.50 EUR"),
        ("-1234.5", "EUR", "nl", "−1.234,50 EUR"),
        ("1234.5", "EUR", "de", "1.234,50 EUR"),
        ("1234.5", "EUR", "fr", "1\u202f234,50 EUR"),
        ("98000", "JPY", "en", "98,000 JPY"),
        ("-320", "JPY", "nl", "−320 JPY"),
        ("415.125", "KWD", "en", "415.125 KWD"),
        ("-0.005", "KWD", "de", "−0,005 KWD"),
        ("0", "JPY", "en", "0 JPY"),
        ("0.005", "EUR", "en", "0.005 EUR"),
        ("120.000000", "JPY", "en", "120 JPY"),
        ("-0", "EUR", "en", "0.00 EUR"),
    ],
)
def test_amounts_are_written_by_locale_with_the_decimals_of_their_currency(amount, currency, language, text):
    assert str(present.money_text(Decimal(amount), currency, language)) == text


@given(st.decimals(-(10**18), 10**18, places=3), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_no_digit_of_an_amount_is_lost_on_the_way_to_the_eye(amount, currency):
    text = present.money_text(amount, currency, "en")
    shown = Decimal(text.digits.replace(",", "")) * (-1 if text.sign == present.MINUS else 1)
    assert shown == amount


@pytest.mark.parametrize(("amount", "currency"), [("-84.20", "EUR"), ("-320", "JPY"), ("-12.500", "KWD")])
def test_a_negative_amount_is_told_by_sign_and_word_and_not_by_colour_alone(amount, currency):
    html = render("{% money amount currency %}", amount=Decimal(amount), currency=currency)
    assert f">−</span>{amount[1:]}" in html
    assert '<span class="visually-hidden">minus </span>' in html and 'aria-hidden="true">−' in html
    assert "money--negative" in html and f'value="{amount}"' in html and currency in html


def test_a_plus_is_written_where_the_direction_matters():
    assert ">+</span>98,000" in render("{% money amount 'JPY' signed=True %}", amount=Decimal(98000))
    assert "+" not in render("{% money amount 'JPY' %}", amount=Decimal(98000))


@pytest.mark.parametrize("value", [None, ""])
def test_an_amount_the_bank_did_not_say_is_a_dash_and_never_a_nought(value):
    html = render("{% money value 'EUR' %}", value=value)
    assert "—" in html and "0" not in html


@pytest.mark.parametrize(
    "source",
    [
        "{% text value %}",
        "{% money 1 value %}",
        "{% money value 'EUR' %}",
        "{% iban value %}",
        "{% bank_mark value value %}",
        "{% copy_button value value %}",
        "{% icon 'plus' value %}",
        "{% state 'good' value value url=value label=value %}",
        "{% chip 'good' value %}",
        "{% notice what=value why=value what_to_do=value code=value correlation_id=value %}{{ value }}{% endnotice %}",
        "{% page_header question=value answer=value lead=value trail=value %}{{ value }}{% endpage_header %}",
        "{% confirm value url=value title=value action=value name=value value=value %}{{ value }}{% endconfirm %}",
        "{% empty title=value sentence=value %}{{ value }}{% endempty %}",
        "{% filter_bar url=value label=value %}{{ value }}{% endfilter_bar %}",
        "{% secret value value %}",
        "{% progress 1 2 value value %}",
        "{% steps values 1 %}",
        "{% definitions pairs %}",
        "{% activity items %}",
        "{% tabs items value %}",
        "{% pager value value value %}",
        "{% balance_chart series value value %}",
        "{% sparkline series value %}",
    ],
)
def test_hostile_text_is_harmless_in_every_block(source):
    html = render(
        source,
        value=HOSTILE,
        values=[HOSTILE],
        pairs=[(HOSTILE, HOSTILE)],
        items=[{"when": NOW, "sentence": HOSTILE, "url": HOSTILE, "label": HOSTILE}],
        series=[(date(2026, 1, 1), Decimal(1)), (date(2026, 1, 2), Decimal(2))],
    )
    assert "<script" not in html.lower() and "alert('x')" not in html
    assert len(html) > 20


def test_text_of_a_bank_is_isolated_from_what_stands_around_it():
    assert render("{% text value %}", value="\N{RIGHT-TO-LEFT OVERRIDE}x") == '<bdi class="text">\u202ex</bdi>'


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("BE68539007547034", "BE68 5390 0754 7034"),
        ("nl91 abna 0417164300".upper(), "NL91 ABNA 0417 1643 00"),
        ("12345", "1234 5"),
    ],
)
def test_account_numbers_stand_in_groups_of_four_and_are_copied_without_spaces(value, shown):
    html = render("{% iban value %}", value=value)
    assert f">{shown}</bdi>" in html
    assert f'data-copy="{shown.replace(" ", "")}"' in html


def test_a_bank_has_one_colour_for_ever_and_its_letters_can_be_read_on_it():
    marks = [present.bank_mark(f"{chr(65 + n % 26)}BANKBE{n:02}", f"Bank {n}") for n in range(300)]
    assert present.bank_mark("KREDBEBB", "KBC Bank") == present.bank_mark("KREDBEBBXXX", "KBC Bank")
    assert present.bank_mark("", "").initials
    for mark in marks:
        hue, saturation, lightness = (float(part.strip("%")) for part in mark.fill[4:-1].split())
        assert contrast_with_white(hue, saturation / 100, lightness / 100) >= 4.5


def contrast_with_white(hue: float, saturation: float, lightness: float) -> float:
    import colorsys

    channels = colorsys.hls_to_rgb(hue / 360, lightness, saturation)
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=40), "40 seconds ago"),
        (timedelta(minutes=5), "5 minutes ago"),
        (timedelta(minutes=-5), "in 5 minutes"),
        (timedelta(hours=2), "08:30"),
        (timedelta(days=3), "21 Nov, 10:30"),
        (timedelta(days=400), "20 Oct 2025"),
    ],
)
def test_times_are_said_as_people_say_them(ago, text):
    assert present.relative_time_text(NOW - ago, NOW, "en", BRUSSELS) == text


def test_the_exact_time_is_there_for_hover_and_for_programs():
    html = render("{% relative when %}", when=NOW - timedelta(hours=2), now=NOW)
    assert 'datetime="2026-11-24T07:30:00+00:00"' in html and "24 November 2026, 08:30:00" in html
    assert "never" in render("{% relative when %}", when=None)


def test_dates_of_banks_are_shown_as_they_are():
    assert render("{% day value %}", value=date(2026, 1, 31)) == '<time datetime="2026-01-31">31 Jan 2026</time>'
    assert "31 jan 2026" in render("{% day value %}", "nl", value=date(2026, 1, 31))


@pytest.mark.parametrize(("currency", "last"), [("EUR", "−20.00 EUR"), ("JPY", "−20 JPY"), ("KWD", "−20.000 KWD")])
def test_the_chart_labels_its_end_and_gives_its_data_as_a_table(currency, last):
    series = [(date(2026, 1, 1), Decimal(100)), (date(2026, 1, 3), Decimal(-20))]
    html = render("{% balance_chart series currency %}", series=series, currency=currency)
    assert f"<b>{last}</b>" in html and "chart__zero" in html
    assert html.count("<tr>") == 3 and "style=" not in html
    assert "1 Jan 2026" in html and "3 Jan 2026" in html


def test_a_chart_of_thousands_of_days_stays_small_and_keeps_its_ends():
    series = [(date(2016, 1, 1) + timedelta(days=n), Decimal(n % 97)) for n in range(3_650)]
    html = render("{% balance_chart series 'EUR' %}", series=series)
    assert len(html) < 150_000
    assert "zero" not in html, "a balance that never crosses zero has no zero line"
    assert "two days" in render("{% balance_chart series 'EUR' %}", series=series[:1])


def test_sorting_links_turn_around_and_forget_the_place(rf):
    def head(query: str) -> str:
        request = rf.get(f"/x?{query}")
        return render("{% sort_head 'date' 'Date' first='desc' %}", request=request)

    assert 'href="?q=kbc&amp;sort=-date"' in head("q=kbc&cursor=abc")
    assert 'href="?sort=date"' in head("sort=-date") and 'aria-sort="descending"' in head("sort=-date")
    assert 'href="?sort=-date"' in head("sort=date") and 'aria-sort="ascending"' in head("sort=date")


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 20_1) Version/20.1 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/150.0 Edg/150.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on macOS"),
        ("curl/8.5.0", "a program"),
        ("", "a program"),
    ],
)  # fmt: skip
def test_a_browser_is_called_as_people_call_it(agent: str, words: str) -> None:
    assert render("{{ agent|browser_name }}", agent=agent) == words
