"""Turns the calls of dead workers into their one record each, before this worker serves."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from smart_ai_router.adapters.inflight import InflightFile, InflightTableBusy
from smart_ai_router.adapters.journal import JournalWriter, journal_name
from smart_ai_router.core.calls import Caller
from smart_ai_router.core.intents import Intent, decode_intents, interrupted_record
from smart_ai_router.core.snapshot import Snapshot
from smart_ai_router.core.tariffs import Tariffs
from smart_ai_router.core.usage_record import UsageLineInvalid, decode_usage_record, encode_usage_record
from smart_ai_router.domain.pricing import PriceCatalog, PriceSheet

NOBODY: Final = Caller("", None)  # is charged: a call that the router cut short is its provider's alone
MEMBER: Final = b'"request_id":"'  # as the encoder writes it, before any text that a client chose

_logger = logging.getLogger(__name__)


def inflight_path(data_dir: Path, worker: int) -> Path:
    return data_dir / "inflight" / f"worker-{worker}.bin"


def dead_tables(data_dir: Path, workers: int) -> list[InflightFile]:
    """The tables of workers that no longer exist because fewer are configured now."""
    found = []
    for path in sorted((data_dir / "inflight").glob("worker-*.bin")):
        number = path.stem.removeprefix("worker-")
        if number.isdigit() and int(number) >= workers:
            try:
                found.append(InflightFile(path))
            except InflightTableBusy:
                continue
    return found


async def recover(table: InflightFile, journal: JournalWriter, logs_dir: Path, snapshot: Snapshot, now: float) -> int:
    """Book every call that a dead owner left open and that has no line; returns how many there were."""
    left_open = table.open_intents()
    if not left_open:
        return 0
    intents, unreadable = decode_intents(intent for _, intent in left_open)
    if unreadable:
        _logger.error("%d calls in flight at a crash cannot be read; their providers may still bill them", unreadable)
    missing = _without_line(intents, logs_dir, now)
    catalog = PriceCatalog(snapshot.prices)
    tariffs = Tariffs(snapshot, datetime.fromtimestamp(now, UTC).date(), now)
    written = [asyncio.get_running_loop().create_future() for _ in missing]
    for intent, done in zip(missing, written, strict=True):
        tariff = tariffs.terms(NOBODY, intent.provider, _sheet(catalog, intent)).tariff
        line = encode_usage_record(interrupted_record(intent, tariff, now))
        journal.append(line, now, lambda done=done: done.set_result(None))  # type: ignore[misc]
    await asyncio.gather(*written)
    for slot, _ in left_open:
        table.close(slot)
    return len(missing)


def _sheet(catalog: PriceCatalog, intent: Intent) -> PriceSheet | None:
    return catalog.sheet(
        intent.channel_id,
        intent.provider,
        intent.provider_region,
        intent.upstream_model,
        intent.model,
        intent.started_at,
    )


def _without_line(intents: list[Intent], logs_dir: Path, now: float) -> list[Intent]:
    """Those whose record stands in no journal file from the place noted in the intent on."""
    wanted = {intent.request_id.encode(): intent for intent in intents}
    for day, offset in _places(intents, now):
        path = logs_dir / journal_name(day)
        if wanted and path.exists():
            for found in _recorded(path, offset, wanted):
                wanted.pop(found, None)
    return list(wanted.values())


def _places(intents: Iterable[Intent], now: float) -> list[tuple[str, int]]:
    """Days to search, each with the first byte that can matter."""
    starts: dict[str, int] = {}
    today = datetime.fromtimestamp(now, UTC)
    for intent in intents:
        moment = datetime.fromtimestamp(intent.started_at, UTC)
        first = moment.strftime("%Y%m%d")
        offset = intent.journal_offset if intent.journal_day == first else 0
        starts[first] = min(starts.get(first, offset), offset)
        while (moment := moment + timedelta(days=1)) <= today + timedelta(days=1):
            starts[moment.strftime("%Y%m%d")] = 0
    return sorted(starts.items())


def _recorded(path: Path, offset: int, wanted: Mapping[bytes, Intent]) -> set[bytes]:
    """Which of the request ids have a record in a file. A torn line is none, and an id in another text says nothing."""
    found: set[bytes] = set()
    with path.open("rb") as file:
        if offset <= path.stat().st_size:  # else the file was cut short: the record may stand anywhere
            file.seek(offset)
        for line in file:
            start = line.find(MEMBER) + len(MEMBER)
            request_id = line[start : line.find(b'"', start)]
            if request_id in wanted and _is_whole(line):
                found.add(request_id)
    return found


def _is_whole(line: bytes) -> bool:
    try:
        decode_usage_record(line)
    except UsageLineInvalid:
        return False
    return True
