"""A payload is recognised by its bytes, whatever it holds."""

from decimal import Decimal

import pytest

from nostro.core.payloads import payload_bytes, payload_digest


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_equal_payloads_have_equal_digests_and_others_do_not(currency):
    payload = {"amount": Decimal("1.500"), "currency": currency}
    assert payload_digest(payload) == payload_digest(dict(payload))
    assert payload_digest(payload) != payload_digest({**payload, "amount": Decimal("1.50")})
    assert payload_digest(payload) != payload_digest({**payload, "amount": "1.500"})


def test_numbers_and_texts_that_are_no_usual_json_have_bytes_too():
    assert payload_bytes({"a": 10**30}) == b'{"a":' + b"1" + b"0" * 30 + b"}"
    assert payload_bytes({"a": "\ud800"}) == b'{"a":"\\ud800"}'


def test_a_row_without_payload_has_the_digest_of_null():
    assert payload_digest({}) == payload_digest(None)
