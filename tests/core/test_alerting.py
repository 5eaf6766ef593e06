"""Delivery: nothing is lost because a receiver is down, and nobody is flooded."""

from pathlib import Path

import pytest

from smart_ai_router.adapters.alert_files import PendingFile
from smart_ai_router.core.alerting import AlertOutbox, Delivery, DeliveryPolicy
from smart_ai_router.domain.alerts import Alert, AlertState
from tests.core.alert_samples import NOON, Receiver, SetClock, alert

RESOLVED = AlertState.RESOLVED


def ids(receiver: Receiver) -> list[str]:
    return [each.delivery_id for each in receiver.alerts]


def test_m1_69_every_notifier_gets_the_alert() -> None:
    first, second = Receiver("first"), Receiver("second")
    outbox = AlertOutbox([first, second], clock=SetClock())
    outbox.put(alert())
    outbox.deliver_due()
    assert first.alerts == second.alerts == [alert()]
    assert outbox.names == ("first", "second")


def test_put_calls_no_notifier_and_wakes_who_delivers() -> None:
    receiver, woken = Receiver(), []
    outbox = AlertOutbox([receiver], clock=SetClock())
    outbox.on_put(lambda: woken.append(True))
    outbox.put(alert())
    assert (receiver.tries, woken) == (0, [True])


def test_a_failed_delivery_is_tried_again_after_1_5_30_120_600_and_then_each_1800_seconds() -> None:
    clock, receiver = SetClock(), Receiver(failures=8)
    outbox = AlertOutbox([receiver], clock=clock)
    outbox.put(alert())
    tried_at = []
    for second in range(10_000):
        clock.now = NOON + second
        before = receiver.tries
        outbox.deliver_due()
        tried_at += [second] * (receiver.tries - before)
    assert tried_at == [0, 1, 6, 36, 156, 756, 2556, 4356, 6156]
    assert ids(receiver) == ["alt_1.1"]


def test_a_lane_says_how_long_to_wait() -> None:
    clock, receiver = SetClock(), Receiver(failures=1)
    outbox = AlertOutbox([receiver], clock=clock)
    assert outbox.deliver_next("receiver") is None
    outbox.put(alert())
    assert outbox.deliver_next("receiver") == 0.0
    assert outbox.deliver_next("receiver") == 1.0
    clock.now += 1
    assert outbox.deliver_next("receiver") == 0.0
    assert outbox.deliver_next("receiver") is None


def test_a_broken_notifier_harms_no_other_and_its_result_is_shown_without_secrets() -> None:
    clock, broken, well = SetClock(), Receiver("broken", failures=1), Receiver("well")
    outbox = AlertOutbox([broken, well], clock=clock)
    outbox.put(alert())
    outbox.deliver_due()
    assert ids(well) == ["alt_1.1"]
    status, _ = outbox.statuses()
    assert (status.name, status.pending, status.delivered, status.failed_tries) == ("broken", 1, 0, 1)
    assert status.last_error == "ConnectionError: receiver at <address> is down, key ***"
    assert status.fields()["last_error_at"] == "2025-11-22T12:00:00Z"
    assert status.fields()["last_delivered_at"] is None


class Leaver:
    """A notifier that tries to end the process."""

    def notify(self, alert: Alert) -> None:
        raise SystemExit(3)


def test_a_notifier_without_a_name_that_exits_costs_only_its_try() -> None:
    outbox = AlertOutbox([Leaver(), Leaver()], clock=SetClock())
    outbox.put(alert())
    outbox.deliver_due()
    assert [(status.name, status.last_error) for status in outbox.statuses()] == [
        ("Leaver", "SystemExit: 3"),
        ("Leaver-2", "SystemExit: 3"),
    ]


def test_the_end_waits_for_the_beginning() -> None:
    clock, receiver = SetClock(), Receiver(failures=1)
    outbox = AlertOutbox([receiver], clock=clock)
    outbox.put(alert(1))
    outbox.deliver_due()
    outbox.put(alert(1, state=RESOLVED, notice=2))
    outbox.put(alert(2))
    outbox.deliver_due()
    assert ids(receiver) == ["alt_2.1"]
    clock.now += 1
    outbox.deliver_due()
    assert ids(receiver) == ["alt_2.1", "alt_1.1", "alt_1.2"]


def test_a_fresh_alert_goes_before_those_that_failed() -> None:
    clock, receiver = SetClock(), Receiver(failures=2)
    outbox = AlertOutbox([receiver], clock=clock)
    outbox.put(alert(1))
    outbox.put(alert(2))
    outbox.deliver_due()
    clock.now += 1
    outbox.put(alert(3))
    outbox.deliver_due()
    assert ids(receiver)[0] == "alt_3.1"


def test_after_a_day_a_delivery_is_given_up_and_counted() -> None:
    clock, receiver = SetClock(), Receiver(failures=10**9)
    outbox = AlertOutbox([receiver], clock=clock)
    outbox.put(alert())
    outbox.deliver_due()
    clock.now = NOON + 86_400
    outbox.deliver_due()
    assert (outbox.statuses()[0].pending, outbox.statuses()[0].given_up) == (1, 0)
    clock.now = NOON + 86_400.1
    outbox.deliver_due()
    assert (outbox.statuses()[0].pending, outbox.statuses()[0].given_up) == (0, 1)


def test_too_much_pending_pushes_out_the_oldest_and_says_so() -> None:
    receiver = Receiver()
    outbox = AlertOutbox([receiver], clock=SetClock(), policy=DeliveryPolicy(pending_max=2))
    for number in (1, 2, 3):
        outbox.put(alert(number))
    outbox.deliver_due()
    assert ids(receiver) == ["alt_2.1", "alt_3.1"]
    assert outbox.statuses()[0].dropped == 1


def test_no_more_than_so_many_messages_a_minute_and_the_rest_a_minute_later() -> None:
    clock, receiver = SetClock(), Receiver()
    receiver.per_minute_max = 20  # type: ignore[attr-defined]
    outbox = AlertOutbox([receiver], clock=clock)
    for number in range(25):
        outbox.put(alert(number))
    outbox.deliver_due()
    assert len(receiver.alerts) == 20
    assert outbox.deliver_next("receiver") == 60.0
    clock.now += 59.9
    outbox.deliver_due()
    assert len(receiver.alerts) == 20
    clock.now += 0.1
    outbox.deliver_due()
    assert len(receiver.alerts) == 25


def numbered(turn: int, *, state: AlertState = AlertState.OPEN, notice: int = 1) -> Alert:
    """Alerts of one kind and channel, one after the other."""
    return Alert("ch_1", "One", "api_error", "words", NOON, None, f"alt_{turn}", alert().severity, state, notice)


def test_of_one_kind_and_channel_six_are_delivered_in_an_hour_and_then_neither_beginning_nor_end() -> None:
    clock, receiver = SetClock(), Receiver()
    outbox = AlertOutbox([receiver], clock=clock)
    for turn in range(8):
        outbox.put(numbered(turn))
        outbox.put(numbered(turn, state=RESOLVED, notice=2))
    outbox.put(alert(1))  # another kind is not muted
    outbox.deliver_due()
    assert receiver.told == ["api_error:open", "api_error:resolved"] * 6 + ["quota_exhausted:open"]
    assert outbox.muted == 4

    # when the hour is over, or the alert stayed open over the cool-down, then it is heard again
    clock.now += 3600
    outbox.put(numbered(6, notice=2))
    outbox.put(numbered(6, state=RESOLVED, notice=3))
    outbox.put(numbered(9))
    outbox.deliver_due()
    assert receiver.told[13:] == ["api_error:open", "api_error:resolved", "api_error:open"]


def test_what_is_pending_survives_a_restart_and_what_is_done_is_not_repeated(tmp_path: Path) -> None:
    path, clock = tmp_path / "alert_deliveries.jsonl", SetClock()
    down, well = Receiver("down", failures=99), Receiver("well")
    outbox = AlertOutbox([down, well], clock=clock, pending=PendingFile(path))
    outbox.put(alert(1))
    outbox.deliver_due()
    outbox.put(alert(2))

    # when the process dies here and another takes over
    down_again, well_again = Receiver("down"), Receiver("well")
    after = AlertOutbox([down_again, well_again], clock=clock, pending=PendingFile(path))
    after.deliver_due()

    assert ids(well) == ["alt_1.1"]
    assert ids(down_again) == ["alt_1.1", "alt_2.1"]
    assert ids(well_again) == ["alt_2.1"]
    assert down_again.alerts[0] == alert(1)


def test_deliveries_of_a_notifier_that_is_gone_are_dropped(tmp_path: Path) -> None:
    path, clock = tmp_path / "alert_deliveries.jsonl", SetClock()
    AlertOutbox([Receiver("gone")], clock=clock, pending=PendingFile(path)).put(alert())
    AlertOutbox([Receiver("new")], clock=clock, pending=PendingFile(path))
    back = AlertOutbox([Receiver("gone")], clock=clock, pending=PendingFile(path))
    assert back.statuses()[0].pending == 0


class BrokenStore:
    """A store on a full disk."""

    def load(self) -> list[Delivery]:
        raise OSError("unreadable")

    def put(self, delivery: Delivery) -> None:
        raise OSError("full")

    def done(self, delivery: Delivery) -> None:
        raise OSError("full")


def test_d1_a_full_disk_stops_no_delivery() -> None:
    receiver = Receiver()
    outbox = AlertOutbox([receiver], clock=SetClock(), pending=BrokenStore())
    outbox.put(alert())
    outbox.deliver_due()
    assert ids(receiver) == ["alt_1.1"]


def test_a_receiver_that_is_added_hears_of_what_comes_after() -> None:
    old, new = Receiver("old"), Receiver("new")
    outbox = AlertOutbox([old], clock=SetClock())
    outbox.put(alert(1))
    outbox.use_notifiers([old, new])
    outbox.put(alert(2))
    outbox.deliver_due()
    assert (ids(old), ids(new)) == (["alt_1.1", "alt_2.1"], ["alt_2.1"])
    assert outbox.names == ("old", "new")


def test_a_receiver_that_is_put_right_gets_at_once_what_it_missed() -> None:
    broken, right = Receiver("hook", failures=9), Receiver("hook")
    woken: list[None] = []
    outbox = AlertOutbox([broken], clock=SetClock())
    outbox.put(alert(1))
    outbox.deliver_due()
    outbox.deliver_due()
    assert broken.tries == 1  # the second try would have to wait

    outbox.on_put(lambda: woken.append(None))
    outbox.use_notifiers([right])
    outbox.deliver_due()

    assert (ids(right), broken.tries, len(woken)) == (["alt_1.1"], 1, 1)
    (status,) = outbox.statuses()
    assert (status.delivered, status.failed_tries) == (1, 1)


def test_what_is_pending_for_a_receiver_that_is_taken_out_is_dropped_and_forgotten(tmp_path: Path) -> None:
    gone = Receiver("gone", failures=9)
    outbox = AlertOutbox([gone], PendingFile(tmp_path / "pending.jsonl"), clock=SetClock())
    outbox.put(alert(1))
    outbox.deliver_due()

    outbox.use_notifiers([Receiver("other")])

    assert outbox.deliver_next("gone") is None
    assert PendingFile(tmp_path / "pending.jsonl").load() == []
    assert [status.name for status in outbox.statuses()] == ["other"]


class Leaving:
    """A notifier that is taken out while it works, and fails."""

    name = "leaving"

    def __init__(self) -> None:
        self.outbox: AlertOutbox | None = None

    def notify(self, _alert: Alert) -> None:
        assert self.outbox is not None
        self.outbox.use_notifiers([])
        raise ConnectionError("down")


def test_a_receiver_that_is_taken_out_during_its_try_leaves_nothing_behind(tmp_path: Path) -> None:
    leaving = Leaving()
    outbox = leaving.outbox = AlertOutbox([leaving], PendingFile(tmp_path / "pending.jsonl"), clock=SetClock())
    outbox.put(alert(1))
    outbox.deliver_due()
    assert outbox.names == ()
    assert PendingFile(tmp_path / "pending.jsonl").load() == []


class Echo:
    """A notifier whose work causes another alert."""

    name = "echo"

    def __init__(self) -> None:
        self.outbox: AlertOutbox | None = None
        self.seen: list[str] = []

    def notify(self, alert_: Alert) -> None:
        self.seen.append(alert_.delivery_id)
        if self.outbox and len(self.seen) == 1:
            self.outbox.put(alert(2))
            self.outbox.deliver_due()


def test_a_notifier_that_causes_an_alert_is_not_called_twice_for_the_first() -> None:
    echo = Echo()
    echo.outbox = AlertOutbox([echo], clock=SetClock())
    echo.outbox.put(alert(1))
    echo.outbox.deliver_due()
    assert echo.seen == ["alt_1.1", "alt_2.1"]


def test_a_clock_set_back_a_year_delays_nothing_for_a_year() -> None:
    clock, receiver = SetClock(), Receiver(failures=1)
    outbox = AlertOutbox([receiver], clock=clock)
    outbox.put(alert(1))
    outbox.deliver_due()
    clock.now = NOON - 31_536_000
    outbox.deliver_due()
    assert ids(receiver) == ["alt_1.1"]


@pytest.mark.parametrize(
    "fields",
    [
        {"backoff_s": ()},
        {"backoff_s": (1.0, 0.0)},
        {"pending_max": 0},
        {"per_minute_max": 0},
        {"per_alert_hour_max": 0},
        {"give_up_after_s": 0.0},
    ],
)
def test_a_policy_without_room_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        DeliveryPolicy(**fields)  # type: ignore[arg-type]
