"""The number under which a record stands in the books.

A record of ours is kept under the sid in its request id, so that looking a call up is one probe. Ids of other make
(`req_abc123`, UUIDs), and ids whose sid lies days away from the record's own time, get a number made of their
timestamp and their text; the store keeps their text beside it. The two never meet: such numbers carry the last node
number, and an id of ours with that node is treated as one of other make.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

from smart_ai_router.domain.request_ids import CHECK_BITS, EPOCH_MS, NODE_MAX, check_text, encode_request_id

FOREIGN_NODE: Final = NODE_MAX
LAG_MAX_MS: Final = 7 * 86_400_000  # an id may be made so long before its record ends, and so long after by a bad clock
REQUEST_ID_LENGTH_MAX: Final = 200

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_BASE32: Final = "0123456789abcdefghijklmnopqrstuv"
_TO_BASE32: Final = bytes(
    ord(_BASE32[_ALPHABET.index(chr(code))]) if chr(code) in _ALPHABET else ord("!") for code in range(256)
)
_CHECK_MASK: Final = (1 << CHECK_BITS) - 1
_SIDS_END: Final = 1 << 63


def own_key(request_id: str, at_ms: int) -> tuple[int, int] | None:
    """The sid and the check bits of an id of ours; None when the record needs a number of its own."""
    key = split_request_id(request_id)
    if key is None or abs(at_ms - EPOCH_MS - (key[0] >> 22)) > LAG_MAX_MS:
        return None
    return key


def split_request_id(request_id: str) -> tuple[int, int] | None:
    """The sid and the check bits in an id of our make."""
    if len(request_id) != 22 or not request_id.startswith("req_"):
        return None
    try:
        number = int(request_id[4:].encode().translate(_TO_BASE32), 32)
    except ValueError:
        return None
    sid = number >> CHECK_BITS
    if sid >= _SIDS_END or (sid >> 12) & NODE_MAX == FOREIGN_NODE:
        return None
    return sid, number & _CHECK_MASK


def own_request_id(sid: int, check: int) -> str:
    """The text that `own_key` read."""
    return encode_request_id(sid, check_text(check))


def foreign_sids(request_id: str, at_ms: int) -> Iterator[int]:
    """The numbers a record of other make may have, the preferred one first.

    Records that are stamped in whole seconds are spread over their second, so that a file of them does not crowd
    into one millisecond.
    """
    chance = int.from_bytes(blake2b(request_id.encode(), digest_size=8).digest(), "big")
    spread = chance % 1000 if at_ms % 1000 == 0 else 0
    place = (at_ms - EPOCH_MS + spread) << 12 | (chance >> 32) & 0xFFF
    while True:
        yield (place >> 12) << 22 | FOREIGN_NODE << 12 | place & 0xFFF
        place += 1


def sid_at(at_ms: int) -> int:
    """The smallest number of a millisecond."""
    return (at_ms - EPOCH_MS) << 22


def sid_ms(sid: int) -> int:
    """The millisecond that a number was made for."""
    return (sid >> 22) + EPOCH_MS
