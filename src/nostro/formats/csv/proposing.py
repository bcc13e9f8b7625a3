"""A mapping proposed by the names of the columns, for a person to confirm; it never applies by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nostro.core.text import fold

#: Names of columns in English, Dutch, French, German and Spanish.
_NAMES = {
    "booking_date": "date|datum|booking date|boekingsdatum|boekdatum|uitvoeringsdatum|buchungstag|buchungsdatum|"
    "date comptable|date de comptabilisation|transaction date|transactiedatum|fecha|fecha operación|completed date",
    "value_date": "value date|valutadatum|valuta|wertstellung|date valeur|date de valeur|rentedatum|fecha valor|"
    "valutadag",
    "amount": "amount|bedrag|betrag|montant|importe|amount (eur)|bedrag (eur)|betrag (eur)|betrag (€)|net|umsatz",
    "debit": "debit|débit|debet|af|uitgaven|soll|money out|paid out|cargo|withdrawal",
    "credit": "credit|crédit|bij|inkomsten|haben|money in|paid in|abono|deposit",
    "indicator": "af bij|af/bij|debit/credit|credit/debit|d/c|sens|soll/haben",
    "balance": "balance|saldo|solde|kontostand|running balance|saldo na mutatie|saldo na trn|balance after",
    "fee": "fee|fees|kosten|frais|gebühr|comisión",
    "currency": "currency|munt|muntsoort|valutacode|devise|währung|moneda|divisa|devies",
    "account": "account|account number|rekening|rekeningnummer|iban|compte|numéro de compte|konto|kontonummer|cuenta|"
    "own account|auftragskonto",
    "counterparty_name": "counterparty|counterparty name|name|naam|tegenpartij|naam tegenpartij|"
    "naam van de tegenpartij|contrepartie|nom contrepartie|empfänger|payee|beneficiary|"
    "begünstigter/zahlungspflichtiger|beguenstigter/zahlungspflichtiger|merchant",
    "counterparty_account": "counterparty account|tegenrekening|rekening tegenpartij|rekeningnummer tegenpartij|"
    "compte contrepartie|gegenkonto|kontonummer/iban|iban tegenpartij|counter account",
    "counterparty_agent": "bic|bic tegenpartij|swift|bic contrepartie|bic (swift-code)",
    "description": "description|mededeling|mededelingen|omschrijving|communication|libellé|verwendungszweck|"
    "buchungstext|memo|details|reference|referentie|concepto|vrije mededeling|communication libre",
    "structured": "gestructureerde mededeling|communication structurée|structured reference|structured communication",
    "type": "type|code|mutatiesoort|transaction type|type de transaction|vorgang|umsatztyp",
    "status": "status|state|statut",
    "id": "id|transaction id|transactie id|transaction reference|transactiereferentie|volgnummer",
}
_FIELD_OF_NAME = {fold(name): field for field, names in _NAMES.items() for name in names.split("|")}


@dataclass(frozen=True, slots=True)
class Proposal:
    """``columns`` name → field; ``unsure`` are the columns that stay unread because nothing tells what they are."""

    columns: Mapping[str, str]
    unsure: tuple[str, ...]
    #: The mapping as data, to confirm, change and keep.
    data: Mapping[str, Any]

    @property
    def is_usable(self) -> bool:
        """False while the date or the amount is not found, or debit and credit stand beside an amount."""
        fields = set(self.columns.values())
        amounts = [bool("amount" in fields), {"debit", "credit"} <= fields]
        return bool({"booking_date", "value_date"} & fields) and sum(amounts) == 1 and "indicator" not in fields


def propose(names: Sequence[str]) -> Proposal:
    """The mapping that the names of the columns suggest. A field that two columns could have goes to neither."""
    folded = [fold(name) for name in names]
    times = Counter(folded)
    claims: dict[str, list[int]] = {}
    for at, name in enumerate(folded):
        field = _FIELD_OF_NAME.get(name)
        if field:
            claims.setdefault(field, []).append(at)
    taken = {
        at: field
        for field, places in claims.items()
        if len(places) == 1 or field == "description"
        for at in places
    }  # fmt: skip
    columns = {f"#{at + 1}" if times[folded[at]] > 1 else names[at]: field for at, field in taken.items()}
    unsure = tuple(name for at, name in enumerate(names) if name and at not in taken)
    fields = set(columns.values())
    data: dict[str, Any] = {"name": "proposed", "columns": columns}
    if "amount" not in fields and {"debit", "credit"} <= fields:
        data["sign"] = "columns"
    return Proposal(columns, unsure, data)
