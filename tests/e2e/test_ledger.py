"""Money under concurrency, through the real router: nobody overspends, nothing is lost, everything adds up."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from smart_ai_router.testing.upstream import UpstreamServer, UpstreamThread
from tests.e2e.fault_calls import Load
from tests.e2e.fault_harness import Router, configuration, until
from tests.e2e.money_harness import Office, calls_at_once, money_configuration
from tests.e2e.test_faults_crash import MODELS, check_everything, kill_again_and_again

CALLERS = 1000
PAID_FOR = 100


@pytest.fixture(scope="module")
def upstream() -> Iterator[UpstreamServer]:
    with UpstreamThread() as server:
        yield server


@pytest.fixture
def router(upstream: UpstreamServer, tmp_path: Path) -> Iterator[Router]:
    upstream.served.reset()
    upstream.set_mode("normal")
    made = Router(tmp_path, money_configuration(upstream.base_url))
    yield made
    made.close()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("workers", [1, 2])
def test_n_10_a_quota_that_pays_for_so_many_calls_serves_exactly_so_many(router: Router, workers: int) -> None:
    router.options = ("--workers", str(workers))
    office = Office(router.start())
    key = office.new_key("ann")
    office.grant("ann", "money", "1.00")

    answers = asyncio.run(calls_at_once(router.port, key, CALLERS))

    assert Counter(answer.status for answer in answers) == {200: PAID_FOR, 402: CALLERS - PAID_FOR}
    quota = office.quota("ann")
    assert quota["moneyUsed"] == Decimal("1.00")
    assert quota["moneyAvailable"] == 0
    assert router.stop() == 0
    router.verify()


@pytest.mark.timeout(150)
@pytest.mark.parametrize(("workers", "kills"), [(1, 12), (2, 8)])
def test_kills_under_load_bill_each_call_once_and_leak_no_hold(
    upstream: UpstreamServer, tmp_path: Path, workers: int, kills: int
) -> None:
    router = paid_router(upstream, tmp_path)
    router.options = ("--workers", str(workers))
    try:
        office = Office(router.start())
        office.post("/api/admin/users", id="alice", name="Alice")
        office.grant("alice", "money", "10")
        office.grant("alice", "text_token", "100000000")
        office.recharge("10", "up1")
        load = kill_again_and_again(router, upstream, kills)
        check_money(office, router, load)
        check_everything(router, upstream, load)
    finally:
        router.close()


def paid_router(upstream: UpstreamServer, folder: Path) -> Router:
    """The crash tests' router; alice is the user behind the key of its file."""
    upstream.served.reset()
    upstream.set_mode("normal")
    config = configuration(upstream.base_url, more="routing: {error_cooldown_period: 0.05}\n")
    config = config.replace("models: [m1,", f"models: [{', '.join(repr(model) for model in MODELS)},")
    config = config.replace("      m1: {", "      'm1*': {")  # limited money pays for no model without a price
    config = config.replace("system: {", "system: {currency: CNY, ")
    return Router(folder, config.replace("USD", "CNY"))


def check_money(office: Office, router: Router, load: Load) -> None:
    """Nothing stays lent, and each side adds up to what the journal says."""
    router.kill("all")
    router.start()  # the last life of every worker is over: what it borrowed comes back
    router.wait_ready()
    until(lambda: office.pool("up1")["lentAmount"] == 0, 20, "every slice is back")
    records = router.journal().records
    assert load.acknowledged
    taken: dict[tuple[str, str], int] = {}
    for record in records:
        postings = record["postings"]
        assert isinstance(postings, list)
        for kind, owner, unit, _, amount, _ in postings:
            taken[kind, unit] = taken.get((kind, unit), 0) + amount
            assert owner in ("alice", "up1")
    pool, quota = office.pool("up1"), office.quota("alice")
    assert pool["totalUsed"] == Decimal(taken["pool", "CNY"]).scaleb(-12)
    assert pool["availableBalance"] == 10 - pool["totalUsed"]
    assert quota["moneyUsed"] == Decimal(taken["user", "CNY"]).scaleb(-12)
    assert quota["textTokenUsed"] == taken["user", "text_token"]
    cost = sum(Decimal(str(record["total_cost"])) for record in records)
    assert pool["totalUsed"] == cost
