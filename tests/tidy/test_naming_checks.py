"""The naming checks find what they should, and nothing else."""

from tests.tidy.naming_checks import closed_room, empty_names, folders_without_init, untested_modules
from tests.tidy.python_source import Source

BOTH = ["smart_ai_router/core/utils/channel_monitor.py", "smart_ai_router/core/utils/usage_tracker.py"]
ROOM = ["smart_ai_router/core/utils/__init__.py", *BOTH]


def test_a_file_or_folder_with_an_empty_name_is_found() -> None:
    assert empty_names(Source("smart_ai_router/core/json_helpers.py", "")) == [
        "smart_ai_router/core/json_helpers.py: 'helpers' in a name says nothing"
    ]
    assert empty_names(Source("smart_ai_router/common/money.py", "")) == [
        "smart_ai_router/common/money.py: 'common' in a name says nothing"
    ]


def test_a_class_with_an_empty_name_is_found() -> None:
    text = "class QuotaManager:\n    pass\nclass NewSnapshot:\n    pass\n"

    assert empty_names(Source("smart_ai_router/core/x.py", text)) == [
        "smart_ai_router/core/x.py:1: 'manager' in QuotaManager says nothing"
    ]


def test_words_that_only_contain_an_empty_name_pass() -> None:
    assert empty_names(Source("smart_ai_router/core/database_renewal.py", "")) == []


def test_the_guides_folder_keeps_its_name() -> None:
    assert empty_names(Source("smart_ai_router/core/utils/usage_tracker.py", "")) == []
    assert empty_names(Source("tests/core/utils/test_usage_tracker.py", "")) == []


def test_the_closed_room_holds_its_two_files_and_nothing_else() -> None:
    assert closed_room(ROOM) == []
    assert closed_room([*ROOM, "smart_ai_router/core/utils/dates.py"]) == [
        "smart_ai_router/core/utils/dates.py: the guide's two files and nothing else"
    ]
    assert closed_room(ROOM[:-1]) == ["smart_ai_router/core/utils/usage_tracker.py: missing"]


def test_a_folder_of_a_package_needs_its_init_file() -> None:
    paths = ["smart_ai_router/__init__.py", "smart_ai_router/a/b.py", "scripts/run.py", "tests/x/data.json"]

    assert folders_without_init(paths) == ["smart_ai_router/a/__init__.py: missing"]


def test_a_module_of_the_domain_needs_a_test_file_of_its_name() -> None:
    module = Source("smart_ai_router/domain/tags.py", "def split(): ...\n")

    assert untested_modules([module], ["tests/core/test_tags.py", "tests/domain/test_tag.py"]) == [
        "smart_ai_router/domain/tags.py: no tests/domain/test_tags.py"
    ]
    assert untested_modules([module], ["tests/domain/test_tags.py"]) == []
    assert untested_modules([module], ["tests/domain/test_tags_of_names.py"]) == []


def test_folders_inside_a_room_are_mirrored() -> None:
    module = Source("smart_ai_router/core/statistics/daily.py", "def day(): ...\n")

    assert untested_modules([module], ["tests/core/test_daily.py"]) == [
        "smart_ai_router/core/statistics/daily.py: no tests/core/statistics/test_daily.py"
    ]
    assert untested_modules([module], ["tests/core/statistics/test_daily.py"]) == []


def test_a_module_of_values_and_protocols_has_nothing_to_test() -> None:
    text = (
        "from typing import Protocol\nclass Clock(Protocol):\n    def now(self) -> float: ...\nclass A:\n    x: int\n"
    )

    assert untested_modules([Source("smart_ai_router/core/ports.py", text)], []) == []


def test_modules_of_other_rooms_are_not_mirrored() -> None:
    assert untested_modules([Source("smart_ai_router/adapters/clock.py", "def now(): ...\n")], []) == []
