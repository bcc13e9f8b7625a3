"""The test that every connector must pass (connectors.md 1.1 to 1.9).

A connector's test class inherits :class:`ConnectorContract` and gives one fixture, ``case``: a connector wired to a
server of its own that plays the bank. The inherited tests then check what the hub relies on for every connector.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from typing import Any

import pytest

from nostro.connectors.contract import UNATTENDED, ConnectionHandle, Connector, ConnectorInfo, Page, RawAnswer
from nostro.connectors.errors import DECISIONS, ConnectorError
from nostro.core.transactions import Account, Window


@dataclass
class ContractCase:
    """A connector and a bank that behaves.

    ``account`` has, in ``window``, exactly ``booked`` as (amount, currency) over at least two pages, with at least
    one credit and one debit. ``fail_with`` makes the bank answer the next read of transactions with the named case
    of ``errors``; each case names the class it must become. ``secrets`` must show up nowhere.
    """

    connector: Connector
    connection: ConnectionHandle
    account: Account
    window: Window
    booked: list[tuple[Decimal, str]]
    errors: Mapping[str, type[ConnectorError]]
    fail_with: Callable[[str], None]
    endless_pages: Callable[[], None]
    unreachable: ConnectionHandle
    secrets: list[str] = field(default_factory=list)


class ConnectorContract:
    """Inherit, and define the fixture ``case``."""

    MAX_PAGES = 50

    @pytest.fixture
    def case(self) -> ContractCase:
        raise NotImplementedError("a connector's test class gives the case")

    def chain(self, case: ContractCase) -> list[Page]:
        pages: list[Page] = []
        token = None
        while not pages or token is not None:
            assert len(pages) < self.MAX_PAGES, "the page chain does not end"
            page = case.connector.list_transactions(
                case.connection, case.account, case.window, "booked", UNATTENDED, token
            )
            pages.append(page)
            token = page.next
        return pages

    def test_info_and_identity_are_declared(self, case: ContractCase) -> None:
        assert isinstance(case.connector.info, ConnectorInfo)
        assert case.connector.info.id
        policy = case.connector.identity_for(case.connection.configuration)
        assert "resource_id" not in policy.account_key_fields
        assert {*policy.reference_fields} <= {"entry_reference", "transaction_id"}

    def test_the_page_chain_ends_and_only_its_last_page_is_complete(self, case: ContractCase) -> None:
        pages = self.chain(case)
        assert len(pages) >= 2
        assert [page.complete for page in pages] == [False] * (len(pages) - 1) + [True]

    def test_the_chain_gives_exactly_the_rows_of_the_bank(self, case: ContractCase) -> None:
        rows = [(row.amount, row.currency) for page in self.chain(case) for row in page.rows]
        assert sorted(rows) == sorted(case.booked)

    def test_credit_is_positive_and_debit_negative(self, case: ContractCase) -> None:
        amounts = [row.amount for page in self.chain(case) for row in page.rows]
        assert any(amount > 0 for amount in amounts)
        assert any(amount < 0 for amount in amounts)

    def test_amounts_are_decimals_and_dates_are_dates(self, case: ContractCase) -> None:
        for row in (row for page in self.chain(case) for row in page.rows):
            assert type(row.amount) is Decimal
            assert len(row.currency) == 3
            for day in (row.booking_date, row.value_date, row.transaction_date):
                assert day is None or type(day) is dt.date

    def test_no_binary_float_anywhere(self, case: ContractCase) -> None:
        balances, _ = case.connector.get_balances(case.connection, case.account, UNATTENDED)
        values = [case.connector.list_accounts(case.connection, UNATTENDED), balances, *self.chain(case)]
        assert not list(floats_in(values))

    def test_balances_are_stated_with_words_of_the_standard(self, case: ContractCase) -> None:
        balances, raw = case.connector.get_balances(case.connection, case.account, UNATTENDED)
        assert balances
        assert raw.body
        assert all(balance.balance_type.strip() for balance in balances)
        assert all(type(balance.amount) is Decimal for balance in balances)

    def test_stored_balances_are_read_again_to_the_same(self, case: ContractCase) -> None:
        balances, raw = case.connector.get_balances(case.connection, case.account, UNATTENDED)
        assert case.connector.map_balances(raw) == balances

    def test_the_account_is_among_the_listed_ones(self, case: ContractCase) -> None:
        accounts = case.connector.list_accounts(case.connection, UNATTENDED)
        assert case.account.resource_id in {account.resource_id for account in accounts}
        assert len({account.resource_id for account in accounts}) == len(accounts)

    def test_a_stored_page_is_read_again_to_the_same_rows(self, case: ContractCase) -> None:
        for page in self.chain(case):
            assert case.connector.map_transactions(page.raw, page.window).rows == page.rows

    def test_every_request_has_an_id_of_its_own(self, case: ContractCase) -> None:
        ids = [page.raw.request_id for page in self.chain(case)]
        assert len(set(ids)) == len(ids)

    def test_errors_of_the_bank_become_the_classes_of_the_table(self, case: ContractCase) -> None:
        for name, kind in case.errors.items():
            case.fail_with(name)
            with pytest.raises(ConnectorError) as caught:
                self.chain(case)
            error = caught.value
            assert type(error) is kind, name
            assert error.decision is DECISIONS[kind.__name__]
            assert error.reason.endswith(".")
            assert error.next_action.endswith(".")
            assert error.reached_bank
            assert error.request_id

    def test_a_bank_that_is_not_there_was_not_reached(self, case: ContractCase) -> None:
        with pytest.raises(ConnectorError) as caught:
            case.connector.list_accounts(case.unreachable, UNATTENDED)
        assert caught.value.category == "bank_down"
        assert not caught.value.reached_bank

    def test_pages_without_end_are_an_error(self, case: ContractCase) -> None:
        case.endless_pages()
        with pytest.raises(ConnectorError) as caught:
            self.chain(case)
        assert caught.value.category == "bug"

    def test_no_secret_in_any_repr_or_message(self, case: ContractCase) -> None:
        shown = [repr(case.connector), repr(case.connection), *map(repr, self.chain(case))]
        for name in case.errors:
            case.fail_with(name)
            with pytest.raises(ConnectorError) as caught:
                self.chain(case)
            shown.extend((repr(caught.value), str(caught.value), str(caught.value.text)))
        assert case.secrets
        for secret in case.secrets:
            assert all(secret not in text for text in shown)


def floats_in(value: Any) -> Any:
    """Every float inside a value of any depth."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from floats_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from floats_in(item)
    elif is_dataclass(value) and not isinstance(value, RawAnswer | type):
        for one in fields(value):
            yield from floats_in(getattr(value, one.name))
