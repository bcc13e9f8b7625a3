"""Cleaning, folding and neutralising of text from banks."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.core.text import MAX_TEXT_LENGTH, clean, fold, neutralise_formula


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("  rent   November ", "rent November"),
        ("line one\r\nline two\tend", "line one line two end"),
        ("null\x00 bell\x07", "null bell"),
        ("\u202eevil\u202c text\u200b", "evil text"),
        ("\u2066isolated\u2069", "isolated"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("Müller & Söhne, 東京", "Müller & Söhne, 東京"),
        ("می‌خواهم", "می‌خواهم"),
        ("", ""),
    ],
)
def test_clean_keeps_what_a_person_reads_and_nothing_else(given_text, expected):
    assert clean(given_text) == expected


def test_clean_caps_the_length():
    assert clean("x" * 10_000) == "x" * MAX_TEXT_LENGTH
    assert clean("abc def", limit=4) == "abc"


@given(st.text())
def test_clean_text_has_no_control_characters_and_cleaning_twice_is_cleaning_once(text):
    cleaned = clean(text)
    assert not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in cleaned)
    assert clean(cleaned) == cleaned
    cleaned.encode()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("COFFEE CORNER", "coffee-corner"),
        ("Remit\ntance 12/34", "remittance 1234"),
        ("STRASSE 1", "straße 1"),
        ("Ｆｕｌｌ　Ｗｉｄｔｈ", "full width"),
        ("+++020/3430/57642+++", "020343057642"),
        ("Caf\u00e9", "CAFE\u0301"),
        (None, ""),
    ],
)
def test_fold_makes_the_same_of_texts_that_differ_in_case_blanks_and_punctuation(one, other):
    assert fold(one) == fold(other)


def test_fold_keeps_texts_apart_that_differ_in_a_letter_or_digit():
    assert len({fold("invoice 1"), fold("invoice 2"), fold("invoices 1"), fold("invoicé 1")}) == 4


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_the_fast_path_for_ascii_agrees_with_the_general_rule(text):
    assert fold(text + "é") == fold(text) + "é"


@pytest.mark.parametrize("text", ["=1+1", "+32 2 123", "-5", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1"])
def test_formulas_are_neutralised(text):
    assert neutralise_formula(text) == "'" + text


@pytest.mark.parametrize("text", ["rent = 5", "a-b", "", "'quoted"])
def test_ordinary_text_is_left_alone(text):
    assert neutralise_formula(text) == text


@given(st.text(alphabet=" \t\n\u00a0\u200babÉ", max_size=12), st.integers(1, 12))
def test_cleaning_is_the_same_whichever_way_it_takes(text, limit):
    visible = "".join(character for character in text[: 4 * limit] if character != "\u200b")
    assert clean(text, limit) == " ".join(visible.split())[:limit].rstrip()
