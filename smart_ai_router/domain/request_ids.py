"""Call ids: a 63-bit number that sorts by time, and its text.

    sid        = ms since 2025-01-01 UTC (41 bits, until 2094) | node (10 bits) | counter (12 bits)
    request id = "req_" + 13 characters of the sid + 5 check characters, base32 in Crockford's lower-case alphabet

The alphabet rises with the code points, so request ids sort as their sids do. The check characters are random: they
make an id that nobody can guess from a neighbour's. Ids of other make (`req_abc123`, UUIDs) are legal everywhere; they
just carry no sid.
"""

from typing import Final

EPOCH_MS: Final = 1_735_689_600_000  # 2025-01-01T00:00:00Z
NODE_MAX: Final = 1023
COUNTER_MAX: Final = 4095
SID_MAX: Final = 2**63 - 1
MS_MAX: Final = 2**41 - 1
CHECK_BITS: Final = 25

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = tuple(high + low for high in _ALPHABET for low in _ALPHABET)  # 10 bits a step: half the steps
_VALUES: Final = {character: value for value, character in enumerate(_ALPHABET)}
_PREFIX: Final = "req_"
_SID_END: Final = 17
_LENGTH: Final = 22


def encode_request_id(sid: int, check: str) -> str:
    """The text of a sid (0..2^63-1) with its five check characters."""
    pairs = _PAIRS
    return (
        f"req_{_ALPHABET[sid >> 60]}{pairs[sid >> 50 & 1023]}{pairs[sid >> 40 & 1023]}{pairs[sid >> 30 & 1023]}"
        f"{pairs[sid >> 20 & 1023]}{pairs[sid >> 10 & 1023]}{pairs[sid & 1023]}{check}"
    )


def check_text(random_bits: int) -> str:
    """Five check characters from 25 random bits; higher bits are ignored."""
    pairs = _PAIRS
    return f"{pairs[random_bits >> 15 & 1023]}{pairs[random_bits >> 5 & 1023]}{_ALPHABET[random_bits & 31]}"


def sid_of(request_id: str) -> int | None:
    """The sid in a request id of ours; None for any other id."""
    if len(request_id) != _LENGTH or not request_id.startswith(_PREFIX):
        return None
    values = [_VALUES.get(character, -1) for character in request_id[len(_PREFIX) :]]
    if -1 in values:
        return None
    sid = 0
    for value in values[: _SID_END - len(_PREFIX)]:
        sid = sid << 5 | value
    return sid if sid <= SID_MAX else None


def unix_ms_of(sid: int) -> int:
    """When the sid was made, in milliseconds since 1970 UTC."""
    return (sid >> 22) + EPOCH_MS


class SidSequence:
    """Makes the sids of one node: each greater than the one before, whatever the clock does.

    When the clock stands or steps back, the counter goes on within the last millisecond; when the counter is full,
    the sequence borrows the next millisecond. `last` is the greatest sid known to be in use (from the journal, after
    a restart); the first new sid is greater.
    """

    __slots__ = ("_counter", "_ms", "_node_bits")

    def __init__(self, node: int, last: int = -1) -> None:
        if not 0 <= node <= NODE_MAX:
            raise ValueError(f"node {node} is not within 0..{NODE_MAX}")
        if last > SID_MAX:
            raise ValueError(f"{last} is no sid: it does not fit 63 bits")
        self._node_bits = node << 12
        self._ms = max(last, -1) >> 22
        self._counter = COUNTER_MAX  # whatever node made `last`: the next millisecond is greater

    def next(self, now_ms: int) -> int:
        """The next sid. `now_ms` is milliseconds since 1970 UTC."""
        ms = now_ms - EPOCH_MS
        if ms > self._ms:
            self._counter = 0
        elif self._counter < COUNTER_MAX:
            self._counter += 1
            ms = self._ms
        else:
            self._counter = 0
            ms = self._ms + 1
        if ms > MS_MAX:
            raise OverflowError(f"the clock says {now_ms} ms since 1970; sids end in 2094")
        self._ms = ms
        return ms << 22 | self._node_bits | self._counter
