"""The testing upstream that the routers of a module share."""

from collections.abc import Iterator

import pytest

from smart_ai_router.testing.upstream import UpstreamServer, UpstreamThread


@pytest.fixture(scope="module")
def upstream() -> Iterator[UpstreamServer]:
    with UpstreamThread() as server:
        yield server
