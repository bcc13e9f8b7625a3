"""Account keys survive renewals; currencies are accounts of their own."""

from dataclasses import replace

import pytest

from nostro.core.account_keys import AccountKeyError, account_key, normalise_account_number, online_identity
from nostro.core.transactions import Account

EUR = Account(resource_id="r-1", currency="EUR", iban="BE68 5390 0754 7034")


def test_the_key_is_institution_number_and_currency():
    assert account_key(EUR, "NSTRBEB0XXX") == "NSTRBEB0XXX|iban:BE68539007547034|EUR"


def test_the_resource_id_and_the_name_are_no_part_of_the_key():
    renewed = replace(EUR, resource_id="r-2", name="Main account", iban="be68539007547034")
    assert account_key(renewed, "bank") == account_key(EUR, "bank")


def test_one_iban_with_three_currencies_is_three_accounts():
    assert len({account_key(replace(EUR, currency=currency), "bank") for currency in ("EUR", "JPY", "KWD")}) == 3


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"bban": "539-0075470-34", "masked_pan": "5254********3241"}, "bban:539007547034"),
        ({"masked_pan": "5254 12XX XXXX 3241"}, "pan:525412******3241"),
        ({"masked_pan": "525412******3241"}, "pan:525412******3241"),
        ({"msisdn": "+49 170 1234567"}, "msisdn:491701234567"),
        ({"other": " aBc= "}, "other:aBc="),
    ],
)
def test_without_an_iban_the_next_number_counts(numbers, expected):
    assert account_key(Account(resource_id="r", currency="JPY", **numbers), "bank") == f"bank|{expected}|JPY"


def test_an_account_without_any_number_has_no_key():
    with pytest.raises(AccountKeyError):
        account_key(Account(resource_id="r", currency="EUR", other="  "), "bank")


def test_account_numbers_are_compared_upper_case_without_separators():
    assert normalise_account_number(" be68-5390.0754 7034") == "BE68539007547034"


def test_online_identity_is_number_and_currency_else_the_hub_id():
    assert online_identity("BE68 5390 0754 7034", "EUR", "id-1") == "IBAN:BE68539007547034|EUR"
    assert online_identity("BE68539007547034", "KWD", "id-1") != online_identity("BE68539007547034", "JPY", "id-1")
    assert online_identity(None, "EUR", "id-1") == online_identity(" - ", "EUR", "id-1") == "HUB:id-1"
    assert online_identity("123", "EUR", "id-1", "bban") == "BBAN:123|EUR"
