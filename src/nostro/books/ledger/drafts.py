"""Documents and entries that are not posted yet: made, changed, deleted, and posted once (books.md 14.1, 16.1).

A draft has no number, entry or open item, so nothing can be matched with it. Two who change one at once: the second is
told. Two who post one at once: it is posted once, and both are shown what became of it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import DecimalField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Now

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import require_role
from nostro.books.ledger.misc import MiscFacts, post_misc
from nostro.books.ledger.models import Document, DocumentDraft, DocumentKind, MiscEntry, SeriesKind
from nostro.books.ledger.services import DocumentFacts, post_document
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

Facts = DocumentFacts | MiscFacts
#: Drafts that a company may have waiting, and bytes of one.
MAX_DRAFTS, MAX_BYTES = 2_000, 100_000
#: Drafts shown beside a bank line.
MAX_LIKE = 5


class Summary(NamedTuple):
    """What a list shows of a draft. The amount of an entry is the sum of its debits."""

    partner_name: str
    amount: Decimal
    currency: str


def access_draft(user: User, draft_id: UUID, *, role: Role | None = None) -> DocumentDraft:
    """A draft of one of the person's companies, else :class:`NotFound`."""
    return _access(user, draft_id, role, held=False)


def drafts_of(company: Company) -> list[DocumentDraft]:
    """Those that wait to be posted, the last changed one first."""
    waiting = DocumentDraft.objects.filter(company=company, document=None, misc_entry=None)
    return list(waiting.order_by("-changed_at", "-id")[:MAX_DRAFTS])


def drafts_like(company: Company, amount: Decimal, currency: str) -> list[DocumentDraft]:
    """Documents that a bank line of ``amount`` (signed) would pay exactly if they were posted (books.md 16.1)."""
    if not amount:
        return []
    kinds = [SeriesKind.INVOICE, SeriesKind.REFUND] if amount > 0 else [SeriesKind.BILL, SeriesKind.CREDIT_NOTE]
    said = Cast(KeyTextTransform("amount", "content"), DecimalField(max_digits=40, decimal_places=10))
    waiting = DocumentDraft.objects.filter(company=company, document=None, misc_entry=None, kind__in=kinds)
    in_currency = ["", currency] if currency == company.currency else [currency]
    found = waiting.filter(content__currency__in=in_currency).annotate(said=said).filter(said=abs(amount))
    return list(found.select_related("company").order_by("-changed_at", "-id")[:MAX_LIKE])


def facts_of(draft: DocumentDraft) -> Facts:
    """What a draft says."""
    wanted: type[Facts] = MiscFacts if draft.kind == SeriesKind.MISC else DocumentFacts
    return msgspec.convert(draft.content, wanted)


def summary_of(draft: DocumentDraft) -> Summary:
    """Its partner, amount and currency."""
    facts = facts_of(draft)
    own = draft.company.currency
    if isinstance(facts, DocumentFacts):
        return Summary(facts.partner_name, facts.amount, facts.currency or own)
    names = dict.fromkeys(side.partner_name for side in facts.sides if side.partner_name)
    debit = sum((side.amount for side in facts.sides if side.amount > 0), Decimal(0))
    return Summary(next(iter(names), facts.label), debit, facts.currency or own)


@transaction.atomic
def make_draft(user: User, company: Company, facts: Facts) -> DocumentDraft:
    """Keep a document or entry for later; nothing of it is checked against the books yet."""
    require_role(user, company.id, Role.CLERK, "company")
    if DocumentDraft.objects.filter(company=company, document=None, misc_entry=None).count() >= MAX_DRAFTS:
        raise Problem(
            "There are too many drafts.", what_to_do=f"Post or delete some; {MAX_DRAFTS} at most.", code="draftsTooMany"
        )
    kind = _kind_of(facts)
    made = DocumentDraft.objects.create(company=company, kind=kind, content=_content(facts), changed_by=user)
    _tell(user, made, "draft.made", f"{user} made a draft: {_named(made)}.")
    return made


@transaction.atomic
def change_draft(user: User, draft_id: UUID, facts: Facts, *, version: int) -> DocumentDraft:
    """Replace what a draft says. Raises :class:`Problem` where it was changed since ``version``, or is posted."""
    draft = _waiting(user, draft_id, version)
    before = _named(draft)
    draft.kind, draft.content = _kind_of(facts), _content(facts)
    draft.version, draft.changed_by, draft.changed_at = draft.version + 1, user, Now()
    draft.save()
    draft.refresh_from_db()
    _tell(user, draft, "draft.changed", f"{user} changed a draft: {_named(draft)}.", before)
    return draft


@transaction.atomic
def delete_draft(user: User, draft_id: UUID) -> None:
    """Throw a draft away; it never had a number, so none is missing. Raises :class:`Problem` where it is posted."""
    draft = _waiting(user, draft_id, None)
    _tell(user, draft, "draft.deleted", f"{user} deleted a draft: {_named(draft)}.")
    DocumentDraft.objects.filter(pk=draft.pk).delete()


@transaction.atomic
def post_draft(user: User, draft_id: UUID, *, version: int | None = None) -> Document | MiscEntry:
    """Post a draft, which gives it its number; one that is posted already is what became of it.

    With ``version`` only what was shown is posted. Raises :class:`Problem` for all that keeps it from being posted.
    """
    draft = _access(user, draft_id, Role.CLERK, held=True)
    if (posted := draft.document or draft.misc_entry) is not None:
        return posted
    _check_version(draft, version)
    facts = facts_of(draft)
    if isinstance(facts, MiscFacts):
        draft.misc_entry = post_misc(user, draft.company, facts)
    else:
        draft.document = post_document(user, draft.company, facts)
        if DocumentDraft.objects.filter(document=draft.document).exists():
            raise Problem(
                f"Number {facts.number} is posted already from another draft.",
                what_to_do="Delete this one, or change its number.",
                code="documentExists",
                field="number",
            )
    draft.save(update_fields=["document", "misc_entry"])
    made = draft.document or draft.misc_entry
    assert made is not None
    return made


def _access(user: User, draft_id: UUID, role: Role | None, *, held: bool) -> DocumentDraft:
    found = DocumentDraft.objects.filter(pk=draft_id)
    if held:
        # What it was posted as is read after the wait: a join of the waiting statement still sees what was before it.
        list(found.select_for_update().values_list("id"))
    draft = found.select_related("company", "document", "misc_entry", "changed_by").first()
    if draft is None:
        raise NotFound("draft")
    require_role(user, draft.company_id, role, "draft")
    return draft


def _waiting(user: User, draft_id: UUID, version: int | None) -> DocumentDraft:
    draft = _access(user, draft_id, Role.CLERK, held=True)
    posted = draft.document or draft.misc_entry
    if posted is not None:
        raise Problem(
            f"The draft is posted already as {posted.number}.",
            why="Somebody else was faster.",
            what_to_do="What is posted is reversed, not changed.",
            code="draftPosted",
        )
    _check_version(draft, version)
    return draft


def _check_version(draft: DocumentDraft, version: int | None) -> None:
    if version is not None and version != draft.version:
        raise Problem(
            "The draft was changed meanwhile.",
            why=f"{draft.changed_by} saved it after you opened it." if draft.changed_by else "",
            what_to_do="Reload the page to see it, then change it again.",
            code="draftStale",
        )


def _kind_of(facts: Facts) -> SeriesKind:
    if isinstance(facts, MiscFacts):
        return SeriesKind.MISC
    if facts.kind not in DocumentKind.values:
        raise Problem(
            "This is no kind of document.",
            what_to_do="Use invoice, credit_note, bill or refund.",
            code="documentKindUnknown",
            field="kind",
        )
    return SeriesKind(facts.kind)


def _content(facts: Facts) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.to_builtins(facts)
    if len(msgspec.json.encode(content)) > MAX_BYTES:
        raise Problem("The draft is too large.", what_to_do="Split it.", code="draftTooLarge")
    return content


def _named(draft: DocumentDraft) -> str:
    summary = summary_of(draft)
    return f"{draft.get_kind_display()}, {summary.partner_name[:200]}, {summary.amount} {summary.currency}"


def _tell(user: User, draft: DocumentDraft, action: str, sentence: str, before: str = "") -> None:
    record(
        tenant_id=draft.company_id, actor=user, action=action, obj=draft, sentence=sentence[:2000],
        before={"draft": before} if before else None, after={"version": draft.version},
    )  # fmt: skip
