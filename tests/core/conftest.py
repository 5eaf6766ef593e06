"""What several tests of this room share."""

import pytest

from tests.core.ledger_samples import Money


@pytest.fixture
def money() -> Money:
    """The verbs about money over a store in memory, in UTC."""
    return Money()
