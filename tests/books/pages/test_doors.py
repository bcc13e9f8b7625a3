"""Every address of the Books: it answers its people, and nobody else (books.md 14.5)."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from tests.books.conftest import NOW
from tests.books.pages.conftest import House, signed_in
from tests.books.pages.files import journal_file, table_file
from tests.books.test_ledger_drafts import FACTS, misc_of

from nostro.books.api.tokens import create_token
from nostro.books.companies.members import invite
from nostro.books.companies.models import Company, CompanyMember
from nostro.books.companies.services import create_company
from nostro.books.journals.models import PendingLine, Statement
from nostro.books.ledger.drafts import make_draft
from nostro.books.ledger.misc import post_misc
from nostro.books.ledger.models import Payment
from nostro.books.pages.urls import urlpatterns
from nostro.books.reconcile.engine import Definition
from nostro.books.reconcile.engine.rules import Counterpart
from nostro.books.reconcile.models import LearnedRule
from nostro.books.reconcile.rules.services import add_rule
from nostro.books.reminders.models import NoticeMail
from nostro.books.reminders.notices import make_notices
from nostro.people.models import AuditRecord, User

#: Addresses that belong to a person and not to a company.
OWN = {"dashboard", "new_company"}
#: Addresses that only change something.
POST_ONLY = {
    "fetch", "fetch_all", "automatic", "disconnect", "unlink", "remove_line", "restore_line", "merge_line",
    "keep_both", "confirm_statement", "match_account", "match_items", "check_line", "undo_match",
    "accept_change", "ignore_change", "another_transaction", "retry_line", "post_open", "link_entry", "enter_rate",
    "note_pending", "pause", "resume", "reset_cursor", "invert_signs",
    "check_renewals", "calendar", "revoke_renewal_link", "take_token_back", "relink", "change_member",
    "withdraw_invitation", "revoke_token",
    "preview_marked", "apply_marked", "undo_marked", "match_option", "match_receivable", "match_payable", "set_partner",
    "press_rule", "change_rule", "decide_learned", "change_numbers", "change_payment", "discard_file", "undo_file",
    "reverse_document", "delete_draft", "reverse_entry",
}  # fmt: skip
#: Behind a secret in the address instead of a sign-in; they have tests of their own.
SECRET = {"renew", "calendar_feed", "join"}
NAMES = [str(pattern.name) for pattern in urlpatterns if pattern.name not in SECRET]
PAGES = [name for name in NAMES if name not in POST_ONLY]


def address(name: str, house: House) -> str:
    """The address of a page, with the house's own objects in it."""
    ids = {
        "company_id": house.company.id,
        "connection_id": house.connection.id,
        "link_id": house.link.id,
        "journal_id": house.journal.id,
        "line_id": house.line("-50").id,
        "statement_id": Statement.objects.filter(journal=house.journal).latest("id").id,
        "group_id": house.group.id,
        "document_id": house.document.id,
        "account_id": house.journal.bank_account_id,
        "online_account_id": house.link.online_account_id,
        "pending_id": PendingLine.objects.get(journal=house.journal).id,
        "table": "lines" if name == "export_journal" else "audit",
        "kind": "csv",
        "number": 1,
    }
    if name in {"journal_file", "discard_file", "undo_file"}:
        owner = CompanyMember.objects.get(company=house.company, role="owner").user
        ids["file_id"] = journal_file(owner, house.journal, imported=name == "undo_file").id
    if name in {"file_reading", "mapping_file"}:
        owner = CompanyMember.objects.get(company=house.company, role="owner").user
        ids["file_id"] = table_file(owner, house.journal, is_read=name == "mapping_file").id
    if name in {"table_reading", "table_mapping"}:
        owner = CompanyMember.objects.get(company=house.company, role="owner").user
        ids["file_id"] = table_file(owner, house.journal, is_read=name == "table_mapping", is_packed=True).id
    if name in {"partner", "change_numbers"}:
        ids["partner_id"] = house.document.partner_id
    if name in {"draft", "delete_draft"}:
        owner = CompanyMember.objects.get(company=house.company, role="owner").user
        ids["draft_id"] = make_draft(owner, house.company, FACTS).id
    if name in {"entry", "reverse_entry"}:
        owner = CompanyMember.objects.get(company=house.company, role="owner").user
        ids["misc_id"] = post_misc(owner, house.company, misc_of(house.company)).id
    if name == "change_payment":
        ids["payment_id"] = Payment.objects.create(
            company=house.company, journal_id=house.journal.id, open_item_id=house.document.open_item_id, amount=1,
            date=dt.date(2026, 11, 12), end_to_end_id=f"E2E-{Payment.objects.count()}", state="rejected",
        ).id  # fmt: skip
    if name == "decide_learned":
        ids["learned_id"] = LearnedRule.objects.get_or_create(
            company=house.company, journal=house.journal, words="x",
            defaults={"definition": {}, "line_ids": [], "simulation": {}, "created_at": NOW},
        )[0].id  # fmt: skip
    if name in {"change_rule", "edit_rule", "simulation"}:
        ids["rule_id"] = add_rule(
            house.company, name="Fees", kind="manual", actor=None, now=NOW,
            definition=Definition(counterparts=(Counterpart(account_id=house.journal.suspense_account_id),)),
        ).id  # fmt: skip
    if name == "change_member":
        ids["member_id"] = CompanyMember.objects.get(company=house.company, role="owner").id
    if name == "revoke_token":
        owner = CompanyMember.objects.get(company=house.company, role="owner").user
        ids["token_id"] = create_token(owner, house.company, name="x", now=NOW)[0].id
    if name == "withdraw_invitation":
        owner = CompanyMember.objects.get(company=house.company, role="owner").user
        asked = invite(owner, house.company, email="asked@example.test", role="clerk", now=NOW)
        ids["invitation_id"] = asked[0].id
    if name == "revoke_renewal_link":
        make_notices(dt.datetime(2027, 2, 20, tzinfo=dt.UTC))
        ids["mail_id"] = NoticeMail.objects.get(company=house.company).id
    pattern = next(each for each in urlpatterns if each.name == name)
    return reverse(f"books:{name}", kwargs={key: ids[key] for key in pattern.pattern.converters})


@pytest.mark.parametrize("name", PAGES)
def test_every_page_answers_its_owner(name: str, house: House, browser: Client) -> None:
    response = browser.get(address(name, house))

    assert response.status_code in ({200, 302} if name in {"dashboard", "card"} else {200})
    if response.status_code == 200 and response["Content-Type"].startswith("text/html"):
        page = response.content.decode()
        assert page.count("<h1") == 1
        assert "<script>alert" not in page
        assert " style=" not in page
        assert " onclick=" not in page


@pytest.mark.parametrize("name", NAMES)
def test_every_address_keeps_its_door(name: str, house: House, browser: Client, stranger: User) -> None:
    """Nobody: to the sign-in. A neighbour: nothing is there. A link: changes nothing."""
    for ask in (Client().get, Client().post):
        response = ask(address(name, house))
        assert response.status_code == 302
        assert response["Location"].startswith("/people/")
    if name not in OWN:
        neighbour = signed_in(stranger)
        ask = neighbour.post if name in POST_ONLY else neighbour.get
        assert ask(address(name, house)).status_code == 404
    if name in POST_ONLY:
        assert browser.get(address(name, house)).status_code == 405


@pytest.mark.parametrize(
    "name", ["company", "find_bank", "add_manually", "credentials", "synchronization", "reconcile", "documents",
             "add_document", "import_documents", "chart"],
)  # fmt: skip
def test_every_page_of_a_new_company_answers(name: str, company: Company, browser: Client) -> None:
    response = browser.get(reverse(f"books:{name}", kwargs={"company_id": company.id}))

    assert response.status_code == 200
    assert response.content.decode().count("<h1") == 1


@pytest.mark.parametrize(
    ("role", "answers"),
    [
        ("reader", {"fetch": 403, "match_account": 403, "undo_match": 403, "add_document": 403, "add_line": 403,
                    "reconcile": 200, "company": 200, "connection": 200, "line": 200, "chart": 200}),
        ("clerk", {"add_document": 200, "fetch": 302, "undo_match": 302, "edit_link": 403, "automatic": 403}),
        ("accountant", {"edit_link": 200, "automatic": 302, "update_accounts": 403, "link_accounts": 403,
                        "find_bank": 403, "add_manually": 403, "unlink": 403, "disconnect": 403}),
        ("owner", {"link_accounts": 200, "find_bank": 200, "unlink": 302, "disconnect": 302}),
    ],
)  # fmt: skip
def test_roles_open_their_doors_only(
    role: str, answers: dict[str, int], house: House, member: Callable[[Company, str], Client]
) -> None:
    client = member(house.company, role)

    for name, status in answers.items():
        ask = client.post if name in POST_ONLY else client.get
        assert ask(address(name, house)).status_code == status, name


def test_ids_of_another_company_in_the_query_are_not_found(house: House, stranger: User) -> None:
    other = create_company(stranger, name="Other", country="BE")
    mine = signed_in(stranger)
    there = reverse("books:reconcile", kwargs={"company_id": other.id})

    assert mine.get(there, {"line": house.line("-50").id}).status_code == 404
    assert mine.get(there, {"done": house.group.id}).status_code == 404
    assert mine.get(there, {"line": "nonsense"}).status_code == 404
    assert mine.get(there, {"journal": uuid.uuid4()}).status_code == 200


#: What a reader may do: nothing of it changes the books.
READERS_MAY = {"calendar", "dashboard", "new_company"}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in READERS_MAY])
def test_a_reader_changes_nothing_anywhere(name: str, house: House, member: Callable[[Company, str], Client]) -> None:
    """Whatever a reader sends to any address is refused, or changes nothing."""
    url, reader = address(name, house), member(house.company, "reader")
    before = AuditRecord.objects.count()

    answer = reader.post(url, {"do": "confirm", "first": "2026-11-01", "last": "2026-11-12", "item": "x"})

    # Somebody else's token is not there for a reader.
    refused = 404 if name == "revoke_token" else 403
    assert answer.status_code == refused if name in POST_ONLY else answer.status_code in {200, 302, 403, 405}
    assert AuditRecord.objects.count() == before
