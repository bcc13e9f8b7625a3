"""GET /financial-institutions (hub-api.md 7.4): public; with a token those of the accounts it may read."""

# SQL is put together from constants of this package only; what a caller gives travels as arguments.
# ruff: noqa: S608

from __future__ import annotations

import re
from typing import Any

from django.db import connection

from nostro.connectors.payments import FACTORIES
from nostro.hub.api import documents as d
from nostro.hub.api.errors import not_found
from nostro.hub.api.paging import Listing, Row
from nostro.hub.api.reads import moment
from nostro.hub.api.request import Request, parse_id
from nostro.hub.api.responses import Answer, page

# Only test banks take payments (docs/decisions/0019-payments-in-the-sandbox.md).
_PAYS = f"""(i.is_sandbox AND EXISTS (SELECT 1 FROM directory_route p WHERE p.institution_id = i.id AND p.enabled
    AND p.connector IN ({", ".join(f"'{name}'" for name in sorted(FACTORIES))})))"""


def _unless_over(expression: str) -> str:
    """Announced and present maintenance is told; one that has passed is not."""
    return f"CASE WHEN i.maintenance_to <= now() THEN NULL ELSE {expression} END"


_SELECT = f"""SELECT i.id::text, i.name, nullif(i.bic, ''), nullif(i.country, ''), i.status, i.deprecated,
    nullif(i.time_zone, ''), {_unless_over(moment("i.maintenance_from"))}, {_unless_over(moment("i.maintenance_to"))},
    {_unless_over("nullif(i.maintenance_type, '')")}, r.consent_days, coalesce(r.pending, FALSE), {_PAYS}
FROM directory_institution i
    LEFT JOIN LATERAL (
        SELECT consent_days, profile ->> 'pending' IS DISTINCT FROM 'false' AS pending
        FROM directory_route WHERE institution_id = i.id AND enabled ORDER BY recommended DESC, id LIMIT 1
    ) r ON TRUE"""
_LINKED = """i.id IN (
    SELECT a.institution_id FROM integrations_integrationaccount g
    JOIN accounts_account a ON a.id = g.account_id AND a.removed_at IS NULL
    WHERE g.integration_id = %s AND g.removed_at IS NULL)"""

#: What a filter compares, as text. The bank directory knows no shared brands.
_FIELDS = {
    "name": "i.name",
    "country": "i.country",
    "paymentsEnabled": f"{_PAYS}::text",
    "bulkPaymentsEnabled": f"{_PAYS}::text",
    "sharedBrandName": "NULL::text",
    "sharedBrandReference": "NULL::text",
}
#: For OpenAPI: names of parameters and what they do.
FILTERS = (
    ("filter[name][contains]", "Part of the name, in any case."),
    ("filter[name][like]", "A pattern with % for any text."),
    ("filter[country][eq]", "ISO 3166 code of two letters."),
    ("filter[country][in]", "Several of them, separated by commas."),
)
_FILTER = re.compile(r"filter\[(\w+)\]\[(eq|in|contains|like)\]")


def list_institutions(request: Request) -> Answer:
    if request.grantee is None:
        return _list(request, [], [])
    return _list(request, [_LINKED], [request.grantee.integration_id])


def list_sandbox_institutions(request: Request) -> Answer:
    """The fake ones, for the sandbox resources of section 8."""
    return _list(request, ["i.is_sandbox"], [])


def _list(request: Request, where: list[str], arguments: list[Any]) -> Answer:
    conditions, values = _filters(request.query)
    where, arguments = [*where, *conditions], [*arguments, *values]
    condition = " AND ".join(where) or "TRUE"
    listing = Listing(
        select=_SELECT,
        where=condition,
        arguments=tuple(arguments),
        key=("i.folded_name", "i.id"),
        cursor=f"FROM directory_institution i WHERE {condition} AND i.id = %s",
        cursor_arguments=tuple(arguments),
        descending=False,
    )
    return page(request, listing, _document)


def get_institution(request: Request) -> Answer:
    with connection.cursor() as cursor:
        cursor.execute(f"{_SELECT} WHERE i.id = %s", [parse_id(request.parameters[0])])
        row = cursor.fetchone()
    if row is None:
        raise not_found("financialInstitution")
    return Answer(200, d.One(_document(row)))


def _filters(query: dict[str, str]) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    arguments: list[Any] = []
    for name, value in query.items():
        match = _FILTER.fullmatch(name)
        expression = _FIELDS.get(match.group(1)) if match else None
        if match and expression:
            condition, argument = _condition(expression, match.group(2), value)
            conditions.append(condition)
            arguments.append(argument)
    return conditions, arguments


def _condition(expression: str, operator: str, value: str) -> tuple[str, Any]:
    if operator == "eq":
        return f"{expression} = %s", value
    if operator == "in":
        return f"{expression} = ANY(%s)", [item.strip() for item in value.split(",")]
    pattern = re.sub(r"([\\_])", r"\\\1", value)
    if operator == "contains":
        pattern = "%" + pattern.replace("%", r"\%") + "%"
    return f"lower({expression}) LIKE lower(%s)", pattern


def _document(row: Row) -> d.Institution:
    name, bic, country, status, deprecated, zone, begins, ends, maintenance, days, pending, pays = row[1:13]
    products = ["sepaCreditTransfer"] if pays else []
    return d.Institution(
        "financialInstitution",
        row[0],
        d.InstitutionAttributes(
            name=name, bic=bic, country=country, logo_url=None, primary_color=None, secondary_color=None,
            shared_brand_name=None, shared_brand_reference=None, status=status, deprecated=deprecated,
            time_zone=zone, maintenance_from=begins, maintenance_to=ends, maintenance_type=maintenance,
            payments_enabled=pays, payments_product_types=products,
            bulk_payments_enabled=pays, bulk_payments_product_types=products,
            periodic_payments_enabled=False, periodic_payments_product_types=[],
            future_dated_payments_allowed=pays,
            expected_authorization_lifetime=days, pending_transactions_available=pending,
        ),
    )  # fmt: skip
