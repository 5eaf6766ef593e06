"""What follows from one snapshot."""

from smart_ai_router.core.decisions import Decisions
from tests.core.playbook import NOON, channel, prices, snapshot


def test_m1_07_a_records_tags_come_from_the_model_the_call_the_query_and_its_features() -> None:
    decisions = Decisions(snapshot(), NOON)
    assert decisions.tags("gpt-4o-mini", "chat", (), ()) == ("gpt", "4o", "mini", "chat")
    assert decisions.tags("gpt-4o-mini", "chat", ("free",), ("streaming",)) == (
        "gpt", "4o", "mini", "chat", "free", "streaming",
    )  # fmt: skip
    assert decisions.tags("gpt-4o-mini", "chat", (), ()) is decisions.tags("gpt-4o-mini", "chat", (), ())


def test_candidates_know_their_prices_and_an_unknown_price_is_none() -> None:
    priced, unpriced = channel(1), channel(2)
    decisions = Decisions(snapshot(priced, unpriced, prices=prices(priced)), NOON)
    found = {each.channel.id: each for each in decisions.table.match("gpt-4o-mini")}
    assert found["ch_openai_001"].price_input_per_mtok == 500_000_000_000
    assert found["ch_openai_001"].price_output_per_mtok == 1_000_000_000_000
    assert found["ch_openai_002"].price_input_per_mtok is None


def test_a_channel_that_a_new_snapshot_dropped_can_still_be_reached_by_its_call() -> None:
    decisions = Decisions(snapshot(channel(1)), NOON)
    assert decisions.route(channel(9)).connect_s == channel(9).timeouts.connect_s
