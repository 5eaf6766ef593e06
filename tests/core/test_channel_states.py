"""What a monitor knows: remembered, bounded, and in order."""

import errno

from smart_ai_router.core.channel_states import CHANNELS_MAX, ChannelStates
from smart_ai_router.domain.alert_rules import DEFAULT_RULES
from smart_ai_router.domain.alerts import Clearing, Event, Recovery, Success, Trouble
from tests.core.alert_samples import NOON, SetClock

KEY = Trouble("api_key_invalid", "bad\nkey")
ERROR = Trouble("server_error", "500")


class KeptBytes:
    """A memory that counts how often it is written, and can be full."""

    def __init__(self, data: bytes | None = None) -> None:
        self.data = data
        self.saves = 0
        self.is_full = False

    def load(self) -> bytes | None:
        return self.data

    def save(self, data: bytes) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.saves += 1
        self.data = data


def apply(states: ChannelStates, channel_id: str, event: Event, second: float = 0, name: str | None = "One") -> bool:
    return states.apply(channel_id, name, event, NOON + second, DEFAULT_RULES)


def test_notices_come_out_in_the_order_of_the_decisions() -> None:
    states = ChannelStates(KeptBytes(), SetClock())
    assert apply(states, "ch_1", KEY)
    assert apply(states, "ch_2", KEY)
    assert apply(states, "ch_1", Success(), 1)
    assert not apply(states, "ch_1", Success(), 2)
    told = []
    while (notice := states.next_notice()) is not None:
        told.append((notice.channel_id, notice.state.value))
    assert told == [("ch_1", "open"), ("ch_2", "open"), ("ch_1", "resolved")]


def test_texts_are_cleaned_on_the_way_in() -> None:
    states = ChannelStates(KeptBytes(), SetClock())
    apply(states, "ch_1", KEY, name="One\x1b[31m")
    state = states.get("ch_1")
    assert state is not None
    assert (state.channel_name, state.open[0].message) == ("One [31m", "bad key")


def test_a_new_name_is_taken_over_with_the_next_trouble() -> None:
    states = ChannelStates(KeptBytes(), SetClock())
    apply(states, "ch_1", ERROR)
    apply(states, "ch_1", ERROR, name="Renamed")
    assert [state.channel_name for state in states.all()] == ["Renamed"]


def test_an_unknown_channel_is_not_made_by_clearing_it() -> None:
    states = ChannelStates(KeptBytes(), SetClock())
    assert not apply(states, "ch_9", Clearing(), name=None)
    assert not apply(states, "ch_9", Recovery("x"), name=None)
    assert states.all() == []


def test_what_is_known_survives_a_restart() -> None:
    memory, clock = KeptBytes(), SetClock()
    before = ChannelStates(memory, clock)
    apply(before, "ch_1", KEY)
    apply(before, "ch_2", ERROR)
    before.save(at_once=True)
    after = ChannelStates(memory, clock)
    assert [state.channel_id for state in after.all() if state.open] == ["ch_1"]
    run = after.get("ch_2").run  # type: ignore[union-attr]
    assert run is not None
    assert run.errors == 1


def test_counts_are_saved_once_a_second_and_successes_never() -> None:
    memory, clock = KeptBytes(), SetClock()
    states = ChannelStates(memory, clock)
    for step in range(100):  # a second and a half of errors, one each 15 ms
        clock.now = NOON + step * 0.015
        apply(states, "ch_1", ERROR)
        states.save(at_once=False)
    assert memory.saves == 2
    apply(states, "ch_3", Success(1000))
    clock.now += 10
    states.save(at_once=True)
    assert memory.saves == 3  # the rest of the errors
    states.save(at_once=True)
    assert memory.saves == 3


def test_a_full_disk_is_tried_again_and_a_garbled_file_begins_anew() -> None:
    memory, clock = KeptBytes(b"\x00 not json"), SetClock()
    states = ChannelStates(memory, clock)
    assert states.all() == []
    memory.is_full = True
    apply(states, "ch_1", KEY)
    states.save(at_once=True)
    memory.is_full = False
    clock.now += 1
    states.save(at_once=False)
    assert [state.channel_id for state in ChannelStates(memory, clock).all()] == ["ch_1"]


def test_made_up_channels_do_not_grow_for_ever_and_never_push_out_an_open_alert() -> None:
    states = ChannelStates(KeptBytes(), SetClock())
    apply(states, "ch_alert", KEY)
    for number in range(CHANNELS_MAX + 50):
        apply(states, f"made_up_{number}", Success())
    assert len(states.all()) == CHANNELS_MAX
    assert states.get("ch_alert") is not None
