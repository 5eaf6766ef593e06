"""The pools' alerts with the monitor: told once, raised, put away, and made up for after a crash."""

from pathlib import Path

import pytest

from smart_ai_router.app.pool_alerts import PoolAlerts
from smart_ai_router.core.ledger_requests import AlertResolution
from smart_ai_router.core.utils.channel_monitor import ChannelMonitor
from tests.core.alert_samples import SetClock
from tests.core.ledger_samples import POOL, UNIT, Money, by, take

CHANNEL = "pool:openai"


class Told(ChannelMonitor):
    """A monitor that keeps what it sends."""

    def __init__(self, folder: Path) -> None:
        self.sent: list[tuple[str, str, str]] = []
        super().__init__(folder / "channel_alerts.jsonl", clock=SetClock())

    def _send_alert(
        self, channel_id: str, channel_name: str, alert_type: str, message: str, details: object = None
    ) -> None:
        self.sent.append((channel_id, channel_name, alert_type))

    @property
    def open(self) -> set[tuple[str, str]]:
        return set(self.open_alert_counts())


@pytest.fixture
def money() -> Money:
    return Money()


@pytest.fixture
def monitor(tmp_path: Path) -> Told:
    return Told(tmp_path)


def alerts_of(money: Money, monitor: ChannelMonitor) -> PoolAlerts:
    return PoolAlerts(monitor, money.store, str.title)


def tell_all(money: Money, alerts: PoolAlerts) -> None:
    for notice in money.notices:
        alerts.tell(notice)
    money.notices.clear()


def test_a_worse_alert_takes_the_place_of_the_other(money: Money, monitor: Told) -> None:
    alerts = alerts_of(money, monitor)
    money.recharge("100")

    money.call(take(POOL, 95 * UNIT))
    tell_all(money, alerts)
    assert monitor.open == {(CHANNEL, "low_balance")}
    money.call(take(POOL, 5 * UNIT))
    tell_all(money, alerts)

    assert monitor.open == {(CHANNEL, "insufficient_balance")}
    assert [(name, kind) for _, name, kind in monitor.sent] == [
        ("资源池 Openai", "low_balance"),
        ("资源池 Openai", "insufficient_balance"),
    ]


def test_the_alert_of_an_empty_pool_is_critical(money: Money, monitor: Told) -> None:
    alerts = alerts_of(money, monitor)
    money.recharge("100")
    money.call(take(POOL, 100 * UNIT))
    tell_all(money, alerts)

    (found,) = monitor.get_channel_status()["open_alerts"]  # type: ignore[attr-defined]

    assert found["severity"] == "critical"


def test_what_a_recharge_or_a_person_has_resolved_is_put_away(money: Money, monitor: Told) -> None:
    alerts = alerts_of(money, monitor)
    money.recharge("100")
    money.call(take(POOL, 95 * UNIT))
    tell_all(money, alerts)
    alerts.settle()
    assert monitor.open == {(CHANNEL, "low_balance")}

    with money.store.ledger() as ledger:
        (row,) = ledger.alerts()
    money.pools.resolve_alert(row.id, AlertResolution(), by())
    alerts.settle()
    assert monitor.open == set()

    money.call(take(POOL, 5 * UNIT))
    tell_all(money, alerts)
    assert monitor.open == {(CHANNEL, "insufficient_balance")}
    money.recharge("100")
    alerts.settle()
    assert monitor.open == set()


def test_a_pool_that_sinks_to_zero_twice_is_told_twice(money: Money, monitor: Told) -> None:
    alerts = alerts_of(money, monitor)
    money.recharge("100")
    money.call(take(POOL, 100 * UNIT))
    tell_all(money, alerts)
    money.recharge("1")  # above 0, and still below ten percent
    alerts.settle()
    assert monitor.open == set()

    money.call(take(POOL, UNIT))
    tell_all(money, alerts)

    assert [kind for _, _, kind in monitor.sent] == ["insufficient_balance"] * 2


def test_what_a_crash_left_untold_is_told_at_the_next_start_and_nothing_twice(money: Money, tmp_path: Path) -> None:
    money.recharge("100")
    money.call(take(POOL, 95 * UNIT))  # booked, and killed before anybody was told
    money.notices.clear()

    first = Told(tmp_path)
    alerts_of(money, first).begin()
    first.close()
    second = Told(tmp_path)
    alerts_of(money, second).begin()

    assert first.sent == [(CHANNEL, "资源池 Openai", "low_balance")]
    assert (second.sent, second.open) == ([], {(CHANNEL, "low_balance")})


def test_what_was_resolved_and_not_put_away_is_put_away_at_the_next_start(money: Money, tmp_path: Path) -> None:
    money.recharge("100")
    money.call(take(POOL, 95 * UNIT))
    first = Told(tmp_path)
    tell_all(money, alerts_of(money, first))
    first.record_low_balance("openai", "a channel that is called like a pool's provider", "0")
    first.close()
    money.recharge("100")

    second = Told(tmp_path)
    alerts_of(money, second).begin()

    assert second.open == {("openai", "low_balance")}
