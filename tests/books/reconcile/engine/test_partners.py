"""Who the other party is (books.md 16.3)."""

from __future__ import annotations

from tests.books.reconcile.engine.cases import a_line, an_id

from nostro.books.reconcile.engine import PartnerBook, read_line
from nostro.books.reconcile.engine.partners import AccountOwner, KnownPartner

ANN, BOB = an_id("ann"), an_id("bob")
PEOPLE = [KnownPartner(ANN, "Ann Peeters Logistics"), KnownPartner(BOB, "Bob's Bikes")]


def found(line, **known):
    finding = PartnerBook(PEOPLE, **known).find(line, read_line(line))
    return finding and (finding.partner_id, finding.why)


def test_the_tiers_in_their_order():
    line = {"counterparty_name": " bob's  BIKES", "counterparty_account": "BE1", "mandate_id": "m-1"}
    owners = {"BE1": [AccountOwner(ANN)]}
    identifiers = {"M-1": [ANN]}
    assert found(a_line("1", partner_id=ANN, **line), owners={"BE1": [AccountOwner(BOB)]}) == (
        ANN,
        "set by a person",
    )
    assert found(a_line("1", **line), owners=owners) == (ANN, "account BE1")
    assert found(a_line("1", **line), identifiers=identifiers) == (ANN, "identifier m-1")
    assert found(a_line("1", **line)) == (BOB, "name bob's  BIKES")
    assert found(a_line("1", "fee"), mapping_models=lambda line: [ANN]) == (ANN, "a partner mapping")
    assert found(a_line("1", "from peeters ANN, logistics")) == (ANN, "words of the name in the text")
    last = {"somebody": BOB}
    assert found(a_line("1", counterparty_name="Somebody"), last_by_name=last) == (
        BOB,
        "the last three lines with this name",
    )
    assert found(a_line("1", "nobody we know")) is None


def test_an_account_has_one_owner_or_none():
    line = a_line("1", counterparty_account="BE1")
    assert found(line, owners={"BE1": [AccountOwner(ANN), AccountOwner(BOB)]}) is None
    assert found(line, owners={"BE1": [AccountOwner(ANN), AccountOwner(BOB, own_company=False)]}) == (
        ANN,
        "account BE1",
    )
    assert found(line, owners={"BE1": [AccountOwner(ANN, active=False), AccountOwner(BOB)]}) == (BOB, "account BE1")


def test_two_names_in_the_text_are_none_and_common_words_lead_nowhere():
    assert found(a_line("1", "Ann Peeters Logistics for Bob's bikes")) is None
    assert found(a_line("1", "logistics")) is None


def test_own_accounts_and_the_own_name_are_no_partner():
    line = a_line("1", counterparty_name="Bob's Bikes", counterparty_account="BE9")
    assert found(line, own_accounts=frozenset({"BE9"})) is None
    line = a_line("1", counterparty_name="Bob's Bikes")
    assert found(line, own_names=frozenset({"bob's bikes"})) is None
