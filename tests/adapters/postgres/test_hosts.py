"""The name under which a host posts."""

import stat
from pathlib import Path

import pytest

from smart_ai_router.adapters.postgres.hosts import host_id
from smart_ai_router.core.store import StoreFailure


def test_a_host_keeps_its_name(tmp_path: Path) -> None:
    first = host_id(tmp_path / "data")

    assert host_id(tmp_path / "data") == first
    assert stat.S_IMODE((tmp_path / "data" / "host_id").stat().st_mode) == 0o600


def test_two_data_directories_are_two_hosts(tmp_path: Path) -> None:
    assert host_id(tmp_path / "one") != host_id(tmp_path / "other")


@pytest.mark.parametrize("content", ["", "Ünder", "a" * 41, "two words", "-dash"])
def test_a_file_that_holds_no_name_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "host_id").write_text(content, encoding="utf-8")

    with pytest.raises(StoreFailure, match="holds no host id"):
        host_id(tmp_path)
