"""A small company's current and savings accounts in euro: wages, VAT, rent, cards, customers, suppliers, fees."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

from nostro.sandbox.check_digits import creditor_reference, qr_reference, structured_communication
from nostro.sandbox.histories import parties
from nostro.sandbox.histories.rows import (
    Place,
    Row,
    batch,
    convert_from_euro,
    exchange,
    falls_on,
    is_bank_day,
    next_bank_day,
    rate,
    shared_chance,
)

CARD = "557700******4417"
QUARTERS = range(1, 13, 3)
CURRENT, SAVINGS = "current", "savings"


def current_account(place: Place, day: dt.date) -> Iterator[Row]:
    """The day's rows of the company's main account."""
    chance = place.chance(day)
    if day == place.starts_on:
        yield opening(day, 9_400_000)
    yield from card_payments(chance, place, day)
    if not is_bank_day(day):
        return
    for _ in range(chance.choice((0, 0, 1, 1, 2, 3))):
        yield receipt(chance, day)
    for _ in range(chance.choice((0, 0, 1, 1, 2))):
        yield supplier_payment(chance, day)
    yield from _monthly(chance, place, day)
    yield from _direct_debits(chance, place, day)
    yield from _own_transfers(place, day)


def savings_account(place: Place, day: dt.date) -> Iterator[Row]:
    """The day's rows of the savings account: transfers from and to the main account, interest each quarter."""
    if day == place.starts_on:
        yield opening(day, 2_500_000)
    yield from _own_transfers(place, day)
    if falls_on(day, 2, QUARTERS):
        body = {"remittanceInformationUnstructured": "Interest for the past quarter", **codes("PMNT-CNTR-INTR", "INT")}
        yield Row(place.chance(day, "interest").randint(4_000, 9_000), day, body)


def opening(day: dt.date, minor: int) -> Row:
    """The balance an account brings along from a former bank, so that every balance is the sum of its rows."""
    body = {"remittanceInformationUnstructured": "Balance brought forward from former bank", **codes("PMNT-RCDT-BOOK")}
    return Row(minor, day, {**body, "debtorName": "Oude Haven Bank"})


def codes(iso: str, own: str = "TRF") -> dict[str, str]:
    """Bank transaction codes: ISO 20022's and the bank's own."""
    return {"bankTransactionCode": iso, "proprietaryBankTransactionCode": f"NTB-{own}"}


def end_to_end(chance: random.Random) -> str:
    """An end-to-end id as bookkeeping programs make them."""
    return f"E2E{chance.randrange(10**12):012d}"


def receipt(chance: random.Random, day: dt.date) -> Row:
    """A customer pays an invoice; the country decides the kind of structured reference."""
    name, country = chance.choice(parties.CUSTOMERS)
    invoice = chance.randrange(1, 10**7)
    body: dict[str, Any] = {
        "endToEndId": end_to_end(chance),
        "debtorName": name,
        "debtorAccount": {"iban": parties.party_iban(name, country)},
        **codes("PMNT-RCDT-ESCT", "CREDIT"),
    }
    if country == "BE":
        reference, kind = structured_communication(invoice), "OGM"
    elif country == "CH":
        reference, kind = qr_reference(invoice), "QRR"
    elif country == "DE":
        reference, kind = creditor_reference(f"{invoice:08d}"), "SCOR"
    else:
        reference, kind = "", ""
    if reference:
        body["remittanceInformationStructured"] = {"reference": reference, "referenceType": kind}
    if not reference or chance.random() < 0.4:
        body["remittanceInformationUnstructured"] = f"Invoice {day.year}-{invoice % 10_000:04d}, with thanks"
    return Row(chance.randint(24_000, 460_000), day, body)


def supplier_payment(chance: random.Random, day: dt.date) -> Row:
    """The company pays a bill."""
    name, country = chance.choice(parties.SUPPLIERS)
    bill = f"{chance.randrange(10**6):06d}"
    body: dict[str, Any] = {
        "endToEndId": end_to_end(chance),
        "creditorName": name,
        "creditorAccount": {"iban": parties.party_iban(name, country)},
        "remittanceInformationUnstructured": f"Rechnung {bill}" if country in {"DE", "CH"} else f"Factuur {bill}",
        **codes("PMNT-ICDT-ESCT", "DEBIT"),
    }
    return Row(-chance.randint(8_000, 290_000), day, body)


def card_payments(chance: random.Random, place: Place, day: dt.date) -> Iterator[Row]:
    """A day's purchases by card: pending on the day of purchase, booked on the second bank day after it."""
    booked_on = next_bank_day(next_bank_day(day + dt.timedelta(days=1)) + dt.timedelta(days=1))
    for _ in range(chance.choice((0, 1, 1, 2))):
        if chance.random() < 0.12:
            yield _foreign_card_payment(chance, place, day, booked_on)
            continue
        merchant, category = chance.choice(parties.MERCHANTS)
        minor = -chance.randint(350, 18_000)
        text = f"{merchant} {day:%d-%m} CARD {CARD}"
        body = {"creditorName": merchant, "merchantCategoryCode": category, **codes("PMNT-CCRD-POSD", "CARD")}
        yield Row(minor, booked_on, {**body, "remittanceInformationUnstructured": text}, day, value_on=day)
        if chance.random() < 0.03:
            yield _card_refund(day, merchant, -minor)


def _card_refund(day: dt.date, merchant: str, minor: int) -> Row:
    booked_on = next_bank_day(day + dt.timedelta(days=4))
    text = f"REFUND {merchant} {day:%d-%m} CARD {CARD}"
    body = {"debtorName": merchant, "remittanceInformationUnstructured": text, **codes("PMNT-CCRD-RIMB", "REFUND")}
    return Row(minor, booked_on, body, booked_on)


def _foreign_card_payment(chance: random.Random, place: Place, day: dt.date, booked_on: dt.date) -> Row:
    merchant, currency = chance.choice(parties.FOREIGN_MERCHANTS)
    cents, quoted = chance.randint(900, 30_000), rate(place.seed, currency, day)
    foreign = convert_from_euro(cents, currency, quoted)
    body = {
        "creditorName": merchant,
        "currencyExchange": exchange(currency, "EUR", currency, quoted, day),
        "remittanceInformationUnstructured": f"{merchant} {currency} {foreign // 100}.{foreign % 100:02d} CARD {CARD}",
        **codes("PMNT-CCRD-POSD", "CARD"),
    }
    return Row(-cents, booked_on, body, day, value_on=day)


def _monthly(chance: random.Random, place: Place, day: dt.date) -> Iterator[Row]:
    if falls_on(day, 25):
        yield _salaries(place, day)
    if falls_on(day, 15):
        yield _tax(chance, day, 940_000, "Wage tax and social security")
    if falls_on(day, 20, QUARTERS):
        yield _tax(chance, day, 910_000, "VAT return of the past quarter")
    if falls_on(day, 3):
        yield _collection(chance, day)
    if falls_on(day, 28):
        body = {"remittanceInformationUnstructured": "Account and card fees", **codes("PMNT-CNTR-FEES", "FEE")}
        yield Row(-2_350 - chance.randint(0, 900), day, {**body, "creditorName": "Nostro Test Bank"})


def _salaries(place: Place, day: dt.date) -> Row:
    """One entry for all wages, with its parts."""
    amounts = [-(382_000 + 9_500 * at) for at in range(len(parties.EMPLOYEES))]
    month = day.strftime("%Y-%m")
    people = [
        {
            "endToEndId": f"WAGE-{month}-{at}",
            "creditorName": name,
            "creditorAccount": {"iban": parties.party_iban(name, "BE")},
            "remittanceInformationUnstructured": f"Wage {month}",
        }
        for at, name in enumerate(parties.EMPLOYEES, 1)
    ]
    body = {"remittanceInformationUnstructured": f"Wages {month}", **codes("PMNT-ICDT-SALA", "WAGES")}
    return Row(sum(amounts), day, {**body, **batch(people, amounts, place.currency), "purposeCode": "SALA"})


def _tax(chance: random.Random, day: dt.date, cents: int, text: str) -> Row:
    body = {
        "endToEndId": "NOTPROVIDED",
        "creditorName": "Ontvangkantoor Noordzee",
        "creditorAccount": {"iban": parties.party_iban("Ontvangkantoor Noordzee", "BE")},
        "remittanceInformationStructured": {
            "reference": structured_communication(chance.randrange(10**10)),
            "referenceType": "OGM",
        },
        "additionalInformation": text,
        **codes("PMNT-ICDT-ESCT", "DEBIT"),
    }
    return Row(-cents - chance.randint(-60_000, 60_000), day, {**body, "purposeCode": "TAXS"})


def _collection(chance: random.Random, day: dt.date) -> Row:
    """The company collects its service subscriptions by direct debit: one credit for several debtors."""
    debtors = chance.sample(parties.CUSTOMERS, 4)
    amounts = [chance.choice((4_900, 9_900, 14_900)) for _ in debtors]
    parts = [
        {"endToEndId": end_to_end(chance), "debtorName": name, "debtorAccount": {"iban": parties.party_iban(name, at)}}
        for name, at in debtors
    ]
    body = {"remittanceInformationUnstructured": "Collection of subscriptions", **codes("PMNT-IDDT-ESDD", "COLLECT")}
    return Row(sum(amounts), day, {**body, **batch(parts, amounts, "EUR")})


def _direct_debits(chance: random.Random, place: Place, day: dt.date) -> Iterator[Row]:
    plan = (
        (1, range(1, 13), parties.LANDLORD, 315_000, 0),
        (8, range(1, 13), parties.TELECOM, 8_900, 2_500),
        (12, range(1, 13), parties.ENERGY, 38_000, 21_000),
        (5, QUARTERS, parties.INSURANCE, 64_500, 0),
    )
    for day_of_month, months, collector, cents, spread in plan:
        if falls_on(day, day_of_month, months):
            yield direct_debit(place, day, collector, cents + chance.randint(0, spread))
    if falls_on(day, 14) and chance.random() < 0.15:
        body = {"debtorName": parties.TELECOM.name, **codes("PMNT-RDDT-PRDD", "RETURN")}
        yield Row(8_900, day, {**body, "remittanceInformationUnstructured": "Refund of a direct debit"})


def direct_debit(place: Place, day: dt.date, collector: parties.Collector, cents: int) -> Row:
    """Somebody collects from the company under a mandate."""
    body = {
        "endToEndId": f"DD-{day:%Y%m}-{parties.mandate_id(place.psu, collector)}",
        "mandateId": parties.mandate_id(place.psu, collector),
        "creditorId": collector.creditor_id,
        "creditorName": collector.name,
        "creditorAccount": {"iban": parties.party_iban(collector.name, "BE")},
        "remittanceInformationUnstructured": collector.purpose,
        **codes("PMNT-RDDT-ESDD", "DIRECT-DEBIT"),
    }
    return Row(-cents, day, body)


def _own_transfers(place: Place, day: dt.date) -> Iterator[Row]:
    """To savings each month, back before VAT is due. Both accounts draw the same amount, so the two sides agree."""
    chance = shared_chance(place.seed, f"own transfers of {place.psu}", day)
    if falls_on(day, 26):
        yield own_transfer(
            place, day, CURRENT, SAVINGS, minor=chance.randrange(150_000, 350_000, 5_000), text="Reserve"
        )
    if falls_on(day, 18, QUARTERS):
        yield own_transfer(
            place, day, SAVINGS, CURRENT, minor=chance.randrange(200_000, 500_000, 5_000), text="For VAT"
        )


def own_transfer(place: Place, day: dt.date, source: str, target: str, *, minor: int, text: str) -> Row:
    """This account's side of a transfer between two accounts of one customer."""
    leaves = place.key == source
    other, name = (target if leaves else source), ("creditor" if leaves else "debtor")
    body = {
        "endToEndId": f"OWN-{day:%Y%m%d}-{source[:3]}-{target[:3]}".upper(),
        f"{name}Name": owner(place.psu),
        f"{name}Account": {"iban": parties.own_iban(place.seed, place.psu, other)},
        "remittanceInformationUnstructured": f"{text} {day:%Y-%m}",
        **codes("PMNT-ICDT-BOOK" if leaves else "PMNT-RCDT-BOOK", "OWN"),
    }
    return Row(-minor if leaves else minor, day, body)


def owner(psu: str) -> str:
    """The invented company behind a test user."""
    return "Lindenwerk Meubelmakers BV" if psu == "user_good" else f"Lindenwerk {psu.removeprefix('user_')} BV"[:70]
