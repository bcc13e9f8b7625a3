"""Structured references; every example of books.md 15 is normative."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.core.check_digits import (
    be_check_digits,
    ch_check_digit,
    fi_check_digit,
    luhn_check_digit,
    nl_check_digit,
    no_mod11_check_digit,
    rf_check_digits,
    si_check_digit,
)
from nostro.core.references import (
    MAX_REFERENCES,
    ReferenceError,
    canonical_keys,
    find_references,
    is_qr_iban,
    make_reference,
    print_reference,
)


def keys(text):
    return {reference.key for reference in find_references(text)}


@pytest.mark.parametrize(
    ("check_digit", "base", "expected"),
    [
        (rf_check_digits, "123456789", "18"),
        (be_check_digits, "0203430576", "42"),
        (be_check_digits, "0970000000", "97"),
        (fi_check_digit, "123456", "1"),
        (rf_check_digits, "1234561", "34"),
        (luhn_check_digit, "1234567", "4"),
        (no_mod11_check_digit, "123456", "0"),
        (no_mod11_check_digit, "1009", "-"),
        (luhn_check_digit, "1234568", "2"),
        (ch_check_digit, "21000000000313947143000901", "7"),
        (si_check_digit, "12345678", "9"),
        (si_check_digit, "1234567", "9"),
        (luhn_check_digit, "12345678901234", "7"),
        (nl_check_digit, "000056789012345", "5"),
        (nl_check_digit, "71234567", "2"),
    ],
)
def test_the_check_digits_of_the_examples(check_digit, base, expected):
    assert check_digit(base) == expected


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("RF18 1234 5678 9", "RF:RF18123456789"),
        ("rf18123456789", "RF:RF18123456789"),
        ("RF18 0000 1234 5678 9", "RF:RF18123456789"),
        ("+++020/3430/57642+++", "BE:020343057642"),
        ("***020/3430/57642***", "BE:020343057642"),
        ("020343057642", "BE:020343057642"),
        ("020/3430/57642", "BE:020343057642"),
        ("+++097/0000/00097+++", "BE:097000000097"),
        ("1234561", "FI:1234561"),
        ("0001234561", "FI:1234561"),
        ("1234561", "RF:RF341234561"),
        ("12345674", "NO:12345674"),
        ("1234560", "NO:1234560"),
        ("1009-", "NO:1009-"),
        ("12345682", "SE:12345682"),
        ("21 00000 00003 13947 14300 09017", "CH:210000000003139471430009017"),
        ("210000000003139471430009017", "CH:210000000003139471430009017"),
        ("SI01 123-456-789", "SI:SI01123-456-789"),
        ("SI12 12345679", "SI:SI1212345679"),
        ("+71<123456789012347+12345678<", "DK:71<123456789012347+12345678"),
        ("5000056789012345", "NL:5000056789012345"),
        ("271234567", "NL:271234567"),
    ],
)
def test_the_examples_are_found_as_a_whole_and_in_free_text(text, key):
    assert key in canonical_keys(text)
    assert key in keys(text)
    assert key in keys(f"Invoice 7: {text}, thank you")
    assert key in keys(f"({text})")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("RF19 1234 5678 9", "RF:RF19"),
        ("020343057643", "BE:"),
        ("+++097/0000/00000+++", "BE:"),
        ("1234562", "FI:"),
        ("12345675", "NO:"),
        ("1008-", "NO:1008-"),
        ("12345683", "SE:"),
        ("210000000003139471430009018", "CH:"),
        ("SI01 123-456-780", "SI:"),
        ("SI12 12345670", "SI:"),
        ("+71<123456789012348+12345678<", "DK:"),
        ("+71<12345678901234+12345678<", "DK:"),
        ("5000056789012346", "NL:"),
        ("261234567", "NL:"),
        ("123456789012345", "NL:"),
    ],
)
def test_a_wrong_check_digit_is_no_reference(text, key):
    assert not [found for found in (*canonical_keys(text), *keys(text)) if found.startswith(key)]


@pytest.mark.parametrize(
    "text", ["X020343057642", "020343057642X", "9020343057642", "0203430576421", "é020343057642", "RF18123456789X"]
)
def test_a_candidate_must_be_delimited(text):
    assert not {"BE:020343057642", "RF:RF18123456789"} & keys(text)


@pytest.mark.parametrize("around", [" ", "/", "-", "_", ":", "+++", "*", "€"])
def test_anything_but_letters_and_digits_delimits(around):
    assert "BE:020343057642" in keys(f"ref{around}020343057642{around}x")


def test_words_behind_a_printed_rf_reference_are_not_swallowed():
    assert keys("RF18 1234 5678 9 rent paid") == keys("RF18 1234 5678 9")
    assert "RF:RF18123456789" in keys("pay RF18 1234 5678 9 21 times")
    assert "RF:RF" + rf_check_digits("12345678") + "12345678" in keys(f"RF{rf_check_digits('12345678')} 1234 5678 rent")


def test_fewer_than_eight_digits_are_weak_evidence():
    evidence = {reference.key: reference.weak for reference in find_references("1234561 and 12345674")}
    assert evidence["FI:1234561"] is evidence["NL:1234561"] is True
    assert evidence["NO:12345674"] is False


def test_one_text_may_satisfy_several_schemes():
    assert {"NO:12345674", "SE:12345674"} <= keys("12345674")
    assert len({reference.start for reference in find_references("12345674")}) == 1


def test_the_place_of_a_reference_is_given():
    text = "Straße ﬁ: +++020/3430/57642+++"
    (reference,) = [found for found in find_references(text) if found.scheme == "BE"]
    assert text[reference.start : reference.end] == "020/3430/57642"


def test_slovenian_models_without_a_check_digit_are_exact_text_only():
    assert canonical_keys("SI00 123-45") == ("SI:SI00123-45",)
    assert canonical_keys("SI12 12345678901234") == ("SI:SI1212345678901234",)
    assert not [key for key in keys("SI00 123-45") if key.startswith("SI")]


@pytest.mark.parametrize("text", ["", "no reference", "٠٢٠٣٤٣٠٥٧٦٤٢", "RF", "+++//+++", "SI01", "²³"])
def test_texts_without_reference(text):
    assert canonical_keys(text) == ()
    assert find_references(text) == []


def test_hostile_texts_are_bounded():
    assert len(find_references("12345674 " * 10_000)) == MAX_REFERENCES
    assert find_references("9" * 100_000) == []


@given(st.text(alphabet="RFSI0123456789 +-/<*x", max_size=80))
def test_every_key_found_is_valid_as_a_whole(text):
    for reference in find_references(text):
        assert reference.key in canonical_keys(print_reference(reference.key))


@pytest.mark.parametrize(
    ("scheme", "base", "expected"),
    [
        ("RF", "123456789", "RF18123456789"),
        ("BE", "203430576", "020343057642"),
        ("FI", "123456", "1234561"),
        ("NO", "1234567", "12345674"),
        ("SE", "123456", "12345682"),
        ("CH", "21000000000313947143000901", "210000000003139471430009017"),
        ("NL", "1234567", "271234567"),
    ],
)
def test_own_references(scheme, base, expected):
    assert make_reference(scheme, base) == expected


@given(st.sampled_from(["RF", "BE", "FI", "NO", "SE", "CH", "NL"]), st.integers(1_000_000, 10**10 - 1))
def test_own_references_are_found_again(scheme, number):
    made = make_reference(scheme, str(number))
    assert [key for key in canonical_keys(made) if key.startswith(scheme)]
    assert [key for key in keys(f"payment {made}.") if key.startswith(scheme)]


@pytest.mark.parametrize(
    ("scheme", "base"), [("BE", "12345678901"), ("FI", "12"), ("NL", "123"), ("RF", "é"), ("SE", "")]
)
def test_a_base_that_does_not_fit_is_refused(scheme, base):
    with pytest.raises(ReferenceError):
        make_reference(scheme, base)


@pytest.mark.parametrize(
    ("key", "printed"),
    [
        ("BE:020343057642", "+++020/3430/57642+++"),
        ("RF:RF18123456789", "RF18 1234 5678 9"),
        ("CH:210000000003139471430009017", "21 00000 00003 13947 14300 09017"),
        ("SI:SI01123-456-789", "SI01 123-456-789"),
        ("DK:71<123456789012347+12345678", "+71<123456789012347+12345678<"),
        ("NL:271234567", "271234567"),
    ],
)
def test_printed_forms(key, printed):
    assert print_reference(key) == printed


def test_qr_ibans():
    assert is_qr_iban("CH44 3199 9123 0008 8901 2")
    assert not is_qr_iban("CH93 0076 2011 6238 5295 7")
    assert not is_qr_iban("DE44 3199 9123 0008 8901 2")


@pytest.mark.parametrize(
    "text",
    [
        "0203 4305 7642",
        "020-3430-57642",
        "02.03.43.05.76.42",
        "+++ 020 / 3430 / 57642 +++",
        "ref:020343\n057642",
        "0203430 57642.",
    ],
)
def test_digits_in_groups_are_read_together(text):
    keys = {reference.key: reference.weak for reference in find_references(text)}
    assert keys["BE:020343057642"] is False


@pytest.mark.parametrize("text", ["RF18 1234 5678 9", "RF 18 123456789", "rf18-1234-5678-9", "RF1812345\n6789 thanks"])
def test_rf_references_in_any_grouping(text):
    assert "RF:RF18123456789" in {reference.key for reference in find_references(text) if not reference.weak}


def test_some_groups_of_a_longer_run_are_weak():
    keys = {reference.key: reference.weak for reference in find_references("1234 0203 4305 7642")}
    assert keys["BE:020343057642"] is True


def test_a_structured_field_may_be_grouped_by_anything():
    assert "BE:020343057642" in canonical_keys("020-3430-57642")
    assert "RF:RF18123456789" in canonical_keys("RF18-1234-5678-9")
