"""Rows M1.43, M1.65, M1.72 to M1.75 and N.13: who may ask, and statistics by user, region, tag and anything else."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from smart_ai_router.testing.upstream import UpstreamServer
from tests.api.control_fixtures import STATS_PATHS
from tests.e2e import open_paths
from tests.e2e.router_harness import CHAT, GUIDE_PRICES, Router, channel, running

ALICE, BOB = "sk-of-alice-0123456789abcdef", "sk-of-bob-0123456789abcdef"
COST = Decimal("0.000375")
MADE = (
    (ALICE, "CN", "gpt-4o-mini"),
    (ALICE, "DE", "gpt-4o-mini"),
    (BOB, "CN", "tag:free"),
    (BOB, "CN", "qwen3-8b"),
)
STRANGERS = ({"authorization": "Bearer sk-of-nobody"}, {"x_forwarded_for": "203.0.113.9"}, {"host": "evil.test"})
# What the reference project and the second guide serve for administrators; served here or not, all are closed.
ADMIN_PATHS = (
    "/v1/admin/config/status",
    "/v1/admin/logs/search",
    "/v1/admin/cost/optimize",
    "/admin/blacklist/stats",
    "/status/api/channels",
    "/api/admin/billing/usage/records",
    "/api/admin/billing/cost/daily",
    "/api/admin/billing/resource-pool",
    "/api/admin/billing/resource-pool/alerts",
    "/api/admin/billing/quota/users/1",
    "/api/admin/billing/providers",
    "/api/admin/system/ai-config/models",
    "/metrics",
)


@pytest.fixture(scope="module")
def router(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    channels = [
        channel("ch_openai_001", upstream.base_url, "gpt-4o-mini", prices=GUIDE_PRICES),
        channel("ch_free_001", upstream.base_url, "qwen3-8b", tags=["free"], cost_per_token={"input": 0, "output": 0}),
    ]
    keys = [{"name": "alice", "key": ALICE}, {"name": "bob", "key": BOB}]
    config = {"channels": channels, "auth": {"keys": keys}, "statistics": {"region_header": "CF-IPCountry"}}
    with running(tmp_path_factory.mktemp("dimensions"), config) as started:
        for key, country, model in MADE:
            headers = {"authorization": f"Bearer {key}", "cf-ipcountry": country}
            assert started.call({**CHAT, "model": model}, **headers).status == 200
        yield started


def served_routes(router: Router) -> list[tuple[str, str]]:
    """Every method and path of the API's own description that is not open to all, with its parameters filled in."""
    paths = router.get("/openapi.json").json["paths"]
    return [(method.upper(), re.sub(r"\{\w+\}", "ch_1", path)) for path in paths for method in paths[path]]


def test_m1_43_n_13_every_route_asks_for_the_admin_token(router: Router) -> None:
    routes = served_routes(router)
    assert {("GET", "/v1/stats/daily"), ("POST", "/v1/stats/clear-alerts/ch_1")} <= set(routes)
    assert len(routes) >= 18
    routes += [*STATS_PATHS, *(("GET", path) for path in ADMIN_PATHS)]

    for method, path in routes:
        if path in open_paths.TO_EVERYBODY:
            continue
        nobody = router.ask(method, path)
        assert nobody.status == 401, (method, path, nobody)
        assert nobody.headers["www-authenticate"] == "Bearer"
        for wrong in ("Bearer wrong", "Bearer ", "Basic YTpi", router.token, f"Bearer {router.token}x"):
            assert router.ask(method, path, authorization=wrong).status == 401, (method, path, wrong)
        if path not in open_paths.TO_USERS:
            assert router.ask(method, path, authorization=f"Bearer {ALICE}").status == 403, (method, path)
        assert router.ask(method, f"{path}?admin_token={router.token}").status == 401, (method, path)
    for method, path in STATS_PATHS:
        assert router.admin(method, path).status == 200, (method, path)


def test_n_13_calls_ask_for_a_key_as_configured(router: Router) -> None:
    """Keys exist: a wrong one is refused, none is served on the router's own machine, but not through a proxy."""
    assert router.chat().status == 200
    for headers in STRANGERS:
        for path, body in (("/v1/chat/completions", CHAT), ("/v1/embeddings", {"model": "a", "input": "b"})):
            answer = router.call(body, path, **headers)
            assert (answer.status, answer.json["error"]["code"]) == (401, "invalid_api_key"), headers
        assert router.get("/v1/models", **headers).status == 401


def test_m1_65_the_statistics_api_describes_itself(router: Router) -> None:
    described = router.get("/openapi.json").json

    daily = described["paths"]["/v1/stats/daily"]["get"]
    assert daily["summary"] == "获取每日使用统计"
    assert [parameter["name"] for parameter in daily["parameters"]] == ["target_date"]
    assert router.get("/docs").status == 200


def test_m1_72_statistics_by_user(router: Router) -> None:
    users = {row["user"]: row for row in router.stats("users")["users"]}

    assert {name: (users[name]["requests"], users[name]["cost"]) for name in ("alice", "bob")} == {
        "alice": (2, 2 * COST),
        "bob": (2, 0),
    }
    assert [record["user_id"] for record in router.records()][:4] == ["alice", "alice", "bob", "bob"]


def test_m1_73_statistics_by_region(router: Router) -> None:
    rows = router.stats("query", by="region")["rows"]

    regions = {row["region"]: (row["requests"], row["cost"]) for row in rows}
    assert {name: regions[name] for name in ("CN", "DE")} == {"CN": (3, COST), "DE": (1, COST)}


def test_m1_74_statistics_by_tag(router: Router) -> None:
    tags = {row["tag"]: row["requests"] for row in router.stats("tags")["tags"]}

    assert tags["free"] == 1  # one call asked for it; the other named its model
    assert tags["qwen3"] == 2
    assert tags["gpt"] >= 2


def test_m1_75_dimensions_group_together_filtered_and_ordered(router: Router) -> None:
    found = router.stats("query", by="day,user,provider,model", order_by="requests", user="alice")

    (row,) = found["rows"]
    expected = {"user": "alice", "provider": "openai", "model": "gpt-4o-mini", "requests": 2, "cost": 2 * COST}
    assert expected.items() <= row.items()
    today = router.stats("daily")["date"]
    assert row["day"] == today
    for unknown in ("colour", "region,model"):  # a dimension that does not exist; two that are not kept together
        assert router.admin("GET", f"/v1/stats/query?by={unknown}").status == 400


def test_m1_75_a_ranking_and_a_query_agree(router: Router) -> None:
    def by(rows: list[dict[str, Any]]) -> str:
        return json.dumps(sorted((row["model"], row["requests"], str(row["cost"])) for row in rows))

    assert by(router.stats("top-models")["models"]) == by(router.stats("query", by="model")["rows"])
