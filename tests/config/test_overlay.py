"""Environment variables over the file, and references inside it."""

import pytest

from tests.config.reading import KEY, load, problems

CHANNELS = "channels: [{id: ch_openai_001, provider: openai, api_key: a}, {name: Two, provider: groq, api_key: b}]"


@pytest.mark.parametrize(
    ("variable", "value", "path"),
    [
        ("SMART_AI_ROUTER__SERVER__PORT", "8000", "server.port"),
        ("smart_ai_router__server__port", "8000", "server.port"),
        ("SMART_AI_ROUTER__AUTH__ADMIN__ADMIN_TOKEN", KEY, "auth.admin.admin_token"),
        ("SMART_AI_ROUTER_ADMIN_TOKEN", KEY, "auth.admin.admin_token"),
        ("SMART_AI_ROUTER__CHANNELS__0__API_KEY", KEY, "channels[0].api_key"),
        ("SMART_AI_ROUTER__CHANNELS__CH_OPENAI_001__API_KEY", KEY, "channels[0].api_key"),
        ("SMART_AI_ROUTER__CHANNELS__TWO__TAGS", "free,fast", "channels[1].tags"),
        ("SMART_AI_ROUTER__PROVIDERS__OPENAI__BASE_URL", "https://x.example/v1", "providers.openai.base_url"),
    ],
)
def test_a_variable_names_the_path_of_its_setting(variable: str, value: str, path: str):
    loaded = load(CHANNELS, {variable: value})

    assert str(loaded.origins[path]) == f"environment {variable}"


def test_lists_and_mappings_may_be_written_in_a_variable():
    environ = {
        "SMART_AI_ROUTER__SERVER__CORS_ORIGINS": "[https://a.example, https://b.example]",
        "SMART_AI_ROUTER__ROUTING__ALIASES": "{fast: gpt-4o-mini}",
        "SMART_AI_ROUTER__CHANNELS": "[{provider: openai, api_key: abc, models: [m]}]",
    }

    settings = load("", environ).settings

    assert settings.server.cors_origins == ("https://a.example", "https://b.example")
    assert settings.routing.aliases == (("fast", "gpt-4o-mini"),)
    assert settings.channels[0].models[0].name == "m"


def test_a_text_in_a_variable_is_taken_as_it_is():
    assert load("", {"SMART_AI_ROUTER__SYSTEM__NAME": "[x] # y: z"}).settings.system.name == "[x] # y: z"


def test_a_new_item_and_a_new_provider_can_be_made_by_variables():
    environ = {
        "SMART_AI_ROUTER__PROVIDERS__MINE__BASE_URL": "https://x.example/v1",
        "SMART_AI_ROUTER__CHANNELS__0__PROVIDER": "mine",
    }

    settings = load("", environ).settings

    assert settings.providers[0].id == "mine"
    assert settings.channels[0].provider == "mine"


def test_a_provider_keeps_the_spelling_of_the_file():
    text = "providers: {My-Provider: {base_url: https://x.example/v1}}"

    settings = load(text, {"SMART_AI_ROUTER__PROVIDERS__MY_PROVIDER__RATE_LIMIT": "5"}).settings

    assert [(provider.id, provider.rate_limit) for provider in settings.providers] == [("My-Provider", 5)]


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("SMART_AI_ROUTER__SERVER__PROT", "server.prot: is not a setting (did you mean server.port?)"),
        ("SMART_AI_ROUTER__SERVER", "server is a section; name one of its settings"),
        ("SMART_AI_ROUTER__SERVER__PORT__X", "server.port is a single setting"),
        ("SMART_AI_ROUTER__CHANNELS__9__API_KEY", "channels has no item 9"),
        ("SMART_AI_ROUTER__CHANNELS__NOBODY__API_KEY", "channels has no item NOBODY"),
        ("SMART_AI_ROUTER__", "is not a setting"),
    ],
)
def test_a_variable_that_names_nothing_is_an_error_that_names_it(variable: str, words: str):
    told = problems("", {variable: "1"})

    assert told[0].startswith(f"environment {variable}: ")
    assert words in told[0]


def test_other_variables_are_left_alone():
    assert load("", {"SMART_AI_ROUTER_HOME": "x", "PATH": "y"}).notices == ()


def test_an_override_does_not_hide_what_is_wrong_in_the_file():
    told = problems("server: {prot: 1}", {"SMART_AI_ROUTER__SERVER__PROT": "2"})

    assert [line.split(": ")[0] for line in told] == [
        "environment SMART_AI_ROUTER__SERVER__PROT",
        "router_config.yaml:1:10",
    ]


@pytest.mark.parametrize(
    ("text", "environ", "name"),
    [
        ("${NAME}", {"NAME": "x"}, "x"),
        ("a-${NAME}-${NAME}", {"NAME": "x"}, "a-x-x"),
        ("${NAME:-d}", {}, "d"),
        ("${NAME:-d}", {"NAME": ""}, "d"),
        ("${NAME:-}", {}, "Smart AI Router"),
        ("${NAME}", {"NAME": ""}, "Smart AI Router"),
        ("$${NAME}", {}, "${NAME}"),
        ("$NAME", {"NAME": "x"}, "$NAME"),
        ("${NAME}", {"NAME": "${OTHER}"}, "${OTHER}"),
    ],
)
def test_references(text: str, environ: dict[str, str], name: str):
    assert load(f"system: {{name: '{text}'}}", environ).settings.system.name == name


def test_a_variables_content_cannot_change_the_structure():
    loaded = load("system:\n  name: ${NAME}\n", {"NAME": "a]: {x: 1} # y"})

    assert loaded.settings.system.name == "a]: {x: 1} # y"


def test_a_variable_that_is_not_set_is_told_once_and_with_a_way_out():
    told = problems("channels: [{provider: openai, api_key: '${OPENAI_API_KEY}'}]\nserver: {port: '${PORT}'}")

    way_out = "(set it, or write ${%s:-} if it may be missing)"
    assert told == [
        "router_config.yaml:1:40: channels[0].api_key: the variable OPENAI_API_KEY is not set "
        + way_out % "OPENAI_API_KEY",
        "router_config.yaml:2:16: server.port: the variable PORT is not set " + way_out % "PORT",
    ]


@pytest.mark.parametrize("text", ["${", "${}", "${a-b}", "${NAME", "${1X}"])
def test_a_reference_that_cannot_be_read_is_told(text: str):
    assert (
        "a reference is written ${NAME} or ${NAME:-default}"
        in problems(f"system: {{name: '{text}'}}", {"NAME": "x"})[0]
    )
