from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from nostro.core.ids import new_id
from nostro.hub.directory.folding import fold_words
from nostro.hub.directory.models import Institution, Route
from nostro.hub.directory.queries import countries, get_institution, search
from nostro.hub.directory.services import institution_id, load_directory
from nostro.web.errors import NotFound, Problem


@pytest.fixture(scope="module")
def directory(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The whole directory, loaded once for this module and removed again."""
    with django_db_blocker.unblock():
        load_directory()
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE directory_institution")
        yield
        Route.objects.all().delete()
        Institution.objects.all().delete()


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("directory")]


def test_loading_again_changes_nothing() -> None:
    before = Institution.objects.count()
    assert load_directory() == 0
    assert Institution.objects.count() == before > 15_000


def test_ids_are_derived_so_that_every_host_has_the_same() -> None:
    found = Institution.objects.get(name="KBC Bank", country="BE")
    assert found.id == institution_id("BE", "KREDBEBB", "KBC  bank")
    assert found.id.version == 5


def test_a_changed_row_is_mended_and_a_bank_that_left_stays_deprecated() -> None:
    Institution.objects.filter(name="KBC Bank", country="BE").update(bank_codes=["000"])
    gone = Institution.objects.create(name="Gone Bank", folded_name="gone bank", country="BE")
    assert load_directory() == 2
    gone.refresh_from_db()
    assert gone.deprecated
    assert Institution.objects.get(name="KBC Bank", country="BE").bank_codes != ["000"]
    assert search("Gone Bank") == []
    assert get_institution(gone.id).deprecated


def test_one_bank_with_thousands_of_codes_is_one_institution() -> None:
    danske = Institution.objects.get(bic="DABADKKKXXX", name="DANSKE BANK A/S")
    assert len(danske.bank_codes) == len(set(danske.bank_codes)) > 3_000


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Crédit Coopératif S.A.", "credit cooperatif sa"),
        ("PKO  Bank Polski (Spółka)", "pko bank polski spolka"),
        ("Große Straße-Bank", "grosse strasse bank"),
        ("", ""),
    ],
)
def test_names_are_folded_to_words(text: str, folded: str) -> None:
    assert fold_words(text) == folded


def test_names_rank_exact_before_prefix_before_substring() -> None:
    for name in ("Zzyx", "Zzyx Bank", "Old Zzyx", "Azzyxa"):
        Institution.objects.create(name=name, folded_name=fold_words(name), country="BE")
    assert [bank.name for bank in search("ZZYX")] == ["Zzyx", "Zzyx Bank", "Old Zzyx", "Azzyxa"]


def test_an_institution_with_a_route_comes_before_its_equals() -> None:
    banks = [Institution.objects.create(name=n, folded_name=n, country="BE") for n in ("zzyx one", "zzyx two")]
    Route.objects.create(institution=banks[1], connector="berlin_group", base_url="https://bank.example")
    found = search("zzyx")
    assert found == [banks[1], banks[0]]
    assert [len(bank.routes.all()) for bank in found] == [1, 0]


def test_accents_case_and_order_of_words_do_not_matter() -> None:
    name = "Crédit Ágricole du Zzyx"
    made = Institution.objects.create(name=name, folded_name=fold_words(name), country="FR")
    assert search("zzyx agricole CREDIT", country="fr") == [made]
    assert search("zzyx agricole CREDIT", country="BE") == []


def test_a_bic_is_found_with_and_without_branch() -> None:
    for text in ("GEBABEBB", "gebabebbxxx", "GEBA BE BB"):
        assert search(text)[0].bic == "GEBABEBBXXX"


def test_an_iban_finds_its_bank() -> None:
    found = search("BE71 0961 2345 6769")
    assert found
    assert all(bank.country == "BE" for bank in found)
    assert any("096" in bank.bank_codes for bank in found)
    assert search("BE68 5390 0754 7034") == [], "a good IBAN of a bank that the registry does not list"


def test_a_german_iban_finds_its_bank_by_bank_code() -> None:
    found = search("DE89370400440532013000")
    assert any("37040044" in bank.bank_codes for bank in found)
    assert found[0].bic == "COBADEFFXXX"


@pytest.mark.parametrize(
    ("iban", "why"),
    [
        ("BE68 5390 0754 7035", "check digits"),
        ("BE68 5390 0754 70", "too short or too long"),
        ("XX68 5390 0754 7034", "no country"),
    ],
)
def test_a_wrong_iban_is_explained(iban: str, why: str) -> None:
    with pytest.raises(Problem) as refused:
        search(iban)
    assert (refused.value.code, refused.value.field) == ("ibanInvalid", "q")
    assert why in refused.value.why


def test_a_bank_code_finds_its_bank() -> None:
    assert search("37040044", country="DE")[0].bic == "COBADEFFXXX"


def test_nothing_to_search_for_finds_nothing() -> None:
    for text in ("", "   ", "!!!", "%", "_", "\x00"):
        assert search(text) == []


def test_wildcards_are_plain_characters_and_the_limit_holds() -> None:
    assert search("%bank%_") == search("bank")
    assert len(search("bank", limit=7)) == 7
    assert len(search("bank", limit=10_000)) == 100
    assert search("x" * 10_000) == []


@pytest.mark.parametrize("text", ["bank", "sparkasse köln", "GEBABEBB", "DE89370400440532013000", "37040044"])
def test_a_search_is_two_statements_however_much_it_finds(text: str, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        assert search(text)


def test_the_sandbox_lists_its_bank_and_the_live_search_never_does(settings: Any) -> None:
    for text in ("", "test", "something else"):
        assert [bank.name for bank in search(text, sandbox=True)] == ["Nostro Test Bank"]
    assert search("Nostro Test Bank") == []
    bank = search("", sandbox=True)[0]
    assert (bank.bic, bank.is_sandbox) == ("NSTRBEB0XXX", True)
    assert [route.base_url for route in bank.routes.all()] == [settings.SANDBOX_BANK_URL]


def test_the_sandbox_route_follows_the_settings(settings: Any) -> None:
    settings.SANDBOX_BANK_URL = "http://127.0.0.1:9999/"
    assert load_directory() == 1
    assert search("", sandbox=True)[0].routes.get().base_url == "http://127.0.0.1:9999"
    settings.SANDBOX_ENABLED = False
    load_directory()
    assert search("", sandbox=True) == []
    settings.SANDBOX_ENABLED = True
    load_directory()
    assert len(search("", sandbox=True)[0].routes.all()) == 1


def test_an_unknown_institution_is_not_found() -> None:
    with pytest.raises(NotFound):
        get_institution(new_id())


def test_countries_are_those_with_banks() -> None:
    listed = countries()
    assert {"BE", "DE", "NL", "FR", "GB"} <= set(listed)
    assert listed == sorted(set(listed))
