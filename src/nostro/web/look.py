"""The style guide at ``/look``: every building block once, with three currencies and a hostile text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from nostro.web.errors import Problem

#: What a bank may send as text: markup, a right-to-left override, and one very long word.
HOSTILE = "<script>alert(1)</script> \N{RIGHT-TO-LEFT OVERRIDE}drawkcab " + "x" * 60
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
DAY = date(2026, 11, 24)


class LookForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(label="Name", max_length=60, help_text="As your clients read it.")
    country = forms.ChoiceField(label="Country", choices=[("BE", "Belgium"), ("NL", "Netherlands")])
    opening = forms.DecimalField(label="Opening balance", required=False)
    fetch = forms.ChoiceField(
        label="Fetch from", choices=[("all", "The beginning"), ("today", "Today")], widget=forms.RadioSelect
    )
    agree = forms.BooleanField(label="Post lines as drafts", required=False)


def look(request: HttpRequest) -> HttpResponse:
    """Show the style guide; it is not part of an installation without a sandbox."""
    if not settings.SANDBOX_ENABLED:
        raise Http404
    return render(request, "web/look.html", look_context())


def look_context() -> dict[str, Any]:
    """The sample values, all of them fixed."""
    # Sales most days, rent and salaries now and then: the shape of a real account.
    balances, balance = [], Decimal(9_000)
    for n in range(91):
        balance += Decimal((n * 7919) % 311) - (Decimal(3_900) if n % 30 == 24 else Decimal(20))
        balances.append((DAY - timedelta(days=90 - n), balance))
    crossing = [(day, value - 10_400) for day, value in balances]
    return {
        "now": NOW,
        "is_sandbox": True,
        "hostile": HOSTILE,
        "amounts": [
            (Decimal("12480.4"), "EUR"),
            (Decimal("-1204.55"), "EUR"),
            (Decimal("98000"), "JPY"),
            (Decimal("-320"), "JPY"),
            (Decimal("415.125"), "KWD"),
            (Decimal("-0.005"), "KWD"),
            (Decimal("0"), "EUR"),
        ],
        "banks": [("KREDBEBB", "KBC Bank"), ("INGBNL2A", "ING"), ("BNPAFRPP", "BNP Paribas"), ("", "Sandbox Bank")],
        "rows": _rows(),
        "sums": [(Decimal("-1142.11"), "EUR"), (Decimal("98000"), "JPY"), (Decimal("-12.5"), "KWD")],
        "day": DAY,
        "times": [NOW - timedelta(seconds=40), NOW - timedelta(hours=2), NOW - timedelta(days=3), NOW],
        "balances": balances,
        "crossing": crossing,
        "facts": [
            ("Creditor", "Papeterie Sainte-Anne"),
            ("Remittance information", HOSTILE),
            ("End-to-end id", "NOTPROVIDED"),
        ],
        "events": [
            {"when": NOW - timedelta(minutes=5), "sentence": "Synchronization added 12 transactions.", "tone": "good"},
            {"when": NOW - timedelta(days=2), "sentence": "The consent at KBC was renewed until 22 May 2027."},
        ],
        "tabs": [
            {"url": "#live", "label": "Live", "current": True, "count": 4},
            {"url": "#sandbox", "label": "Sandbox", "current": False, "count": 3},
        ],
        "form": LookForm({"country": "BE", "fetch": "all"}),
        "problem": Problem(
            "KBC did not answer.",
            why="Its service was down for maintenance at 09:12. Nothing was lost.",
            what_to_do="Nostro tries again at 09:42; you need not do anything.",
            code="institutionUnavailable",
        ),
    }


def _rows() -> list[dict[str, Any]]:
    return [
        {"day": DAY, "name": "Papeterie Sainte-Anne", "text": "Invoice 2026-114", "amount": (Decimal("-84.2"), "EUR")},
        {"day": DAY, "name": "Kyoto Trading KK", "text": "請求書 88", "amount": (Decimal("98000"), "JPY")},
        {"day": DAY, "name": "Gulf Supplies", "text": HOSTILE, "amount": (Decimal("-12.5"), "KWD")},
        {
            "day": DAY - timedelta(days=1),
            "name": "Salary account",
            "text": "+++090/9337/55493+++",
            "amount": (Decimal("-15204.07"), "EUR"),
        },
    ]
