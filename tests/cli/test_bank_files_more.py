"""``nostro inspect`` and ``convert`` with tables and archives, and ``nostro export`` (issue 7)."""

from __future__ import annotations

import gzip
import re
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from tests.hub.accounts.factories import NOW, apply, make_account, row
from typer.testing import CliRunner

from bench import bank_files
from nostro.cli import exporting
from nostro.cli.application import application
from nostro.formats.csv.presets import DATA
from nostro.hub.accounts.models import Account

IBAN = "BE68539007547034"
TABLE = "Dag;Bedrag;Wat\n12/11/2026;-2,40;koffie\n13/11/2026;121,00;factuur\n14/11/2026;5,00;terug\n"


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(application, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def sample_of(bank: str) -> str:
    return next(str(data["sample"]).lstrip("\n") for data in DATA if data["name"] == bank)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "statements.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("one.xml", b"".join(bank_files.camt(12)))
        target.writestr("sub/two.sta", b"".join(bank_files.mt940(5)))
        target.writestr("three.csv", sample_of("KBC"))
    return path


def test_each_file_of_an_archive_is_shown(archive: Path) -> None:
    status, output = run("inspect", archive)
    assert status == 0, output
    for words in ("statements.zip: one.xml: camt.053", "sub/two.sta: mt940", "three.csv: csv", "12 rows", "KBC"):
        assert words in output
    assert output.count("proved") == 3


def test_all_statements_of_an_archive_become_one_file(archive: Path, tmp_path: Path) -> None:
    for target in ("all.xlsx", "all.csv", "all.xml"):
        status, output = run("convert", archive, tmp_path / target)
        assert status == 0, output
        assert "3 statements, 19 rows" in output
        status, output = run("inspect", tmp_path / target)
        assert (status, output.count(" proved")) == (0, 3), output


def test_one_bad_file_of_an_archive_is_named_and_nothing_is_converted(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive, "a") as target:
        target.writestr("bill.pdf", b"%PDF-1.7")
    status, output = run("inspect", archive)
    assert status == 2 and "bill.pdf" in output and "a PDF is not a statement file" in output
    assert run("convert", archive, tmp_path / "out.xml")[0] == 2
    assert not (tmp_path / "out.xml").exists()


def test_gzip_and_archives_within_archives(tmp_path: Path) -> None:
    path = tmp_path / "statement.xml.gz"
    path.write_bytes(gzip.compress(b"".join(bank_files.camt(12))))
    assert "12 rows" in run("inspect", path)[1]
    nested = tmp_path / "nested.zip"
    with zipfile.ZipFile(nested, "w") as target:
        target.write(path, "inner.gz")
    status, output = run("inspect", nested)
    assert (status, "F-UNSAFE" in output) == (2, True)


def test_a_file_beyond_the_limit_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    status, output = run("inspect", path)
    assert (status, "F-TOO-LARGE" in output) == (2, True)


def test_columns_are_asked_for_and_may_be_named_in_three_ways(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    status, output = run("inspect", path)
    assert status == 2 and "F-MAPPING" in output and "Bedrag = amount" in output
    path.write_text(TABLE.replace("Dag", "Datum").replace("Wat", "Omschrijving"))
    known = ("--account", IBAN, "--currency", "EUR")
    status, output = run("inspect", path, "--mapping", "proposed", *known)
    assert status == 0 and "3 rows" in output, output
    mapping = tmp_path / "mine.toml"
    mapping.write_text('columns = { Datum = "booking_date", Bedrag = "amount" }\n')
    assert run("inspect", path, "--mapping", mapping, *known)[0] == 0
    assert "F-MAPPING" in run("inspect", path, "--mapping", "kbc", *known)[1]
    assert "F-MAPPING" in run("inspect", path, "--mapping", tmp_path / "none.toml", *known)[1]
    assert run("inspect", path, "--dates", "sideways")[0] == 2


# --- export ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setattr(exporting, "open_database", lambda: "")
    monkeypatch.setattr(exporting, "set_up_django", lambda: None)
    return make_account(current_balance=Decimal("1117.50"), synchronized_at=NOW)


@pytest.mark.django_db
def test_any_account_and_period_is_exported(account: Account, tmp_path: Path) -> None:
    apply(account, row("-3.50"), row("121.00"))
    for name in ("out.csv", "out.xlsx", "out.xml", "out.sta", "out.ofx", "out.cod"):
        status, output = run("export", account.reference, tmp_path / name)
        assert status == 0, output
        status, output = run("inspect", tmp_path / name)
        assert status == 0 and "2 rows" in output, output
    status, output = run("export", account.pk, tmp_path / "none.csv", "--from", "2020-01-01", "--to", "2020-01-31")
    assert status == 0, output


@pytest.mark.django_db
def test_what_cannot_be_exported_is_said(account: Account, tmp_path: Path) -> None:
    other = make_account(currency="USD")
    Account.objects.filter(pk=other.pk).update(reference=account.reference)
    target = tmp_path / "out.csv"
    status, output = run("export", account.reference, target)
    assert status == 2 and str(account.pk) in re.sub(r"\s", "", output) and "Several accounts" in output
    assert run("export", account.reference, target, "--currency", "EUR")[0] == 0
    assert run("export", account.reference, target, "--currency", "EUR")[0] == 2, "an existing file is kept"
    assert run("export", account.reference, target, "--organization", "Nobody", "--force")[0] == 2
    for arguments in (
        ["NL00NONE", target],
        [account.pk, tmp_path / "nameless"],
        [account.pk, target, "--from", "soon"],
    ):
        assert run("export", *arguments, "--force")[0] == 2
    status, output = run("export", account.pk, target, "--force", "--from", "2026-02-01", "--to", "2026-01-01")
    assert status == 2 and "ends before it begins" in re.sub(r"\s+", " ", output)
