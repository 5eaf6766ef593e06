"""Routing, configuration, system information, and what the API says about itself."""

import re

import pytest

from smart_ai_router.api.control import ReloadOutcome, create_control_app
from tests.api.control_fixtures import administrator, client_over, services_over, stranger


def test_a_routing_is_explained_in_plain_digits() -> None:
    response = administrator().get("/v1/routing/explain", params={"model": "gpt-4o-mini"})

    assert response.status_code == 200
    assert response.text == (
        '{"success":true,"data":{"model":"gpt-4o-mini","candidates":[{"channel_id":"ch_openai_001","score":0.000075}]}}'
    )


def test_a_routing_without_an_answer_keeps_its_own_status_and_code() -> None:
    response = administrator().get("/v1/routing/explain", params={"model": "tag:nothing"})

    assert response.status_code == 404
    assert response.json() == {
        "detail": "no model carries the tag; GET /v1/models lists the models",
        "code": "tag_not_found",
    }


@pytest.mark.parametrize("params", [{}, {"model": ""}, {"model": "x" * 4097}])
def test_a_routing_needs_a_model_of_a_sane_length(params: dict[str, str]) -> None:
    response = administrator().get("/v1/routing/explain", params=params)

    assert response.status_code == 422
    assert "xxx" not in response.text


def test_the_configuration_shows_its_status_and_reloads() -> None:
    client = administrator()

    assert client.get("/v1/admin/config/status").json()["data"]["snapshot_version"] == 3
    assert client.post("/v1/admin/config/reload").json() == {
        "success": True,
        "message": "configuration applied",
        "data": {"snapshot_version": 4},
    }
    assert client.get("/v1/admin/config/reload").status_code == 405


def test_a_bad_configuration_is_refused_with_what_is_wrong_in_it() -> None:
    outcome = ReloadOutcome(False, "the old configuration stays", ("router_config.yaml:7: unknown key 'chanels'",))

    response = client_over(reload_config=lambda: outcome).post("/v1/admin/config/reload")

    assert response.status_code == 409
    assert response.json()["detail"].splitlines() == [
        "the old configuration stays",
        "router_config.yaml:7: unknown key 'chanels'",
    ]


def test_system_info_is_the_administrators() -> None:
    assert administrator().get("/api/system/info").json() == {"success": True, "data": {"version": "0.1.0"}}


def test_m1_71_metrics_come_in_the_text_form_of_prometheus_or_not_at_all() -> None:
    response = administrator().get("/metrics")

    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response.text == "router_workers_connected 1.0\n"
    assert client_over(metrics=None).get("/metrics").status_code == 404


def test_the_openapi_document_lists_every_route_with_a_summary_and_an_answer() -> None:
    document = stranger().get("/openapi.json").json()

    schemas = document["components"]["schemas"]
    assert len(document["paths"]) == 19
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["summary"]
            assert {"200", "400", "401", "403"} <= set(operation["responses"])
    for name in re.findall(r'"#/components/schemas/([^"]+)"', stranger().get("/openapi.json").text):
        assert name in schemas
    assert schemas["DailyStatistics"]["properties"]["total_cost"] == {"type": "number"}


def test_the_documented_keys_are_those_that_are_answered() -> None:
    client = administrator()
    schemas = create_control_app(services_over()).openapi()["components"]["schemas"]

    for path, shape in (
        ("daily", "DailyStatistics"),
        ("weekly", "WeeklyStatistics"),
        ("monthly", "MonthlyStatistics"),
        ("summary", "SummaryStatistics"),
        ("top-models", "TopModels"),
        ("top-channels", "TopChannels"),
        ("users", "TopUsers"),
        ("tags", "TopTags"),
        ("cost-breakdown", "CostBreakdown"),
        ("query", "QueryAnswer"),
        ("alerts", "RecentAlerts"),
    ):
        data = client.get(f"/v1/stats/{path}").json()["data"]
        assert set(data) == set(schemas[shape]["properties"])


def test_the_docs_page_lists_every_route_and_loads_nothing_from_outside() -> None:
    client = stranger()
    page = client.get("/docs")

    assert page.headers["content-type"].startswith("text/html")
    for path in client.get("/openapi.json").json()["paths"]:
        assert path in page.text
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page.text)
    assert "<script" not in page.text
