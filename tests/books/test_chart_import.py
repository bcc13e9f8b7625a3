"""A chart of accounts from a file (books.md 14.1)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.books.reconcile.steps import invoice_of

from nostro.books.companies.models import Company
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.chart_import import ChartOutcome, import_chart
from nostro.books.ledger.imports import ImportErrors
from nostro.books.ledger.models import AccountKind, LedgerAccount, Purpose
from nostro.people.models import AuditRecord, User
from nostro.web.errors import NotFound, Problem

FILE = (
    b"code;name;kind;currency;purpose;reconcilable\n"
    b"440100;Suppliers abroad;payable;;;\n"
    b"550010;Bank in dollars;Bank and cash;usd;;\n"
    b"657000;Bank charges;;;;\n"
    b"657100;Fees of banks;expense;;bank_fees;\n"
)


def test_accounts_are_made_and_changed_and_a_second_time_nothing_happens(owner: User, company: Company) -> None:
    assert import_chart(owner, company.id, FILE) == ChartOutcome(created=3, changed=1, known=0)
    made = {one.code: one for one in LedgerAccount.objects.filter(company=company)}
    assert (made["440100"].kind, made["440100"].reconcilable) == (AccountKind.PAYABLE, True)
    assert (made["550010"].kind, made["550010"].currency) == (AccountKind.BANK, "USD")
    assert (made["657000"].name, made["657000"].purpose) == ("Bank charges", "")
    assert account_for(company, Purpose.BANK_FEES) == made["657100"]
    assert import_chart(owner, company.id, FILE.replace(b"657000;Bank charges;;;;\n", b"")).known == 3
    assert AuditRecord.objects.filter(tenant_id=company.id, action="chart.imported").count() == 1


def test_all_errors_are_told_together_and_nothing_is_imported(owner: User, company: Company) -> None:
    invoice_of(owner, company)
    before = LedgerAccount.objects.filter(company=company).count()
    file = (
        "code,name,kind,purpose\n100001,,equity,\nno code!,X,equity,\n100002,Y,thing,\n100003,Z,,\n"
        "400000,Customers,expense,\n100004,A,income,sales\n100005,B,income,sales\n100004,C,income,\n"
    )
    with pytest.raises(ImportErrors) as refused:
        import_chart(owner, company.id, file.encode())
    assert [(error.row, error.column) for error in refused.value.errors] == [
        (2, "name"), (3, "code"), (4, "kind"), (5, "kind"), (6, "kind"), (8, "purpose"), (9, "code"),
    ]  # fmt: skip
    assert "has bookings" in refused.value.errors[4].sentence
    assert LedgerAccount.objects.filter(company=company).count() == before


def test_a_file_without_columns_and_a_stranger_are_refused(owner: User, stranger: User, company: Company) -> None:
    with pytest.raises(Problem) as refused:
        import_chart(owner, company.id, b"account,title\n1,2\n")
    assert refused.value.code == "columnsMissing"
    with pytest.raises(NotFound):
        import_chart(stranger, company.id, FILE)


def test_documents_are_booked_to_the_account_that_took_a_purpose(owner: User, company: Company) -> None:
    import_chart(owner, company.id, b"code,name,kind,purpose\n700100,Sales abroad,income,sales\n")
    invoice = invoice_of(owner, company)
    sales = LedgerAccount.objects.get(company=company, code="700100")
    assert invoice.entry.items.get(account=sales).amount == Decimal("-121.00")
