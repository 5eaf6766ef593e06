"""All billing routes: whom they answer, and how they are described."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from smart_ai_router.api.control import create_control_app
from smart_ai_router.api.openapi import ControlApp
from smart_ai_router.core.billing import cost_messages, model_messages, price_messages, record_messages
from tests.api.billing.billing_fixtures import BILLING, billing_client, billing_services
from tests.api.control_fixtures import ADMIN, USER, services_over

SHAPES = (
    *record_messages.ANSWERS,
    *cost_messages.ANSWERS,
    *model_messages.ANSWERS,
    *model_messages.REQUESTS,
    *price_messages.ANSWERS,
    *price_messages.REQUESTS,
)


def nothing(*_asked: object) -> None:
    """Switches nothing."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    app = create_control_app(services_over(billing=billing_services(switch_model=nothing)))
    assert isinstance(app, ControlApp)
    return app.openapi()


def routes(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        if path.startswith(BILLING):
            yield from ((method.upper(), path, described) for method, described in methods.items())


def test_m2_04_n_13_nobody_but_an_administrator_reaches_a_billing_route(document: dict[str, Any]) -> None:
    client = TestClient(create_control_app(services_over(billing=billing_services(switch_model=nothing))))
    found = list(routes(document))

    assert len(found) == 18
    for method, path, _ in found:
        plain = path.replace("{", "").replace("}", "")
        for headers, status in (({}, 401), ({"authorization": "Bearer wrong"}, 401), (USER, 403)):
            response = client.request(method, plain, headers=headers)
            assert response.status_code == status, (method, path)
            assert set(response.json()) == {"detail"}


def test_a_billing_viewer_reads_and_changes_nothing(document: dict[str, Any]) -> None:
    least = {(method, path): described["x-least-role"] for method, path, described in routes(document)}

    writes = {("POST", f"{BILLING}/pricing")}
    writes |= {
        ("PUT", f"{BILLING}/{path}") for path in ("pricing/{pricingId}", "models/{modelId}", "providers/{providerId}")
    }
    assert {route for route, role in least.items() if role == "admin"} == writes
    assert {role for route, role in least.items() if route not in writes} == {"billing_viewer"}


def test_every_route_parameter_and_field_is_described(document: dict[str, Any]) -> None:
    for method, path, described in routes(document):
        assert described["summary"], (method, path)
        for each in described.get("parameters", ()):
            if each["in"] != "header":
                assert each.get("description"), (method, path, each["name"])
    schemas = document["components"]["schemas"]
    for shape in SHAPES:
        schema = schemas[shape.__name__]
        assert list(schema["properties"]) == [field.encode_name for field in msgspec.structs.fields(shape)]
        assert [name for name, field in schema["properties"].items() if not field.get("description")] == [], shape


def test_amounts_are_described_as_numbers(document: dict[str, Any]) -> None:
    fields = document["components"]["schemas"]["UsageRecordFacts"]["properties"]

    assert fields["costAmount"]["type"] == "number"
    assert {each["type"] for each in fields["userCharge"]["anyOf"]} == {"number", "null"}


def test_without_billing_services_there_are_no_billing_routes() -> None:
    client = billing_client()
    bare = TestClient(create_control_app(services_over()), headers=ADMIN)

    assert bare.get(f"{BILLING}/usage/records").status_code == 404
    assert client.get(f"{BILLING}/usage/records").status_code == 200
