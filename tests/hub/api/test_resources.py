"""Every attribute of accounts, transactions and institutions (hub-api.md 7.1, 7.2, 7.4), and who sees them."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from decimal import Decimal

import pytest
from tests import factories
from tests.hub.api.client import BASE, caller_for
from tests.hub.api.conftest import Street

from nostro.hub.accounts.models import Account, Transaction
from nostro.hub.directory.models import Institution
from nostro.hub.sync.models import Synchronization

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
DAY = re.compile(r"\d{4}-\d\d-\d\dT00:00:00\.000Z")
TRANSACTION_ATTRIBUTES = [
    "valueDate", "executionDate", "amount", "currency", "description", "counterpartName", "counterpartReference",
    "remittanceInformation", "remittanceInformationType", "bankTransactionCode", "proprietaryBankTransactionCode",
    "purposeCode", "endToEndId", "mandateId", "creditorId", "additionalInformation", "internalReference",
    "cardReference", "cardReferenceType", "fee", "digest", "createdAt", "updatedAt",
]  # fmt: skip


def test_account_has_every_attribute_relationship_and_meta(street: Street) -> None:
    run = factories.synchronization(street.account)
    bank = street.account.institution
    Account.objects.filter(id=street.account.id).update(
        name="Main account", holder_name="Malvina Dibbert", product="Business", synchronized_at=factories.NOW,
        current_balance=Decimal("6386.04"), current_balance_reference_date=dt.date(2026, 6, 20),
        current_balance_changed_at=factories.NOW + dt.timedelta(microseconds=999_999),
        authorised_at=factories.NOW, authorisation_expires_at=factories.NOW + dt.timedelta(days=180),
    )  # fmt: skip
    reply = street.caller.get(f"/accounts/{street.account.id}")
    account_url = f"{BASE}/accounts/{street.account.id}"
    assert reply.json == {
        "data": {
            "type": "account",
            "id": str(street.account.id),
            "attributes": {
                "subtype": "checking", "referenceType": "IBAN", "reference": street.account.reference,
                "product": "Business", "internalReference": None, "holderName": "Malvina Dibbert",
                "description": "Main account", "deprecated": False, "currency": "EUR",
                "currentBalance": Decimal("6386.04"), "currentBalanceChangedAt": "2026-11-25T09:30:00.999Z",
                "currentBalanceReferenceDate": "2026-06-20T00:00:00.000Z", "currentBalanceVariationObservedAt": None,
                "availableBalance": Decimal("6386.04"), "availableBalanceChangedAt": None,
                "availableBalanceReferenceDate": None, "availableBalanceVariationObservedAt": None,
                "authorizedAt": "2026-11-25T09:30:00.000Z",
                "authorizationExpirationExpectedAt": "2027-05-24T09:30:00.000Z",
            },
            "relationships": {
                "transactions": {"links": {"related": f"{account_url}/transactions", "meta": {"type": "transaction"}}},
                "pendingTransactions": {
                    "links": {"related": f"{account_url}/pending-transactions", "meta": {"type": "pendingTransaction"}}
                },
                "financialInstitution": {
                    "links": {"related": f"{BASE}/financial-institutions/{bank.id}"},
                    "data": {"type": "financialInstitution", "id": str(bank.id)},
                },
            },
            "meta": {
                "availability": "available",
                "synchronizedAt": "2026-11-25T09:30:00.000Z",
                "latestSynchronization": {
                    "type": "synchronization", "id": str(run.id),
                    "attributes": {
                        "status": "success", "subtype": "accountTransactionsWithUnsettled", "resourceType": "account",
                        "resourceId": str(street.account.id), "customerOnline": False, "errors": [],
                        "createdAt": "2026-11-25T09:20:00.000Z", "updatedAt": "2026-11-25T09:20:02.000Z",
                    },
                },
            },
        }
    }  # fmt: skip


def test_account_just_linked_has_nothing_null_that_must_not_be(street: Street) -> None:
    Account.objects.filter(id=street.account.id).update(current_balance=None)
    account = street.caller.get(f"/accounts/{street.account.id}").json["data"]
    assert account["attributes"]["currentBalance"] == 0 == account["attributes"]["availableBalance"]
    assert MOMENT.fullmatch(account["meta"]["synchronizedAt"])
    latest = account["meta"]["latestSynchronization"]
    assert latest["type"] == "synchronization" and uuid.UUID(latest["id"])
    assert latest["attributes"]["status"] == "pending" and latest["attributes"]["errors"] == []
    assert MOMENT.fullmatch(latest["attributes"]["createdAt"]) and MOMENT.fullmatch(latest["attributes"]["updatedAt"])


def test_newest_run_is_the_latest_and_its_bank_errors_are_shown(street: Street) -> None:
    factories.synchronization(street.account, created_at=factories.NOW - dt.timedelta(days=1))
    errors = [{"code": "authorizationExpired", "detail": "Consent ended.", "meta": {}}]
    newest = factories.synchronization(street.account, status="error", errors=errors)
    latest = street.caller.get(f"/accounts/{street.account.id}").json["data"]["meta"]["latestSynchronization"]
    assert latest["id"] == str(newest.id)
    assert latest["attributes"]["errors"] == errors and latest["attributes"]["status"] == "error"


def test_account_under_maintenance_is_readonly(street: Street) -> None:
    now = dt.datetime.now(dt.UTC)
    Institution.objects.filter(id=street.account.institution_id).update(
        maintenance_type="financialInstitution", maintenance_from=now - dt.timedelta(hours=1), maintenance_to=None
    )
    Institution.objects.filter(id=street.other.institution_id).update(
        maintenance_type="financialInstitution", maintenance_from=now + dt.timedelta(hours=1)
    )
    accounts = {item["id"]: item["meta"]["availability"] for item in street.caller.get("/accounts").json["data"]}
    assert accounts == {str(street.account.id): "readonly", str(street.other.id): "available"}
    told = street.caller.get(f"/financial-institutions/{street.account.institution_id}").json["data"]["attributes"]
    assert told["maintenanceType"] == "financialInstitution" and told["maintenanceTo"] is None
    assert dt.datetime.fromisoformat(told["maintenanceFrom"]) < now


def test_maintenance_that_has_passed_is_not_told(street: Street) -> None:
    now = dt.datetime.now(dt.UTC)
    Institution.objects.filter(id=street.account.institution_id).update(
        maintenance_type="internal",
        maintenance_from=now - dt.timedelta(hours=2),
        maintenance_to=now - dt.timedelta(hours=1),
    )
    account = street.caller.get(f"/accounts/{street.account.id}").json["data"]
    told = street.caller.get(f"/financial-institutions/{street.account.institution_id}").json["data"]["attributes"]
    assert account["meta"]["availability"] == "available"
    assert {told[f"maintenance{name}"] for name in ("Type", "From", "To")} == {None}


@pytest.mark.parametrize(
    ("currency", "amount", "written"),
    [
        ("EUR", "12.30", b"12.3"),
        ("EUR", "-0.05", b"-0.05"),
        ("EUR", "0.00", b"0"),
        ("EUR", "100.00", b"100"),
        ("EUR", "123456789012345678.99", b"123456789012345678.99"),
        ("JPY", "120", b"120"),
        ("JPY", "-1000000", b"-1000000"),
        ("KWD", "1.234", b"1.234"),
        ("KWD", "-0.001", b"-0.001"),
    ],
)
def test_amounts_balances_and_fees_are_exact_json_numbers(
    street: Street, currency: str, amount: str, written: bytes
) -> None:
    account = factories.account(
        street.owner.organization, currency=currency, current_balance=Decimal(amount), available_balance=Decimal(amount)
    )
    factories.transactions(account, 1, amount=Decimal(amount), fee=Decimal(amount))
    factories.pending_transactions(account, 1, amount=Decimal(amount))
    caller = caller_for(street.owner, [account])
    body = caller.get("/accounts").body
    assert b'"currentBalance":' + written + b"," in body and b'"availableBalance":' + written + b"," in body
    body = caller.get(f"/accounts/{account.id}/transactions").body
    assert b'"amount":' + written + b"," in body and b'"fee":' + written + b"," in body
    assert b'"amount":' + written + b"," in caller.get(f"/accounts/{account.id}/pending-transactions").body
    assert f'"currency":"{currency}"'.encode() in body


def test_transaction_has_every_attribute_in_both_kinds(street: Street) -> None:
    fields = {
        "amount": Decimal("2.76"), "booking_date": dt.date(2020, 6, 19), "value_date": dt.date(2020, 6, 18),
        "counterpart_name": "Rice Ltd", "counterpart_reference": "BE62467153327786",
        "remittance_information": "Invoice 42", "bank_transaction_code": "PMNT-IRCT-ESCT",
        "proprietary_bank_transaction_code": "63058", "purpose_code": "CASH",
        "end_to_end_id": "e2e", "mandate_id": "486", "creditor_id": "315", "additional_information": "Aut.",
        "entry_reference": "entry-1", "bank_transaction_id": "tx-1", "masked_pan": "XXXX6666", "fee": Decimal("3.14"),
        "digest": bytes(range(32)), "created_at": dt.datetime(2020, 6, 20, 6, 0, 4, 120_999, tzinfo=dt.UTC),
        "updated_at": dt.datetime(2020, 6, 20, 6, 0, 5, tzinfo=dt.UTC),
    }  # fmt: skip
    for kind, path, make in (
        ("transaction", "transactions", factories.transactions),
        ("pendingTransaction", "pending-transactions", factories.pending_transactions),
    ):
        row = make(street.account, 1, **fields)[0]
        expected = {
            "type": kind,
            "id": str(row.id),
            "attributes": {
                "valueDate": "2020-06-18T00:00:00.000Z", "executionDate": "2020-06-19T00:00:00.000Z",
                "amount": Decimal("2.76"), "currency": "EUR", "description": "Aut.", "counterpartName": "Rice Ltd",
                "counterpartReference": "BE62467153327786", "remittanceInformation": "Invoice 42",
                "remittanceInformationType": "unstructured", "bankTransactionCode": "PMNT-IRCT-ESCT",
                "proprietaryBankTransactionCode": "63058", "purposeCode": "CASH", "endToEndId": "e2e",
                "mandateId": "486", "creditorId": "315", "additionalInformation": "Aut.",
                "internalReference": "entry-1", "cardReference": "XXXX6666", "cardReferenceType": "MASKEDPAN",
                "fee": Decimal("3.14"), "digest": bytes(range(32)).hex(),
                "createdAt": "2020-06-20T06:00:04.120Z", "updatedAt": "2020-06-20T06:00:05.000Z",
            },
            "relationships": {
                "account": {
                    "links": {"related": f"{BASE}/accounts/{street.account.id}"},
                    "data": {"type": "account", "id": str(street.account.id)},
                }
            },
        }  # fmt: skip
        url = f"/accounts/{street.account.id}/{path}"
        listed = street.caller.get(url).json
        assert listed["data"] == [expected]
        assert list(listed["data"][0]["attributes"]) == TRANSACTION_ATTRIBUTES
        assert set(listed["meta"]) == {"paging", "synchronizedAt", "latestSynchronization"}
        assert listed["meta"]["latestSynchronization"]["type"] == "synchronization"
        assert street.caller.get(f"{url}/{row.id}").json == {"data": expected}


def test_transaction_with_nothing_but_amount_and_currency_has_no_forbidden_null(street: Street) -> None:
    # 23:30 UTC is already the next day in Brussels, where the bank is.
    created = dt.datetime(2026, 1, 31, 23, 30, tzinfo=dt.UTC)
    factories.transactions(
        street.account, 1, booking_date=None, value_date=None, remittance_information="", remittance_unstructured=[],
        counterpart_name=None, created_at=created,
    )  # fmt: skip
    attributes = street.caller.get(f"/accounts/{street.account.id}/transactions").json["data"][0]["attributes"]
    assert attributes["valueDate"] == attributes["executionDate"] == "2026-02-01T00:00:00.000Z"
    assert attributes["remittanceInformation"] == "" and attributes["remittanceInformationType"] == "unstructured"
    nulls = {name for name, value in attributes.items() if value is None}
    assert nulls == {
        "description", "counterpartName", "counterpartReference", "bankTransactionCode",
        "proprietaryBankTransactionCode", "purposeCode", "endToEndId", "mandateId", "creditorId",
        "additionalInformation", "internalReference", "cardReference", "cardReferenceType", "fee",
    }  # fmt: skip
    assert list(attributes) == TRANSACTION_ATTRIBUTES


@pytest.mark.parametrize("given", ["booking_date", "value_date", "transaction_date"])
def test_one_date_serves_for_both(street: Street, given: str) -> None:
    dates = {"booking_date": None, "value_date": None, given: dt.date(2026, 3, 29)}
    factories.transactions(street.account, 1, **dates)
    attributes = street.caller.get(f"/accounts/{street.account.id}/transactions").json["data"][0]["attributes"]
    assert attributes["valueDate"] == attributes["executionDate"] == "2026-03-29T00:00:00.000Z"


def test_structured_reference_is_told(street: Street) -> None:
    factories.transactions(
        street.account, 1, remittance_structured=["RF18539007547034"], remittance_unstructured=[],
        remittance_information="RF18539007547034",
    )  # fmt: skip
    attributes = street.caller.get(f"/accounts/{street.account.id}/transactions").json["data"][0]["attributes"]
    assert attributes["remittanceInformationType"] == "structured"


def test_unknown_time_zone_of_a_bank_does_no_harm(street: Street) -> None:
    Institution.objects.filter(id=street.account.institution_id).update(time_zone="Atlantis/../x")
    factories.transactions(street.account, 1, booking_date=None, value_date=None)
    assert street.caller.get(f"/accounts/{street.account.id}/transactions").status == 200


def test_hostile_text_passes_unchanged_and_stays_json(street: Street) -> None:
    text = '<script>alert("x")</script>\u202e\u0000'.replace("\x00", "") + "é" * 5_000
    factories.transactions(street.account, 1, remittance_information=text, counterpart_name='"}]')
    reply = street.caller.get(f"/accounts/{street.account.id}/transactions")
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.json["data"][0]["attributes"]["remittanceInformation"] == text


def test_every_date_has_the_strict_form(street: Street) -> None:
    factories.synchronization(street.account)
    factories.transactions(street.account, 3)
    for target in ("/accounts", f"/accounts/{street.account.id}/transactions"):
        for name, value in re.findall(r'"(\w+(?:At|Date))":"([^"]*)"', street.caller.get(target).body.decode()):
            assert (DAY if name.endswith("Date") else MOMENT).fullmatch(value), (name, value)


# --- institutions ---------------------------------------------------------------------------------------------


def test_institution_has_every_attribute(street: Street) -> None:
    bank = street.account.institution
    reply = street.caller.get(f"/financial-institutions/{bank.id}")
    assert reply.json["data"] == {
        "type": "financialInstitution",
        "id": str(bank.id),
        "attributes": {
            "name": bank.name, "bic": "NOSTBEB1", "country": "BE", "logoUrl": None, "primaryColor": None,
            "secondaryColor": None, "sharedBrandName": None, "sharedBrandReference": None, "status": "stable",
            "deprecated": False, "timeZone": "Europe/Brussels", "maintenanceFrom": None, "maintenanceTo": None,
            "maintenanceType": None, "paymentsEnabled": False, "paymentsProductTypes": [],
            "bulkPaymentsEnabled": False, "bulkPaymentsProductTypes": [], "periodicPaymentsEnabled": False,
            "periodicPaymentsProductTypes": [], "futureDatedPaymentsAllowed": False,
            "expectedAuthorizationLifetime": 180, "pendingTransactionsAvailable": True,
        },
    }  # fmt: skip


def test_institutions_without_a_token_are_all_and_with_one_those_of_its_accounts(street: Street) -> None:
    unlinked = factories.institution(name="Unlinked", country="", bic="")
    everything = street.caller.send("GET", "/financial-institutions?limit=100").json["data"]
    assert len(everything) == 5
    mine = street.caller.get("/financial-institutions").json["data"]
    assert {item["id"] for item in mine} == {str(street.account.institution_id), str(street.other.institution_id)}
    one = street.caller.get(f"/financial-institutions/{unlinked.id}").json["data"]["attributes"]
    assert one["country"] is None and one["bic"] is None


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("filter[country][eq]=FR", ["Crédit 100%"]),
        ("filter%5Bcountry%5D%5Bin%5D=FR,%20NL", ["Crédit 100%", "ING_Bank"]),
        ("filter[name][contains]=bank", ["ING_Bank", "Ubank"]),
        ("filter[name][contains]=%25", ["Crédit 100%"]),
        ("filter[name][contains]=_", ["ING_Bank"]),
        ("filter[name][like]=%25bank", ["ING_Bank", "Ubank"]),
        ("filter[name][like]=u%25", ["Ubank"]),
        ("filter[name][eq]=ubank", []),
        ("filter[name][contains]=bank&filter[country][eq]=NL", ["ING_Bank"]),
        ("filter[paymentsEnabled][eq]=true", []),
        ("filter[paymentsEnabled][eq]=false", ["Crédit 100%", "ING_Bank", "Ubank"]),
        ("filter[sharedBrandName][eq]=ING", []),
        ("filter[bic][eq]=X&filter[name][near]=Y&filter=Z", ["Crédit 100%", "ING_Bank", "Ubank"]),
        ("filter[name][eq]=%00", []),
        ("filter[name][like]=%5C", []),
    ],
)  # fmt: skip
@pytest.mark.django_db
def test_institution_filters(query: str, names: list[str]) -> None:
    from tests.hub.api.client import Caller

    Institution.objects.all().delete()
    for name, country in (("Crédit 100%", "FR"), ("ING_Bank", "NL"), ("Ubank", "BE")):
        factories.institution(name=name, country=country)
    reply = Caller().send("GET", f"/financial-institutions?{query}")
    assert [item["attributes"]["name"] for item in reply.json["data"]] == names


# --- who sees what --------------------------------------------------------------------------------------------


def test_neighbour_gets_404_from_every_endpoint_as_for_ids_that_do_not_exist(street: Street) -> None:
    row = factories.transactions(street.account, 1)[0]
    pending = factories.pending_transactions(street.account, 1)[0]
    run = factories.synchronization(street.account)
    account = f"/accounts/{street.account.id}"
    targets = [
        ("GET", account), ("DELETE", account), ("GET", f"{account}/transactions"),
        ("GET", f"{account}/transactions/{row.id}"), ("GET", f"{account}/pending-transactions"),
        ("GET", f"{account}/pending-transactions/{pending.id}"), ("GET", f"/synchronizations/{run.id}"),
        ("GET", f"/synchronizations/{run.id}/updated-transactions"),
        ("GET", f"/synchronizations/{run.id}/updated-pending-transactions"),
        ("GET", f"/accounts/{street.foreign.id}/transactions/{row.id}"),
        ("GET", f"/accounts/{street.foreign.id}/pending-transactions/{pending.id}"),
    ]  # fmt: skip
    for verb, target in targets:
        foreign = street.neighbour.call(verb, target)
        kept = f"/accounts/{street.foreign.id}"
        unknown = street.neighbour.call(
            verb,
            kept * target.startswith(kept)
            + re.sub(r"(?<=/)[0-9a-f-]{36}", str(uuid.uuid4()), target.removeprefix(kept)),
        )
        for reply in (foreign, unknown):
            assert (reply.status, reply.code) == (404, "resourceNotFound"), (verb, target)
        assert foreign.json["errors"][0]["meta"]["resource"] == unknown.json["errors"][0]["meta"]["resource"]
    assert str(street.account.id) not in street.neighbour.get("/accounts?limit=100").body.decode()
    assert Transaction.objects.count() == 1 and Synchronization.objects.count() == 1


def test_account_of_the_same_organization_that_was_not_granted_is_404(street: Street) -> None:
    assert street.caller.get(f"/accounts/{street.hidden.id}").status == 404
    assert len(street.caller.get("/accounts").json["data"]) == 2


def test_foreign_and_unknown_ids_cost_the_same_queries(street: Street) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    street.caller.get("/accounts")
    counts = set()
    for account_id in (street.foreign.id, uuid.uuid4(), street.hidden.id):
        with CaptureQueriesContext(connection) as queries:
            assert street.caller.get(f"/accounts/{account_id}/transactions").status == 404
        counts.add(tuple(query["sql"].replace(account_id.hex, "") for query in queries.captured_queries))
    assert len(counts) == 1


def test_deleting_removes_the_account_from_this_integration_only(street: Street) -> None:
    second = caller_for(street.owner, [street.account], street.caller.application)
    reply = street.caller.call("DELETE", f"/accounts/{street.account.id}/")
    assert reply.status == 200 and reply.json == {"data": {"type": "account", "id": str(street.account.id)}}
    assert street.caller.get(f"/accounts/{street.account.id}").status == 404
    assert street.caller.call("DELETE", f"/accounts/{street.account.id}").status == 404
    assert second.get(f"/accounts/{street.account.id}").status == 200
    street.account.refresh_from_db()
    assert street.account.removed_at is None


def test_every_answer_is_json_with_a_request_id_of_its_own(street: Street) -> None:
    seen = set()
    for target in ("/", "/accounts", "/accounts/x", "/nothing/here", "/webhooks/", "/ponto-connect", "/xs2a/customer"):
        reply = street.caller.get(target)
        seen.add(str(uuid.UUID(reply.headers["ibanity-request-id"])))
        document = json.loads(reply.body)
        assert ("errors" in document) == (reply.status >= 400)
        if reply.status >= 400:
            assert document["errors"][0]["meta"]["requestId"] == reply.headers["ibanity-request-id"]
    assert len(seen) == 7
