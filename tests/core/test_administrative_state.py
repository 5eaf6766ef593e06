"""What an action does, decided without a store. What stores do with it: `tests/contract/test_administration.py`."""

import json

import pytest

from smart_ai_router.core.actions import KeyRevoked, UserChanged, UserCreated
from smart_ai_router.core.administrative_state import (
    AUDIT_PRICES_LISTED_MAX,
    AdministrativeState,
    effect_of,
    store_state,
    subject_of,
)
from smart_ai_router.core.snapshot import StoreState
from smart_ai_router.domain.meters import Meter
from tests.core.administration_samples import NOW_MS, action, key_created, prices_added
from tests.domain.pricing_samples import row


def test_subjects_name_whom_a_change_is_about() -> None:
    one_model = prices_added(row(Meter.INPUT, "1"), row(Meter.OUTPUT, "2"))
    of_a_channel = prices_added(row(Meter.INPUT, "1", channel_id="ch_1", provider=""))
    two_models = prices_added(row(Meter.INPUT, "1"), row(Meter.INPUT, "1", model="n"))

    assert subject_of(UserCreated("alice", "A")) == subject_of(UserChanged("alice", "A", True, "1")) == "user:alice"
    assert subject_of(key_created("key_1")) == subject_of(KeyRevoked("key_1")) == "key:key_1"
    assert subject_of(one_model) == "price:p/m"
    assert subject_of(of_a_channel) == "price:ch_1/m"
    assert subject_of(two_models) == "prices"


@pytest.mark.parametrize("count", [AUDIT_PRICES_LISTED_MAX, AUDIT_PRICES_LISTED_MAX + 1])
def test_the_audit_record_of_an_import_counts_all_and_lists_some(count: int) -> None:
    change = prices_added(*(row(Meter.INPUT, "1", model=f"m{number}") for number in range(count)))

    after = json.loads(effect_of(action(1, change), AdministrativeState()).audit.after)

    assert after["count"] == count
    assert len(after["prices"]) == AUDIT_PRICES_LISTED_MAX


def test_a_user_that_is_made_again_stays_as_the_first_one() -> None:
    state = AdministrativeState()
    state.apply(action(1, UserCreated("alice", "Alice")))
    state.apply(action(2, UserCreated("alice", "Mallory", "0")))

    assert state.users["alice"].name == "Alice"
    assert state.audit[2].after == "{}"


@pytest.mark.parametrize(("after_ms", "usable"), [(-1, True), (0, False), (1, False)])
def test_a_key_is_usable_until_it_expires(after_ms: int, usable: bool) -> None:
    state = AdministrativeState()
    state.apply(action(1, UserCreated("alice", "Alice")))
    state.apply(action(2, key_created(expires_ms=NOW_MS)))

    assert state.keys["key_1"].is_usable(NOW_MS + after_ms) is usable


def test_an_action_is_taken_in_once() -> None:
    state = AdministrativeState()
    state.apply(action(1, UserCreated("alice", "Alice")))
    state.apply(action(1, UserChanged("alice", "Other", False, "0")))

    assert state.users["alice"].name == "Alice"


def test_nothing_is_known_of_nothing() -> None:
    assert store_state((), (), ()) == StoreState()
