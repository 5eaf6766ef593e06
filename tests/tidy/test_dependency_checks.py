"""The dependency checks find what they should, and nothing else."""

from tests.tidy.dependency_checks import (
    declared_name,
    lock_faults,
    pins,
    pins_that_differ,
    start_hooks,
    undeclared_imports,
)
from tests.tidy.python_source import Source

GOOD = """\
click==8.5.1 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
uvloop==0.23.0 ; sys_platform != 'win32' \\
    --hash=sha256:cc
"""


def test_a_lock_of_pins_with_hashes_passes() -> None:
    assert lock_faults("a.lock", GOOD) == []
    assert pins(GOOD) == {"click": "8.5.1", "uvloop": "0.23.0"}


def test_an_entry_without_hash_a_range_and_an_address_are_found() -> None:
    lock = "click==8.5.1\nrich>=14 \\\n    --hash=sha256:aa\n--index-url https://example.org\n"

    assert lock_faults("a.lock", lock) == [
        "a.lock: 'click==8.5.1' has no hash",
        "a.lock: 'rich>=14 \\\\' is not a pinned version",
        "a.lock: '--index-url https://example.org' is not a pinned version",
        "a.lock: holds an address",
    ]


def test_what_is_tested_must_be_what_runs() -> None:
    assert pins_that_differ({"click": "8.5.1", "rich": "15.0"}, {"click": "8.5.1", "rich": "15.0"}) == []
    assert pins_that_differ({"click": "8.5.1", "rich": "15.0"}, {"click": "8.6"}) == [
        "click: 8.5.1 runs, 8.6 is tested",
        "rich: 15.0 runs, nothing is tested",
    ]


def test_a_requirement_names_its_distribution() -> None:
    assert declared_name("uvloop>=0.22; sys_platform != 'win32'") == "uvloop"
    assert declared_name("Prometheus_Client") == "prometheus-client"


def test_an_import_that_nothing_declares_is_found() -> None:
    source = Source("smart_ai_router/x.py", "import os\nimport yaml\nfrom pydantic import BaseModel\n")
    providers = {"yaml": ["PyYAML"], "pydantic": ["pydantic"]}

    assert undeclared_imports([source], {"pyyaml"}, providers) == [
        "smart_ai_router/x.py:3: pydantic is imported and not declared in pyproject.toml"
    ]


def test_a_distribution_with_a_start_hook_is_found() -> None:
    files = {"good": ["good/__init__.py"], "bad": ["bad.py", "bad_init.pth"]}

    assert start_hooks(files) == ["bad installs bad_init.pth, which runs at every interpreter start"]
