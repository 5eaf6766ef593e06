"""The router listens to other machines only when somebody has a key."""

import pytest

from smart_ai_router.config.binding import check_binding
from smart_ai_router.config.problems import ConfigurationInvalid, ListeningNeedsKeys
from tests.config.reading import KEY, load


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "router.example.com", "*"])
def test_m1_02_other_interfaces_need_a_key(host: str):
    if host == "*":
        with pytest.raises(ConfigurationInvalid):
            load("server: {host: '*'}")
        return
    loaded = load(f"server: {{host: '{host}'}}")

    with pytest.raises(ListeningNeedsKeys) as caught:
        check_binding(loaded, stored_keys=0)

    assert caught.value.exit_code == 2
    assert "router_config.yaml:1:16: server.host" in str(caught.value)
    assert "SMART_AI_ROUTER__AUTH__API_TOKEN=$(python -c " in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_this_machine_needs_none(host: str):
    check_binding(load(f"server: {{host: '{host}'}}"), stored_keys=0)


@pytest.mark.parametrize("auth", [f"{{api_token: {KEY}}}", f"{{keys: [{{name: a, key: {KEY}}}]}}"])
def test_a_key_in_the_file_opens_other_interfaces(auth: str):
    check_binding(load(f"server: {{host: 0.0.0.0}}\nauth: {auth}"), stored_keys=0)


def test_a_key_in_the_environment_or_the_store_does_too():
    check_binding(load("server: {host: 0.0.0.0}", {"SMART_AI_ROUTER__AUTH__API_TOKEN": KEY}), stored_keys=0)
    check_binding(load("server: {host: 0.0.0.0}"), stored_keys=1)


def test_a_key_that_is_switched_off_does_not():
    loaded = load(f"server: {{host: 0.0.0.0}}\nauth: {{keys: [{{name: a, key: {KEY}, enabled: false}}]}}")

    with pytest.raises(ListeningNeedsKeys):
        check_binding(loaded, stored_keys=0)


def test_an_admin_token_is_no_key_for_calls():
    with pytest.raises(ListeningNeedsKeys):
        check_binding(load("server: {host: 0.0.0.0}", {"SMART_AI_ROUTER_ADMIN_TOKEN": KEY}), stored_keys=0)


def test_the_command_lines_host_counts_and_is_named():
    with pytest.raises(ListeningNeedsKeys, match=r"command line --host: server\.host"):
        check_binding(load("", {}, {"server.host": "0.0.0.0"}), stored_keys=0)
