"""What single steps of a call cost in our own code, in a tight loop: the least of many turns."""

import timeit
from collections.abc import Callable, Iterator
from typing import Final

from benchmarks.gateway_process import make_snapshot
from benchmarks.payloads import COMPLETION, KEY, MODEL, PATH, chat_body, compact
from benchmarks.results import Figure, Goal, Side
from benchmarks.statistic import Spread
from smart_ai_router.api.openai import ENDPOINTS, read_call
from smart_ai_router.core.admission import Keyring
from smart_ai_router.core.usage_record import decode_usage_record, encode_usage_record
from smart_ai_router.domain.meters import Meter, Usage, UsageSource
from smart_ai_router.domain.pricing import PriceCatalog, PriceSheet, price_usage
from smart_ai_router.providers.openai_replies import JsonReader

TURNS: Final = 7
CALLS_A_TURN: Final = 2000
SECTION: Final = "Steps of a call, in a tight loop"
LINE: Final = (
    b'{"timestamp":"2026-11-22T08:00:00.000000Z","request_id":"req_06y66az0m00039hqaz","session_id":null,'
    b'"model":"gpt-4o-mini","channel_id":"ch_1","channel_name":"Channel 1","provider":"openai","input_tokens":150,'
    b'"output_tokens":300,"total_tokens":450,"input_cost":0.0000225,"output_cost":0.00018,"total_cost":0.0002025,'
    b'"cost_currency":"USD","request_type":"chat","status":"success","error_message":null,"response_time_ms":512,'
    b'"user_agent":"openai-python","client_ip":"10.0.0.7","tags":["gpt","4o","mini","chat"],"lines":[{"meter":'
    b'"input_token","quantity":150,"price_version":"book/gpt-4o-mini/input_token","amount":0.0000225},{"meter":'
    b'"output_token","quantity":300,"price_version":"book/gpt-4o-mini/output_token","amount":0.00018}]}'
)


def measure() -> Iterator[Figure]:
    """One figure a step."""
    body, reply = chat_body(), compact(COMPLETION)
    endpoint = ENDPOINTS[PATH]
    snapshot = make_snapshot(9, (), priced=True)
    keyring = Keyring(snapshot)
    headers = {"host": "router", "authorization": f"Bearer {KEY}", "content-type": "application/json"}
    sheet = _sheet(PriceCatalog(snapshot.prices))
    plain = Usage(((Meter.INPUT, 150), (Meter.OUTPUT, 300)), UsageSource.PROVIDER)
    cached = Usage(((Meter.INPUT, 50), (Meter.CACHED_INPUT, 100), (Meter.OUTPUT, 300)), UsageSource.PROVIDER)
    call = read_call(endpoint, headers, body, None)
    record = decode_usage_record(LINE)

    def read_reply() -> None:
        reader = JsonReader(call)
        reader.feed(reply)
        reader.end()

    steps: dict[str, Callable[[], object]] = {
        "check the key": lambda: keyring.identify(headers, "10.0.0.7", 1.0),
        "read a request of 1 KB": lambda: read_call(endpoint, headers, body, None),
        "read a reply of 1.5 KB": read_reply,
        "price a call": lambda: price_usage(sheet, plain),
        "price a call with cached input": lambda: price_usage(sheet, cached),
        "encode a journal line": lambda: encode_usage_record(record),
        "decode a journal line": lambda: decode_usage_record(LINE),
    }
    for name, step in steps.items():
        goal = Goal(Side.VALUE, 15.0) if name.startswith("price") else None
        yield Figure(SECTION, name, "us", _cost(step), None, goal)


def _sheet(catalog: PriceCatalog) -> PriceSheet:
    sheet = catalog.sheet("ch_0", "openai", None, MODEL, MODEL, 1.0)
    assert sheet is not None
    return sheet


def _cost(step: Callable[[], object]) -> Spread:
    least = min(timeit.repeat(step, number=CALLS_A_TURN, repeat=TURNS)) / CALLS_A_TURN * 1e6
    return Spread(least, least, least)
