"""Configuration, price book and store in one picture."""

from decimal import Decimal
from hashlib import sha256

import pytest

from smart_ai_router.config.channels import build_channels
from smart_ai_router.config.policies import access_policy, alert_rules, notifier_entries, routing_policy
from smart_ai_router.config.price_book import PriceBook, read_price_book
from smart_ai_router.config.snapshot import build_snapshot
from smart_ai_router.core.snapshot import (
    AccessPolicy,
    KeyGrant,
    ModelDisabled,
    RoutingPolicy,
    Snapshot,
    StoreState,
    User,
)
from smart_ai_router.domain.alert_rules import AlertRules
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pricing import STANDARD_TIER, PriceCatalog, PriceVersion
from tests.config.reading import KEY, load

NOW = 1_795_392_000.0  # 2026-11-23
EMPTY = StoreState()


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return read_price_book()


def snapshot_of(text: str, book: PriceBook, state: StoreState = EMPTY) -> Snapshot:
    settings = load(text).settings
    return build_snapshot(settings, build_channels(settings, {}, None), book, state, version=7, now=NOW)


def input_price(snapshot: Snapshot, channel_id: str) -> tuple[str, str, Decimal] | None:
    """(basis, currency, price of a million input tokens) of a channel's first model."""
    channel = next(each for each in snapshot.channels if each.id == channel_id)
    model = channel.models[0]
    sheet = PriceCatalog(snapshot.prices).sheet(
        channel.id, channel.provider_id, channel.region, model.upstream_name, model.name, NOW
    )
    if sheet is None:
        return None
    rows = {row.id: row for row in snapshot.prices if row.meter is Meter.INPUT and row.service_tier == STANDARD_TIER}
    row = next(rows[version] for version in sheet.version_ids if version in rows)
    return sheet.basis, sheet.currency, row.price / row.per * 1_000_000


def test_a_snapshot_carries_everything_that_the_gateway_decides_by(book: PriceBook):
    text = """
    system: {currency: CNY}
    statistics: {region_header: CF-IPCountry}
    routing: {aliases: {fast: "tag:free"}}
    channels: [{provider: openai}]
    """
    state = StoreState(disabled=(ModelDisabled("openai", "*", "资费不足，暂不可用"),))

    snapshot = snapshot_of(text, book, state)

    assert (snapshot.version, snapshot.made_at, snapshot.currency) == (7, NOW, "CNY")
    assert snapshot.region_header == "cf-ipcountry"  # as the gateway looks headers up
    assert snapshot.aliases == (("fast", "tag:free"),)
    assert snapshot.disabled == state.disabled
    assert [provider.id for provider in snapshot.providers] == ["openai", "demo"]
    assert any("no api_key" in note for note in snapshot.notes)


def test_the_defaults_are_the_policies_own():
    settings = load("").settings

    assert routing_policy(settings) == RoutingPolicy()
    assert alert_rules(settings) == AlertRules()
    assert access_policy(settings) == AccessPolicy(anonymous_loopback=True, keys_required=False)


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("server: {host: 127.0.0.1}", AccessPolicy(True, False)),
        ("server: {host: '::1'}", AccessPolicy(True, False)),
        ("server: {host: 0.0.0.0}", AccessPolicy(False, False)),
        ("server: {host: 0.0.0.0}\nauth: {anonymous_loopback: true}", AccessPolicy(True, False)),
        ("auth: {anonymous_loopback: false}", AccessPolicy(False, False)),
        ("auth: {enabled: true}", AccessPolicy(False, True)),
        ("auth: {enabled: true, anonymous_loopback: true}", AccessPolicy(False, True)),
    ],
)
def test_who_may_call_without_a_key(text: str, policy: AccessPolicy):
    assert access_policy(load(text).settings) == policy


def test_the_routing_section_becomes_the_routing_policy():
    policy = routing_policy(
        load(
            """
            routing:
              default_strategy: mine
              enable_fallback: false
              max_retry_attempts: 5
              error_cooldown_period: 7
              unpriced_models: refuse
              client_gone: cancel
              drain_timeout: 3
              model_filters: {min_context_length: 1, min_parameter_count: 2}
              sorting_strategies: {mine: [{field: cost_score}]}
            """
        ).settings
    )

    assert policy == RoutingPolicy(
        strategy="mine",
        fallback=False,
        attempts_max=5,
        cooldown_s=7.0,
        sorting_strategies=(("mine", (("cost_score", 1.0, "desc"),)),),
        context_tokens_min=1,
        parameter_count_min=2_000_000,
        unpriced_models="refuse",
        client_gone="cancel",
        drain_s=3.0,
    )


def test_keys_of_the_file_are_known_by_their_hash_and_their_limits(book: PriceBook):
    text = f"""
    auth:
      api_token: {KEY}
      keys:
        - {{name: team, key: {KEY}-2, user: alice, models: ["tag:free"], requests_per_minute: 5}}
        - {{name: old, key: {KEY}-3, enabled: false}}
    limits: {{requests_per_minute: 60, concurrency: 4}}
    """
    snapshot = snapshot_of(text, book)

    assert snapshot.keys == (
        KeyGrant("config:api_token", digest(KEY), "api", "api_token", requests_per_minute_max=60, concurrency_max=4),
        KeyGrant(
            "config:team",
            digest(f"{KEY}-2"),
            "alice",
            "team",
            models=("tag:free",),
            requests_per_minute_max=5,
            concurrency_max=4,
        ),
        KeyGrant("config:old", digest(f"{KEY}-3"), "old", "old", False, requests_per_minute_max=60, concurrency_max=4),
    )
    assert [user.id for user in snapshot.users] == ["api", "alice", "old"]
    assert KEY not in repr(snapshot)


def test_the_stores_users_and_keys_stand_beside_the_files_and_go_before_them(book: PriceBook):
    state = StoreState(
        users=(User("alice", "Alice", group_ratio="0.5"),),
        keys=(KeyGrant("k1", "00", "alice", "laptop", requests_per_minute_max=9), KeyGrant("k2", "01", "alice", "ci")),
    )
    text = f"auth: {{keys: [{{name: a, key: {KEY}, user: alice}}]}}\nlimits: {{requests_per_minute: 60}}"

    snapshot = snapshot_of(text, book, state)

    assert snapshot.users == (User("alice", "Alice", group_ratio="0.5"),)
    assert [(key.id, key.requests_per_minute_max) for key in snapshot.keys] == [("k1", 9), ("k2", 60), ("config:a", 60)]


def test_prices_are_found_in_the_order_channel_provider_book(book: PriceBook):
    key = f"api_key: {KEY}, model_name: gpt-4o-mini"
    plain = f"channels: [{{id: c, provider: openai, {key}}}]"
    provider = "providers: {openai: {prices: {gpt-4o-mini: {input: 7, output: 8}}}}\n"
    channel = plain.replace("}]", ", prices: {gpt-4o-mini: {input: 9, output: 9}}}]")

    assert input_price(snapshot_of(plain, book), "c") == ("book", "USD", Decimal("0.15"))
    assert input_price(snapshot_of(provider + plain, book), "c") == ("provider", "USD", Decimal(7))
    assert input_price(snapshot_of(provider + channel, book), "c") == ("channel", "USD", Decimal(9))


def test_a_price_of_the_store_is_in_the_snapshot(book: PriceBook):
    set_by_hand = PriceVersion("own:openai/x/input_token", "openai", "x", Meter.INPUT, Decimal(3), "USD", 1_000_000)

    snapshot = snapshot_of("", book, StoreState(prices=(set_by_hand,)))

    assert set_by_hand in snapshot.prices


def test_a_provider_under_any_name_is_priced_by_its_endpoint(book: PriceBook):
    text = f"""
    providers: {{company_openai: {{base_url: https://api.openai.com}}}}
    channels: [{{id: c, provider: company_openai, api_key: {KEY}, model_name: gpt-4o-mini}}]
    """

    assert input_price(snapshot_of(text, book), "c") == ("book", "USD", Decimal("0.15"))


def test_an_unknown_endpoint_has_no_price_unless_it_is_priced_as_another(book: PriceBook):
    text = f"""
    providers: {{relay: {{base_url: https://relay.example/v1 %s}}}}
    channels: [{{id: c, provider: relay, api_key: {KEY}, model_name: gpt-4o-mini}}]
    """

    assert input_price(snapshot_of(text % "", book), "c") is None
    assert input_price(snapshot_of(text % ", priced_as: openai", book), "c") == ("book", "USD", Decimal("0.15"))


def test_a_region_chooses_the_price_list_of_the_provider_and_of_a_single_channel(book: PriceBook):
    model = f"provider: deepseek, api_key: {KEY}, model_name: deepseek-v4-flash"
    usd, cny = (
        input_price(snapshot_of(text, book), "c")
        for text in (
            f"channels: [{{id: c, {model}}}]",
            f"providers: {{deepseek: {{region: cn}}}}\nchannels: [{{id: c, {model}}}]",
        )
    )
    both = snapshot_of(f"channels: [{{id: a, {model}}}, {{id: b, {model}, region: cn}}]", book)

    assert usd is not None
    assert cny is not None
    assert (usd[:2], cny[:2]) == (("book", "USD"), ("book", "CNY"))
    assert (input_price(both, "a"), input_price(both, "b")) == (usd, cny)


def test_a_channels_own_address_chooses_its_price_list(book: PriceBook):
    model = f"provider: dashscope, api_key: {KEY}, model_name: qwen3-max"
    abroad = "base_url: https://dashscope-intl.aliyuncs.com/compatible-mode/v1"

    snapshot = snapshot_of(f"channels: [{{id: a, {model}}}, {{id: b, {model}, {abroad}}}]", book)

    found = {channel.id: (channel.region, input_price(snapshot, channel.id)) for channel in snapshot.channels}
    assert found["a"][0] is None
    assert found["b"][0] == "intl"
    assert [price[1] for _, price in found.values() if price] == ["CNY", "USD"]


def test_an_exchange_applies_to_the_price_list_of_a_channel_without_prices_of_its_own(book: PriceBook):
    text = f"""
    providers: {{relay: {{base_url: https://relay.example/v1, priced_as: openai}}}}
    channels:
      - {{id: c, provider: relay, api_key: {KEY}, model_name: gpt-4o-mini,
         currency_exchange: {{from: USD, to: CNY, rate: 0.7}}}}
      - {{id: d, provider: relay, api_key: {KEY}, model_name: gpt-4o-mini}}
    """
    snapshot = snapshot_of(text, book)

    assert input_price(snapshot, "c") == ("channel", "CNY", Decimal("0.105"))
    assert input_price(snapshot, "d") == ("book", "USD", Decimal("0.15"))


def test_an_exchange_goes_over_the_providers_own_prices_too(book: PriceBook):
    text = f"""
    providers:
      relay: {{base_url: https://relay.example/v1, priced_as: openai, prices: {{gpt-4o-mini: {{input: 1, output: 1}}}}}}
    channels:
      - {{id: c, provider: relay, api_key: {KEY}, model_name: gpt-4o-mini,
         currency_exchange: {{from: USD, to: CNY, rate: 0.7}}}}
    """

    assert input_price(snapshot_of(text, book), "c") == ("channel", "CNY", Decimal("0.7"))


def test_an_exchange_that_finds_nothing_to_exchange_is_told(book: PriceBook):
    text = f"""
    channels:
      - {{id: c, provider: dashscope, api_key: {KEY}, models: [qwen-plus],
         currency_exchange: {{from: USD, to: CNY, rate: 0.7}}}}
    """
    snapshot = snapshot_of(text, book)

    assert any("c: currency_exchange has no effect" in note for note in snapshot.notes)
    assert input_price(snapshot, "c") is not None


def test_the_demo_is_free_by_an_explicit_price(book: PriceBook):
    assert input_price(snapshot_of("", book), "ch_demo") == ("channel", "USD", Decimal(0))


def test_notifiers_are_told_as_they_were_given():
    text = f"""
    monitoring:
      alerts:
        notifiers:
          - {{type: console}}
          - {{type: webhook, name: ops, url: "https://hooks.example.com/a?t=1", secret: {KEY}}}
          - {{type: smtp, host: h, sender: a@x.com, recipients: [b@x.com]}}
          - {{type: slack, enabled: false, url: "https://hooks.slack.com/x"}}
    """

    assert notifier_entries(load(text).settings) == [
        {"type": "console"},
        {"type": "webhook", "name": "ops", "url": "https://hooks.example.com/a?t=1", "secret": KEY},
        {"type": "smtp", "host": "h", "security": "starttls", "sender": "a@x.com", "recipients": ("b@x.com",)},
    ]


def test_alert_rules_follow_the_file():
    text = (
        "monitoring: {errors_before_alert: 5, error_window: 60, alert_cooldown: 10,"
        " error_rate_percent: 40, error_rate_resolved_percent: 20, error_rate_calls_min: 9}"
    )

    assert alert_rules(load(text).settings) == AlertRules(
        errors_before_alert=5,
        error_window_s=60.0,
        cooldown_s=10.0,
        error_rate_percent=40.0,
        error_rate_resolved_percent=20.0,
        error_rate_calls_min=9,
    )


def digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()
