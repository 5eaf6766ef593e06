"""What every store does with leases, pools and alerts."""

from typing import Any

import pytest

from smart_ai_router.core.ledger_actions import AlertResolved
from smart_ai_router.core.ledger_store import HolderRow, HolderStatus, PoolAlertRow, StaleState
from smart_ai_router.domain.leasing import LeaseState
from smart_ai_router.domain.money import CELL_MAX
from smart_ai_router.domain.pools import PoolAlert, PoolAlertKind, PoolLevel, PoolState
from tests.contract.test_ledger import ALICE, BOB, POOL, act, granted, recharged
from tests.core.administration_samples import NOW_MS

# --- leases ---


def test_a_state_that_somebody_else_changed_is_refused_and_nothing_is_written(store: Any) -> None:
    act(store, granted(ALICE, 100))
    with store.lease_books() as books:
        stale = books.account(ALICE)
        books.put_account(stale, stale._replace(leased=10))

    def write() -> None:
        with store.lease_books() as books:
            books.put_holder(HolderRow("w9", 9, 9))
            books.put_account(stale, stale._replace(leased=20))

    with pytest.raises(StaleState):
        write()

    with store.lease_books() as books:
        assert books.account(ALICE).leased == 10
        assert books.holder("w9") is None


def test_leases_and_holders_are_kept_until_they_are_over(store: Any) -> None:
    lease = LeaseState("w1", ALICE, 3 * CELL_MAX, 2, 1, 4, 3, 2, 9)
    with store.lease_books() as books:
        books.put_holder(HolderRow("w1", 0, 11))
        books.put_holder(HolderRow("w2", 1, 12))
        books.put_lease(lease)
        books.put_lease(LeaseState("w2", ALICE, 5))
        books.put_lease(LeaseState("w1", POOL, 6))

    with store.lease_books() as books:
        assert books.leases_on(ALICE) == [lease, LeaseState("w2", ALICE, 5)]
        assert books.leases_of("w1") == [LeaseState("w1", POOL, 6), lease]
        books.drop_lease(ALICE, "w1")
        books.drop_lease(ALICE, "nobody")
        books.put_holder(HolderRow("w1", 0, 11, HolderStatus.OVER))
    with store.lease_books() as books:
        assert books.leases_on(ALICE) == [LeaseState("w2", ALICE, 5)]
        assert books.holders() == [HolderRow("w2", 1, 12)]
        assert books.holder("w1") == HolderRow("w1", 0, 11, HolderStatus.OVER)
        assert books.leases_on(BOB) == []


def test_a_transaction_that_fails_leaves_nothing(store: Any) -> None:
    def write() -> None:
        with store.lease_books() as books:
            books.put_holder(HolderRow("w1", 0, 1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()

    with store.lease_books() as books:
        assert books.holder("w1") is None


# --- pools ---


def test_a_pools_state_and_alerts_are_kept(store: Any) -> None:
    act(store, recharged(50), recharged(7, "recharge-2", 50))
    state = PoolState(
        "openai", 57, PoolLevel.LOW, PoolAlert(PoolAlertKind.LOW_BALANCE, 1, 2), PoolLevel.SUFFICIENT, True, 3, 4
    )
    alert = PoolAlertRow(0, "openai", "low_balance", "warning", "9.99", 3 * CELL_MAX, "CNY", "low", 1, 2)
    with store.pool_books() as books:
        standing = books.pools()[0]
        assert [each.amount for each in standing.unseen] == [50, 7]
        books.put_pool(state, 1)
        books.put_alert(alert)
        alert = alert._replace(id=books.open_alert("openai").id)
        assert books.open_alert("openai") == alert
        assert books.open_alert("qwen") is None
        books.put_alert(alert._replace(level="critical"))

    with store.ledger() as ledger:
        standing = ledger.pools()[0]
        assert (standing.state, [each.amount for each in standing.unseen]) == (state, [7])
        assert not standing.is_resolved_by_hand
        assert ledger.alerts() == [alert._replace(level="critical")]


def test_alerts_are_asked_for_by_provider_and_by_whether_they_are_resolved(store: Any) -> None:
    rows = [
        PoolAlertRow(0, provider, "low_balance", "warning", "9", 1, "CNY", "low", 1, 1, resolved, by)
        for provider, resolved, by in (("openai", 5, "carol"), ("openai", None, None), ("qwen", None, None))
    ]
    with store.pool_books() as books:
        for row in rows:
            books.put_alert(row)

    with store.ledger() as ledger:
        third, second, first = (row.id for row in ledger.alerts())
        assert first < second < third
        assert [row.id for row in ledger.alerts("openai")] == [second, first]
        assert [row.id for row in ledger.alerts(is_resolved=True)] == [first]
        assert [row.id for row in ledger.alerts(is_resolved=False)] == [third, second]
        assert [row.id for row in ledger.alerts(before=third, limit=1)] == [second]
        assert [row.id for row in ledger.alerts(limit=1, skip=1)] == [second]
        assert (ledger.alert_count(), ledger.alert_count("openai", is_resolved=False)) == (3, 1)


def test_an_alert_is_resolved_by_an_action_once(store: Any) -> None:
    act(store, recharged(50))
    with store.pool_books() as books:
        books.put_pool(PoolState("openai", 50, alert=PoolAlert(PoolAlertKind.LOW_BALANCE, 1, 1)), 1)
        books.put_alert(PoolAlertRow(0, "openai", "low_balance", "warning", "9", 1, "CNY", "low", 1, 1))
        number = books.open_alert("openai").id

    act(
        store,
        AlertResolved(number + 1, "openai", "eve"),
        AlertResolved(number, "qwen", "eve"),
        AlertResolved(number, "openai", "carol"),
        AlertResolved(number, "openai", "dave"),
    )

    with store.ledger() as ledger:
        alert = ledger.alert(number)
        assert (alert.resolved_by, alert.resolved_ms) == ("carol", NOW_MS)
        assert ledger.pools()[0].is_resolved_by_hand
