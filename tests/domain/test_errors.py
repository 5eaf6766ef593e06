"""Refusals carry their own status, code and retry hint."""

import pytest

from smart_ai_router.domain import errors
from smart_ai_router.domain.errors import ChannelsUnavailable, QuotaExhausted, RateLimited, Refusal

ALL = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Refusal)]


@pytest.mark.parametrize("kind", ALL)
def test_every_refusal_is_an_answer_for_a_client(kind: type[Refusal]) -> None:
    refusal = kind("model 'x' is not served here", param="model", retry_after_s=2.5)

    assert 400 <= refusal.status < 600
    assert str(refusal) == refusal.message == "model 'x' is not served here"
    assert (refusal.param, refusal.retry_after_s) == ("model", 2.5)
    assert refusal.code == refusal.code.lower()
    assert kind.__doc__


def test_codes_are_told_apart() -> None:
    codes = [kind.code for kind in ALL]

    assert len(set(codes)) == len(codes)


def test_an_exhausted_user_quota_is_what_clients_match_on() -> None:
    refusal = QuotaExhausted("quota of user 42 is exhausted")

    assert (refusal.status, refusal.type, refusal.code) == (402, "insufficient_quota", "user_quota_exhausted")
    assert not refusal.should_retry


def test_only_what_passes_by_itself_is_worth_a_retry() -> None:
    assert {kind.__name__ for kind in ALL if kind.should_retry} == {"RateLimited", "ChannelsUnavailable", "RouterBusy"}
    assert not ChannelsUnavailable("the keys are wrong", should_retry=False).should_retry
    assert RateLimited("slower").should_retry
