"""Tables inside an archive are asked about one by one, and what is said of one is remembered (formats.md 4, 6.9)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.books.conftest import NOW
from tests.books.files.steps import IBAN, archive, confirmed, read, worked
from tests.hub.files.factories import camt, entry, statement

from nostro.books.companies.models import Company
from nostro.books.files import asking, services
from nostro.books.files.models import JournalFile, TableMapping
from nostro.books.files.queries import first_rows
from nostro.books.journals.models import Journal, Line
from nostro.books.journals.services import create_journal
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

DUTCH = b"Dag;Waarde;Wie\n12/11/2026;-2,40;CAFE\n13/11/2026;5,00;KLANT\n"
LATER = b"Dag;Waarde;Wie\n14/11/2026;-7,00;CAFE\n15/11/2026;8,00;KLANT\n"
FRENCH = b"Le jour;Valeur;Qui\n15/11/2026;-9,00;BOULANGERIE\n16/11/2026;1,00;CLIENT\n"
DUTCH_MAPPING = {"columns": {"Dag": "booking_date", "Waarde": "amount", "Wie": "counterparty_name"}, "sign": "signed"}
FRENCH_MAPPING = {
    "columns": {"Le jour": "booking_date", "Valeur": "amount", "Qui": "counterparty_name"}, "sign": "signed"
}  # fmt: skip


@pytest.fixture
def journal(owner: User, company: Company) -> Journal:
    return create_journal(owner, company, name="Bank", currency="EUR", account_number=IBAN)


def say(user: User, file: JournalFile, number: int, mapping: object, *, remember: bool = True) -> JournalFile:
    services.answer(user, file.pk, {"mapping": mapping}, NOW, table=number, is_remembered=remember)
    return worked(file)


def asked(file: JournalFile) -> list[str]:
    return [each.name for each in asking.tables_of(file) if each.is_asked]


def test_each_table_is_asked_about_and_then_all_are_imported(owner: User, journal: Journal) -> None:
    statements = camt(statement([entry("-3.50", 10, "Coffee")], iban=IBAN))
    packed = archive(a_csv=DUTCH, b_xml=statements, c_csv=FRENCH)
    file = read(owner, journal, packed)
    assert (file.status, asked(file), file.rows) == ("asking", ["a.csv", "c.csv"], 0)
    assert [each["code"] for each in file.problems] == ["F-MAPPING", "F-MAPPING"]
    assert [each["sentence"][:5] for each in file.problems] == ["a.csv", "c.csv"]

    file = say(owner, file, 1, DUTCH_MAPPING)
    assert (file.status, asked(file), first_rows(file)) == ("asking", ["c.csv"], [])
    file = say(owner, file, 3, FRENCH_MAPPING)
    assert (file.status, asked(file), file.new_count, file.members) == ("waiting", [], 5, 3)

    confirmed(owner, file)
    amounts = sorted(Line.objects.values_list("amount", flat=True))
    assert amounts == [Decimal(each) for each in ("-9.00", "-3.50", "-2.40", "1.00", "5.00")]
    again = read(owner, journal, packed)
    assert (again.status, again.known_count, again.new_count) == ("waiting", 5, 0)


def test_one_answer_is_enough_for_tables_alike(owner: User, journal: Journal) -> None:
    file = read(owner, journal, archive(a_csv=DUTCH, b_csv=LATER))
    assert asked(file) == ["a.csv", "b.csv"]

    file = say(owner, file, 1, DUTCH_MAPPING)
    assert (file.status, file.new_count) == ("waiting", 4)
    # What is said anew of one of them is said of the other too.
    turned = {"columns": {"Dag": "value_date", "Waarde": "amount", "Wie": "description"}, "sign": "signed"}
    file = say(owner, file, 2, turned)
    assert [values.remittance_text for values in first_rows(file)] == ["CAFE", "KLANT"] * 2
    assert list(TableMapping.objects.order_by("version").values_list("version", flat=True)) == [1, 2]


def test_an_answer_that_is_not_remembered_is_for_its_table_only(owner: User, journal: Journal) -> None:
    file = read(owner, journal, archive(a_csv=DUTCH, b_csv=LATER))
    file = say(owner, file, 2, DUTCH_MAPPING, remember=False)

    assert (file.status, asked(file), TableMapping.objects.count()) == ("asking", ["a.csv"], 0)


def test_without_a_journal_each_table_is_asked_for_its_account(owner: User, company: Company, journal: Journal) -> None:
    other = create_journal(owner, company, name="Savings", currency="EUR", account_number="BE43068999999501")
    file = read(owner, company, archive(a_csv=DUTCH, b_csv=LATER))
    for number, account in ((1, journal.account_number), (2, other.account_number)):
        given = {"mapping": DUTCH_MAPPING, "account": account, "currency": "EUR"}
        services.answer(owner, file.pk, given, NOW, table=number, is_remembered=True)
        file = worked(file)

    assert file.status == "waiting"
    assert [(each.journal, each.new_count) for each in file.accounts.order_by("position")] == [(journal, 2), (other, 2)]


def test_no_answer_mends_a_broken_file_beside_a_table(owner: User, journal: Journal) -> None:
    file = read(
        owner, journal, archive(a_csv=DUTCH, b_xml=camt(statement([entry("-3.50", 10, "Coffee")], iban=IBAN))[:-40])
    )

    assert (file.status, file.problems[0]["code"]) == ("failed", "F-TRUNCATED")


def test_very_many_tables_are_asked_about_in_turns(
    owner: User, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nostro.books.files.reading.MAX_ASKED", 2)
    tables = {f"t{number}_csv": DUTCH.replace(b"Wie", f"Wie{number}".encode()) for number in range(3)}
    file = read(owner, journal, archive(**tables))

    assert asked(file) == ["t0.csv", "t1.csv"]


def test_heads_of_tables_that_need_no_answer_are_kept_for_few(
    owner: User, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = say(owner, read(owner, journal, archive(a_csv=DUTCH)), 1, DUTCH_MAPPING)
    monkeypatch.setattr("nostro.books.files.asking.MAX_TABLES", 1)
    file = read(owner, journal, archive(a_csv=DUTCH, b_csv=LATER, c_csv=FRENCH))

    assert [(each.name, each.is_asked) for each in asking.tables_of(file)] == [("a.csv", False), ("c.csv", True)]


def test_a_table_that_is_not_there_and_an_answer_that_cannot_be_used(
    owner: User, stranger: User, journal: Journal
) -> None:
    file = read(owner, journal, archive(a_csv=DUTCH))
    with pytest.raises(NotFound):
        services.answer(owner, file.pk, {"mapping": DUTCH_MAPPING}, NOW)
    with pytest.raises(NotFound):
        services.answer(owner, file.pk, {"mapping": DUTCH_MAPPING}, NOW, table=2)
    with pytest.raises(NotFound):
        services.answer(stranger, file.pk, {"mapping": DUTCH_MAPPING}, NOW, table=1)
    with pytest.raises(Problem) as refused:
        services.answer(owner, file.pk, {"mapping": {"columns": {"Dag": "nothing"}}}, NOW, table=1)

    assert refused.value.field == "mapping"
    assert JournalFile.objects.get().status == "asking"
