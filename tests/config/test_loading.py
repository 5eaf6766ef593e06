"""File, environment and command line into settings; everything wrong is told at once."""

from pathlib import Path

import pytest

from smart_ai_router.config.loading import configuration_path, load_settings
from smart_ai_router.config.problems import ConfigurationInvalid, mask
from tests.config.reading import KEY, load, problems


def test_without_a_file_every_setting_has_its_default():
    loaded = load_settings(None, {})

    assert loaded.settings.server.host == "127.0.0.1"
    assert loaded.settings.server.port == 7601
    assert loaded.settings.server.request_timeout == 300
    assert loaded.settings.server.max_request_size == 10_485_760
    assert loaded.settings.system.currency == "USD"
    assert loaded.settings.cost_control.global_daily_budget is None
    assert loaded.notices == ()
    assert loaded.digest == ""


def test_precedence_is_default_file_environment_command_line():
    text = "server: {port: 1, workers: 2, host: 127.0.0.2}"
    environ = {"SMART_AI_ROUTER__SERVER__PORT": "3", "SMART_AI_ROUTER__SERVER__WORKERS": "4"}

    loaded = load(text, environ, {"server.port": "5"})

    assert (loaded.settings.server.port, loaded.settings.server.workers) == (5, 4)
    assert loaded.settings.server.host == "127.0.0.2"
    assert str(loaded.origins["server.port"]) == "command line --port"
    assert str(loaded.origins["server.workers"]) == "environment SMART_AI_ROUTER__SERVER__WORKERS"
    assert str(loaded.origins["server.host"]) == "router_config.yaml:1:37"
    assert "server.debug" not in loaded.origins


def test_all_problems_are_told_at_once_with_file_line_key_value_and_way_out():
    told = problems(
        """
        server:
          prot: 7601
          workers: many
        routing:
          unpriced_models: serv
        chanels: []
        """
    )

    assert told == [
        "router_config.yaml:7:1: chanels: is not a setting (did you mean channels?)",
        "router_config.yaml:3:3: server.prot = '7601': is not a setting (did you mean server.port?)",
        "router_config.yaml:4:12: server.workers = 'many': is not a whole number",
        "router_config.yaml:6:20: routing.unpriced_models = 'serv': takes one of serve, refuse (did you mean serve?)",
    ]


def test_a_configuration_error_has_exit_code_2_and_counts():
    with pytest.raises(ConfigurationInvalid, match=r"^2 problems in the configuration:") as caught:
        load("a: 1\nb: 2")

    assert caught.value.exit_code == 2


def test_a_key_in_the_wrong_section_is_told_where_it_belongs():
    (line,) = problems("port: 7601")

    assert line.startswith("router_config.yaml:1:1: port = '7601': is not a setting (it exists as server.port and ")


@pytest.mark.parametrize(
    "text",
    [
        "channels: [{provider: openai, api_kye: SECRET}]",
        "channels: [{provider: openai, api_key: 'SECRET with space'}]",
        "server: {port: SECRET}\nauth: {api_token: SECRETé}",
        "auth: {api_token: [SECRET]}",
        "password: SECRET",
        "auth: {token: SECRET}",
        "providers: {p: {proxy: 'ftp://user:SECRET@proxy'}}",
        "providers: {p: {base_url: 'https://user:SECRET@host/'}}",
        "storage: {url: 'mysql://user:SECRET@host/db'}",
        "channels: [{provider: openai, headers: {x-key: 'SECRET with space'}}]",
        "monitoring: {alerts: {notifiers: [{type: slack, url: 'SECRET'}]}}",
        "server: SECRET",
    ],
)
def test_no_error_shows_a_secret(text: str):
    secret = "hunter2hunter2hunter2"

    told = problems(text.replace("server: {port: SECRET}\n", "").replace("SECRET", secret))

    assert told
    assert secret not in "\n".join(told)


def test_an_error_about_a_variables_value_shows_the_reference_and_not_the_value():
    told = problems("server: {port: '${OPENAI_API_KEY}'}", {"OPENAI_API_KEY": KEY})

    assert told == ["router_config.yaml:1:16: server.port = ${OPENAI_API_KEY}: is not a whole number"]


def test_the_default_inside_a_reference_is_not_shown_either():
    told = problems("server: {port: '${PORT:-my-secret-default}'}")

    assert told == ["router_config.yaml:1:16: server.port = ${PORT:-***}: is not a whole number"]


def test_masks_show_enough_to_tell_two_secrets_apart_and_no_more():
    assert mask("") == ""
    assert mask("short") == "***"
    assert mask("x" * 15) == "***"
    assert mask("sk-0123456789abcdef") == "sk-***ef"


def test_null_means_not_given():
    assert load("server: {port: null}\nauth:\nchannels: ~").settings.server.port == 7601


def test_a_missing_required_key_is_named():
    assert problems("channels: [{api_key: x}]") == ["router_config.yaml:1:12: channels[0].provider: is missing"]


def test_a_section_must_be_a_section_and_a_list_a_list():
    assert "takes a mapping with keys such as name" in problems("system: 3")[0]
    assert "takes a list" in problems("channels: {a: 1}")[0]
    assert "takes a mapping from id to settings" in problems("providers: [1]")[0]


def test_a_file_that_is_not_there_is_told_with_the_example(tmp_path: Path):
    with pytest.raises(ConfigurationInvalid, match=r"missing\.yaml: cannot be read: No such file.*example"):
        load_settings(tmp_path / "missing.yaml", {})
    with pytest.raises(ConfigurationInvalid, match="cannot be read"):
        load_settings(tmp_path, {})


def test_which_file_is_read(tmp_path: Path):
    environ = {"SMART_AI_ROUTER_CONFIG": "/etc/router.yaml"}
    assert configuration_path(None, {}, tmp_path) is None
    assert configuration_path("a.yaml", environ, tmp_path) == Path("a.yaml")
    assert configuration_path(None, environ, tmp_path) == Path("/etc/router.yaml")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/router_config.yaml").touch()
    assert configuration_path(None, {}, tmp_path) == tmp_path / "config/router_config.yaml"


def test_debug_is_the_log_level_debug():
    assert load("server: {debug: true}").settings.log_level == "DEBUG"
    assert load("monitoring: {log_level: warning}").settings.log_level == "WARNING"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("auth: {api_token: your-secret-token-here}", "placeholder"),
        ("auth: {api_token: abcdefghijklmno}", "has 15 characters"),
        ("auth: {admin: {admin_token: short}}", "has 5 characters"),
        (f"auth: {{api_token: {KEY}, admin: {{admin_token: {KEY}}}}}", "is the same as auth.api_token"),
        (f"auth: {{keys: [{{name: a, key: {KEY}}}, {{name: a, key: {KEY}2}}]}}", "stands twice"),
        ("routing: {default_strategy: cheapest}", "is not a strategy"),
        ("routing: {sorting_strategies: {mine: []}}", "weighs nothing"),
        ("channels: [{provider: opnai}]", "did you mean openai?"),
        ("channels: [{provider: nobody}]", "neither under providers nor in the built-in catalogue"),
        ("providers: {mine: {}}\nchannels: [{provider: mine}]", "has no base_url"),
        ("channels: [{provider: openai, id: x}, {provider: groq, id: x}]", "is also the id of channels[0]"),
        ("channels: [{provider: openai, prices: {m: {per: 1000, input: 1, image: 2}}}]", "is ambiguous"),
        ("channels: [{provider: openai, prices: {m: {currency: USD}}}]", "has no price"),
        ("channels: [{provider: openai, prices: {'*a*': {input: 1}}}]", "more than one *"),
        ("channels: [{provider: openai, currency_exchange: {rate: 0.7}}]", "needs from and to too"),
        ("monitoring: {error_rate_percent: 10}", "must not exceed error_rate_percent (10)"),
        ("monitoring: {alerts: {notifiers: [{type: smtp, host: h}]}}", "smtp needs it"),
        ("monitoring: {alerts: {notifiers: [{type: console}, {type: console}]}}", "its own name"),
        ("cost_control: {alert_threshold: 1.01}", "between 0 and 1"),
        ("cost_control: {global_daily_budget: 5, currency: CNY}", "no exchange rate is given"),
        ("prices: {exchange_rates: [{from: USD, to: USD, rate: 1, date: 2026-01-01}]}", "for itself"),
    ],
)
def test_settings_that_contradict_one_another_are_told(text: str, words: str):
    assert any(words in line for line in problems(text))


def test_the_edges_of_those_contradictions():
    load("auth: {api_token: abcdefghijklmnop}")
    load("cost_control: {alert_threshold: 1}")
    load("monitoring: {error_rate_percent: 25}")
    load(
        "cost_control: {global_daily_budget: 5, currency: CNY}\n"
        "prices: {exchange_rates: [{from: USD, to: CNY, rate: 7.1, date: 2026-01-01}]}"
    )
