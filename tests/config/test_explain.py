"""Where each value came from, and which of them changed."""

from smart_ai_router.config.defaults import default_settings
from smart_ai_router.config.explain import changes, explain, value_text
from smart_ai_router.config.table import SETTINGS
from tests.config.reading import KEY, load


def lines(text: str, environ: dict[str, str] | None = None, overrides: dict[str, str] | None = None) -> dict[str, str]:
    return {line.name: str(line) for line in explain(load(text, environ, overrides))}


def test_every_value_says_where_it_came_from():
    explained = lines(
        "server:\n  host: 127.0.0.1\n  port: 1\n",
        {"SMART_AI_ROUTER__SERVER__PORT": "2", "SMART_AI_ROUTER__SERVER__WORKERS": "3"},
        {"server.workers": "4"},
    )

    assert explained["server.host"] == "server.host = 127.0.0.1  [router_config.yaml:2:9]"
    assert explained["server.port"] == "server.port = 2  [environment SMART_AI_ROUTER__SERVER__PORT]"
    assert explained["server.workers"] == "server.workers = 4  [command line --workers]"
    assert explained["server.request_timeout"] == "server.request_timeout = 300  [default]"


def test_every_single_setting_is_explained_in_the_order_of_the_table():
    names = [setting.name for setting in SETTINGS if not setting.repeated and setting.idle is None]

    assert list(lines("")) == names


def test_secrets_are_masked_wherever_they_stand():
    text = f"""
    auth: {{api_token: {KEY}, keys: [{{name: a, key: {KEY}2}}]}}
    providers: {{p: {{base_url: https://x.example/v1, headers: {{x-key: {KEY}3}}, proxy: "http://u:{KEY}@h:1"}}}}
    channels: [{{provider: p, api_key: "${{THE_KEY}}", models: [m]}}]
    storage: {{url: "postgresql://u:{KEY}@h/db"}}
    monitoring: {{alerts: {{notifiers: [{{type: slack, url: "https://h.example/{KEY}"}}]}}}}
    """
    explained = lines(text, {"THE_KEY": KEY, "SMART_AI_ROUTER_ADMIN_TOKEN": KEY + "admin"})

    assert KEY not in "\n".join(explained.values())
    assert explained["channels[0].api_key"] == "channels[0].api_key = sk-***et  [router_config.yaml:4:35]"
    assert "postgresql://***@h/db" in explained["storage.url"]
    assert explained["auth.admin.admin_token"].endswith("[environment SMART_AI_ROUTER_ADMIN_TOKEN]")


def test_a_key_without_effect_says_why():
    explained = lines("caching: {cache_ttl: 60}")

    assert "(has no effect here, because there is no response cache: " in explained["caching.cache_ttl"]


def test_lists_and_mappings_are_one_line():
    explained = lines("server: {cors_origins: ['https://a.example', 'https://b.example']}\nrouting: {aliases: {a: b}}")

    assert explained["server.cors_origins"].startswith("server.cors_origins = [https://a.example, https://b.example]")
    assert explained["routing.aliases"].startswith("routing.aliases = {a: b}")


def test_nothing_changed_is_no_change():
    assert changes(default_settings(), load("").settings) == ()


def test_changes_name_settings_and_lists_and_say_what_waits_for_a_restart():
    old = load("server: {port: 1}\nchannels: [{provider: openai}]").settings
    new = load(
        "server: {port: 2}\nchannels: [{provider: groq}]\njournal: {durability: group}\nrouting: {client_gone: cancel}"
    ).settings

    assert [(change.name, change.restart) for change in changes(old, new)] == [
        ("server.port", True),
        ("routing.client_gone", False),
        ("journal.durability", True),
        ("channels", False),
    ]


def test_values_are_written_as_in_a_file():
    assert [value_text(value) for value in (None, True, 300.0, ("a", "b"), "x", 7)] == [
        "",
        "true",
        "300",
        "[a, b]",
        "x",
        "7",
    ]
