"""Masking: numbers that must not be shown are hidden, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.core.masking import (
    is_card_number,
    is_iban,
    mask_card_numbers,
    mask_for_log,
    mask_iban,
    mask_pan,
    mask_token,
)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("4111111111111111", "411111xxxxxx1111"),
        ("card 4111 1111 1111 1111 paid", "card 411111xxxxxx1111 paid"),
        ("5500-0000-0000-0004", "550000xxxxxx0004"),
        ("amex 378282246310005.", "amex 378282xxxxx0005."),
    ],
)
def test_card_numbers_are_masked(text: str, masked: str) -> None:
    assert mask_card_numbers(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # wrong check digit
        "1234567812345670",  # right check digit, no card scheme
        "+++090/9337/55493+++",
        "RF18539007547034",
        "210000000003139471430009017",  # Swiss QRR
        "DE89 3704 0044 0532 0130 00",
        "x4111111111111111",  # part of a longer word
        "2026-01-31 invoice 4711",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert mask_card_numbers(text) == text


def test_a_card_number_inside_an_iban_stays_with_the_iban() -> None:
    iban = "GB47 BARC 4111 1111 1111 1111"
    check = next(f"{number:02}" for number in range(2, 99) if is_iban(f"GB{number:02} BARC 4111 1111 1111 1111"))
    iban = f"GB{check} BARC 4111 1111 1111 1111"
    assert mask_card_numbers(iban) == iban


@given(st.text(max_size=200))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    assert mask_card_numbers(mask_card_numbers(text)) == mask_card_numbers(text)


@given(st.from_regex(r"4[0-9]{14}", fullmatch=True))
def test_every_valid_number_of_a_scheme_is_found(head: str) -> None:
    number = next(head + digit for digit in "0123456789" if is_card_number(head + digit))
    masked = mask_card_numbers(f"paid with {number} today")
    assert number not in masked
    assert masked == f"paid with {mask_pan(number)} today"


def test_a_masked_number_of_the_bank_keeps_its_letters() -> None:
    assert mask_pan("497010******0014") == "497010******0014"
    assert mask_pan("12345678") == "xxxx5678"


def test_ibans_show_country_check_digits_and_the_last_four() -> None:
    assert mask_iban("BE68 5390 0754 7034") == "BE68xxxxxxxx7034"
    assert mask_iban("BE68") == "xxxx"


def test_tokens_show_four_characters_or_none() -> None:
    assert mask_token("abcdefghijklmnopqrstuvwxyz") == "…wxyz"
    assert mask_token("short") == "…"


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("Authorization: Bearer eyJhbGciOi.abc.def", "eyJhbGciOi"),
        ("Consent-ID: 1234-wertiq-983", "wertiq"),
        ('{"client_secret": "s3cr3t-value"}', "s3cr3t"),
        ("POST /token?access_token=abcdef123456&x=1", "abcdef123456"),
        ("from DE89370400440532013000 TO shop", "370400440532013000"),
        ("from DE89 3704 0044 0532 0130 00 Rent March", "0044 0532"),
        ("iban be68539007547034 unknown", "539007547034"),
        ("pan 4111111111111111", "4111111111111111"),
    ],
)
def test_logs_show_no_secret(line: str, secret: str) -> None:
    assert secret not in mask_for_log(line)


def test_a_log_line_without_secrets_stays() -> None:
    line = "GET /v1/accounts 200 in 31 ms, request 0193a1b2-0000-7000-8000-000000000000"
    assert mask_for_log(line) == line
