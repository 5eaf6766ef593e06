"""What holds for every test of the house."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres_server import WITHOUT, PostgresServer, ServerUnavailable, running_server

# a busy machine, or the first draw of a fresh clone, says nothing about what is tested
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL, started for the first test that asks for it; whoever stops it starts it again."""
    if os.environ.get(WITHOUT):
        pytest.skip(f"{WITHOUT} is set: nothing is tested on PostgreSQL")
    try:
        with running_server() as server:
            yield server
    except ServerUnavailable as reason:
        pytest.fail(f"PostgreSQL cannot run here, and {WITHOUT} is not set: {reason}", pytrace=False)
