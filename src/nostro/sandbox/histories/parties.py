"""Invented companies and people whom the customers of this bank deal with. Their accounts exist nowhere."""

from __future__ import annotations

from dataclasses import dataclass

from nostro.sandbox.check_digits import belgian_iban, creditor_id, iban
from nostro.sandbox.histories.rows import derived_number

#: This bank's own codes. No bank bears the number 992; the eighth character of the BIC marks a test bank.
BANK_CODE = 992
BIC = "NSTRBEB0XXX"

CUSTOMERS = (
    ("Hofkeuken Verlinde BV", "BE"), ("Papierhaus Köller GmbH", "DE"), ("Zeilmakerij Noordwind BV", "BE"),
    ("Schreinerei Bütler AG", "CH"), ("Fleurs du Canal SA", "LU"), ("Drukkerij Ostermans NV", "BE"),
    ("Radhaus Tannenried GmbH", "DE"), ("Café Müggelblick GmbH", "DE"), ("Apotheek Lindelaan BV", "BE"),
    ("Uhren Rüttimatt AG", "CH"), ("Boekhandel Klaproos BV", "BE"), ("Imkerei Honigtal GmbH", "DE"),
    ("Atelier Passerelle SA", "LU"), ("Kaasmakerij Zuidpolder BV", "BE"), ("Gärtnerei Immergrün GmbH", "DE"),
)  # fmt: skip
SUPPLIERS = (
    ("Houthandel Eikenrode NV", "BE"), ("Lackwerke Südhang GmbH", "DE"), ("Transport Waterweg BV", "BE"),
    ("Verpackung Kistenfeld GmbH", "DE"), ("Bureau Comptable Clairmont SA", "LU"), ("Metaalwerk Scheldezicht BV", "BE"),
    ("Werkzeug Ambossau AG", "CH"), ("Schoonmaak Helderglas BV", "BE"), ("Werbung Weitblick GmbH", "DE"),
)  # fmt: skip
MERCHANTS = (
    ("TANKSTATION E40 DRONGENVELD", "5541"), ("BROODBAR KORENBLOEM GENTERHOF", "5812"),
    ("BOUWMARKT SPIJKERLAND", "5200"), ("SPOORKAART AUTOMAAT 17", "4112"), ("PARKING WATERPOORT", "7523"),
    ("KANTOORHUIS PENNELAND", "5943"), ("HOTEL ZUM ALTEN STELLWERK", "7011"), ("LUNCHROOM DE GOUDEN LEPEL", "5812"),
)  # fmt: skip
FOREIGN_MERCHANTS = (
    ("CLOUDBARN HOSTING", "USD"), ("INKWELL FONTS LTD", "GBP"), ("BERGBAHN HOCHALM", "CHF"), ("PIXELFERRY INC", "USD"),
)  # fmt: skip
OVERSEAS = (
    ("Harborlight Trading Inc", "USD"), ("Maple Quay Imports Inc", "USD"), ("Aoba Kōgei KK", "JPY"),
    ("Sakurazaka Bōeki KK", "JPY"), ("Al Nakheel Trading WLL", "KWD"), ("Dasman Gate Supplies WLL", "KWD"),
    ("Zeilmakerij Noordwind BV", "EUR"), ("Fleurs du Canal SA", "EUR"),
)  # fmt: skip
EMPLOYEES = ("Lotte Vermeiren", "Jonas Brückner", "Amélie Duchesnel", "Bram Oosterlinck", "Ngozi Adeyemi-Claes")


@dataclass(frozen=True, slots=True)
class Collector:
    """Someone who collects by direct debit: name, SEPA creditor id, what the mandate is for."""

    name: str
    creditor_id: str
    purpose: str


LANDLORD = Collector("Vastgoed Kaaizicht NV", creditor_id("BE", "0999000111"), "Huur werkplaats Kaai 12")
ENERGY = Collector("Stroomdal Energie NV", creditor_id("BE", "0999000222"), "Energie contract 55-0412")
TELECOM = Collector("Draadlijn Telecom BV", creditor_id("BE", "0999000333"), "Abonnement 0479-TEST")
INSURANCE = Collector("Assekura Feldberg AG", creditor_id("DE", "00000999044"), "Betriebshaftpflicht 2210-77")


def party_iban(name: str, country: str) -> str:
    """The account of an invented party: always the same for the same name, check digits correct."""
    number = derived_number("party", name)
    if country == "DE":
        return iban("DE", f"99912300{number % 10**10:010d}")
    if country == "CH":
        return iban("CH", f"99912{number % 10**12:012d}")
    if country == "LU":
        return iban("LU", f"999{number % 10**13:013d}")
    return belgian_iban(991, number % 10**7)


def own_iban(seed: int, psu: str, number: str) -> str:
    """The account of a customer of this bank; ``number`` tells the customer's accounts apart."""
    return belgian_iban(BANK_CODE, derived_number(seed, psu, number) % 10**7)


def own_card(seed: int, psu: str, number: str) -> str:
    """The masked number of a customer's card; no bank has the whole one here."""
    return f"557700xxxxxx{derived_number(seed, psu, f'card {number}') % 10**4:04d}"


def mandate_id(psu: str, collector: Collector) -> str:
    """The mandate a customer gave a collector."""
    return f"M{derived_number(psu, collector.name) % 10**9:09d}"
