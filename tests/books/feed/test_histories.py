"""I-1, I-3 to I-5, I-7, I-9, I-12 to I-17 and I-23 of books.md 18 over generated histories of an account."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.books.feed import checks
from tests.books.feed.hub import FeedHub, reachable
from tests.books.feed.world import Act, acts, begins, currencies, do, open_feed, settle
from tests.books.invariants.world import apart, constraints_hold

from nostro.books.companies.models import Company
from nostro.books.journals.models import GroupingChoice
from nostro.people.audit_chain import seal_records, verify_chain
from nostro.people.models import User

#: Shrinking takes minutes here; a failure prints its whole history instead.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
quick = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(derandomize=True, max_examples=12, deadline=None, suppress_health_check=quick, phases=PHASES)
@given(acts=acts, currency=currencies, begin=begins, grouping=st.sampled_from(GroupingChoice.values))
def test_whatever_happens_nothing_is_lost_doubled_or_changed(
    owner: User, company: Company, acts: list[Act], currency: str, begin: int, grouping: str
) -> None:
    with apart(), reachable(FeedHub()) as hub:
        feed = open_feed(owner, company, hub, currency=currency, begin=begin, grouping=grouping)
        watch = checks.Watch(feed)
        for act in acts:
            do(feed, act)
            watch.look()
            for check in checks.ALWAYS:
                check(feed)
        settle(feed)
        watch.look()
        checks.items_are_conserved(feed)
        settle(feed)  # what the bank took back is only asked for after two reads without it
        before = checks.contents(feed)
        assert settle(feed).new_count == 0
        assert checks.contents(feed) == before, "I-7: a replay changed something"
        constraints_hold()
        seal_records()
        assert verify_chain().holds, "I-23"
