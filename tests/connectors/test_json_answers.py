"""JSON of banks: exact, unambiguous, without card numbers."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.connectors.json_answers import JsonError, mask_card_numbers_in_json, parse_json

PAN = "4111111111111111"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1.10}', {"a": Decimal("1.10")}),
        ('{"a": 0.1}', {"a": Decimal("0.1")}),
        ('{"a": 1000000000000000000.001}', {"a": Decimal("1000000000000000000.001")}),
        ('{"a": 120}', {"a": 120}),
        ('\ufeff{"a": "x"}', {"a": "x"}),
        ('{"a": 1, "a": 1}', {"a": 1}),
        (r'{"a": ["x\ud800y", "\u0000", "\ud83d\ude00"]}', {"a": ["x\ufffdy", "\ufffd", "\U0001f600"]}),
    ],
)
def test_numbers_are_exact_and_texts_can_be_stored(text: str, value: object) -> None:
    parsed = parse_json(text.encode())
    assert parsed == value
    assert not isinstance(parsed["a"], float)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"a": 1',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"amount": "1", "amount": "2"}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a": 1e99999999999999999999999}',
        b'{"a": "\xff"}',
    ],
)
def test_what_is_no_clear_json_is_refused(body: bytes) -> None:
    with pytest.raises(JsonError):
        parse_json(body)


def test_card_numbers_are_masked_in_texts_and_card_fields_only() -> None:
    body = json.dumps(
        {
            "remittanceInformationUnstructured": f"CARD {PAN} SHOP",
            "creditorAccount": {"pan": "1234 5678 9012 3456"},
            "entryReference": PAN,
            "number": 4111111111111111,
            "_links": {"next": {"href": f"/v1/accounts/{PAN}"}},
            "list": ["a", PAN],
        }
    ).encode()
    assert json.loads(mask_card_numbers_in_json(body)) == {
        "remittanceInformationUnstructured": "CARD 411111xxxxxx1111 SHOP",
        "creditorAccount": {"pan": "123456xxxxxx3456"},
        "entryReference": PAN,
        "number": 4111111111111111,
        "_links": {"next": {"href": f"/v1/accounts/{PAN}"}},
        "list": ["a", "411111xxxxxx1111"],
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_masking_keeps_json_without_card_numbers(value: object) -> None:
    body = json.dumps(value).encode()
    assert json.loads(mask_card_numbers_in_json(body)) == value


@given(st.binary(max_size=300))
def test_masking_never_fails_on_garbage(body: bytes) -> None:
    assert len(mask_card_numbers_in_json(body + PAN.encode())) == len(body) + len(PAN)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "x", "a": "y"}',
        b'{"a": 1, "b": {"c": "\\u0022\\u0022", "c": "d"}}',
        b'{"a": "\\"", "a": 2}',
        b'{"a": 123456789012345678901234567890, "a": 2}',
        b'[{"a": [1], "a": [2]}]',
    ],
)
def test_a_key_with_two_values_is_found_wherever_it_stands(body):
    with pytest.raises(JsonError):
        parse_json(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 123456789012345678901234567890}', {"a": 123456789012345678901234567890}),
        (b'{"a": 1, "a": 1}', {"a": 1}),
        (b'{"a": "say \\u0022so\\u0022"}', {"a": 'say "so"'}),
        (b'{"a": 1.10}', {"a": Decimal("1.10")}),
    ],
)
def test_what_is_no_contradiction_is_read(body, value):
    assert parse_json(body) == value
