"""The documentation checks find what they should, and nothing else."""

from tests.tidy.documentation_checks import (
    anchors,
    commands,
    dead_anchors,
    dead_paths,
    scripts,
    unknown_routes,
    unknown_settings,
    unknown_variables,
    wrong_commands,
)

PATHS = ["README.md", "docs/zh/start.md", "smart_ai_router/core/utils/usage_tracker.py", "config/example.yaml"]


def test_a_link_to_a_page_that_is_not_there_is_found() -> None:
    text = "see [start](../zh/start.md#keys), [gone](gone.md) and [the web](https://example.org/a.md)"

    assert dead_paths("docs/en/a.md", text, PATHS) == ["docs/en/a.md: links to gone.md, which does not exist"]


def test_a_file_in_code_marks_must_exist_by_its_path_or_its_end() -> None:
    text = "`core/utils/usage_tracker.py`, `config/example.yaml`, `core/utils/gone.py`, `docs/zh/`, `missing.toml`"

    assert dead_paths("README.md", text, PATHS) == [
        "README.md: names core/utils/gone.py, which does not exist",
        "README.md: names missing.toml, which does not exist",
    ]


def test_files_made_at_run_time_and_patterns_are_not_asked_for() -> None:
    text = "`./logs`, `logs/usage_1.jsonl`, `config/router_config.yaml`, `docs/{zh,en}`, `/v1/stats`, `Qwen/Qwen3-8B`"

    assert dead_paths("README.md", text, PATHS) == []


def test_commands_are_read_from_shell_blocks_and_code_marks() -> None:
    text = (
        "Run `python main.py prices list` or:\n```bash\n# python main.py comment\npython main.py --port 8000 # here\n"
        "smart-ai-router verify | less\n```\n```python\nimport main\n```\n"
    )

    assert list(commands(text)) == [["--port", "8000"], ["verify"], ["prices", "list"]]


def test_scripts_are_read_from_shell_blocks() -> None:
    assert scripts("```bash\npython scripts/archive.py --archive\n```\n") == ["scripts/archive.py"]


def test_a_command_that_is_not_known_is_found_with_the_reason() -> None:
    text = "`python main.py verify` `python main.py fly --high`"

    found = wrong_commands("README.md", text, lambda words: None if words == ["verify"] else "no such command")

    assert found == ["README.md: `smart-ai-router fly --high`: no such command"]


def test_a_link_to_a_heading_that_is_not_there_is_found() -> None:
    pages = {"docs/zh/a.md": "# 标签\n\n## GET /v1/stats/{id}\n", "docs/zh/b.md": ""}
    text = "[a](a.md#标签) [b](a.md#get-v1statsid) [c](a.md#gone) [d](#here) [e](gone.md#x)\n\n## Here\n"

    assert dead_anchors("docs/zh/b.md", text, {**pages, "docs/zh/b.md": text}) == [
        "docs/zh/b.md: links to a.md#gone, and there is no such heading"
    ]
    assert anchors(text) == {"here"}


def test_a_route_or_address_that_nothing_answers_is_found() -> None:
    known = ["GET /v1/models", "POST /v1/stats/clear-alerts/{channel_id}"]
    text = (
        "`GET /v1/models`, `POST /v1/models`, `GET /v1/gone?x=1`, http://localhost:7601/v1/models?a=b and\n"
        '```bash\ncurl "http://127.0.0.1:7601/v1/stats/clear-alerts/ch_1"\ncurl http://localhost:7601/v2\n```\n'
    )

    assert unknown_routes("README.md", text, known) == [
        "README.md: /v1/models: nothing answers there",
        "README.md: /v1/gone: nothing answers there",
        "README.md: /v2: nothing answers there",
    ]


def test_a_variable_or_setting_that_nothing_reads_is_found() -> None:
    text = (
        "`SMART_AI_ROUTER_TOKEN` SMART_AI_ROUTER__SERVER__PORT=1 SMART_AI_ROUTER__SERVER__PROT=1 SMART_AI_ROUTER_CONFIG"
    )

    found = unknown_variables("a.md", text, ["SMART_AI_ROUTER_CONFIG"], lambda words: words == ["server", "port"])

    assert found == [
        "a.md: SMART_AI_ROUTER_TOKEN: nothing reads this variable",
        "a.md: SMART_AI_ROUTER__SERVER__PROT: nothing reads this variable",
    ]
    marked = "`server.port`, `server`, `server.prot`, `auth.keys`, `server.prot: 1`, `other.thing`, `server.py`"
    assert unknown_settings("a.md", marked, ["server.port", "auth.keys[].name"]) == [
        "a.md: server.prot is no setting",
        "a.md: server.prot is no setting",
    ]
