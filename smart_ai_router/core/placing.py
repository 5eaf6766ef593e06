"""Giving each new record its number, and telling the ones that are in the books already.

A line that is met twice (a restored file, a batch written again after a failed fsync) changes nothing. Two different
lines under one request id cannot both be right: the first one stands, the second is reported. Two records whose ids
differ but carry one sid (two hosts with one node number) are both kept, the later one as if its id were of other make.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from smart_ai_router.core.posting import Posting
from smart_ai_router.core.record_keys import foreign_sids


class Placed(NamedTuple):
    """A new record and its number."""

    posting: Posting
    sid: int
    check_bits: int | None  # None: the id is of other make, and its text is kept


class Placement(NamedTuple):
    """What of a batch is new."""

    placed: list[Placed]
    repeated: list[Posting]  # in the books already, unchanged
    conflicts: list[Posting]  # another record stands under their id


class KeptRecords(Protocol):
    """What the books hold before the batch."""

    def check_bits_of(self, sid: int) -> int | None:
        """The check bits under a number; None when nothing stands there, -1 for a record with an id of other make."""

    def foreign_sid_of(self, request_id: str) -> int | None:
        """The number of a record with an id of other make."""

    def is_same(self, sid: int, posting: Posting) -> bool:
        """Whether the record under a number says what this one says."""


def place(postings: Iterable[Posting], kept: KeptRecords) -> Placement:
    """Look each record up, in the books and among those before it in the batch."""
    placed: dict[int, Placed] = {}
    foreign: dict[str, int] = {}
    repeated: list[Posting] = []
    conflicts: list[Posting] = []

    def check_bits_of(sid: int) -> int | None:
        if sid in placed:
            bits = placed[sid].check_bits
            return -1 if bits is None else bits
        return kept.check_bits_of(sid)

    def find(posting: Posting) -> int | None:
        if posting.key is not None and check_bits_of(posting.key[0]) == posting.key[1]:
            return posting.key[0]
        request_id = posting.record.request_id
        return foreign[request_id] if request_id in foreign else kept.foreign_sid_of(request_id)

    for posting in postings:
        sid = find(posting)
        if sid is not None:
            same = _says_the_same(placed[sid].posting, posting) if sid in placed else kept.is_same(sid, posting)
            (repeated if same else conflicts).append(posting)
        elif posting.key is not None and check_bits_of(posting.key[0]) is None:
            placed[posting.key[0]] = Placed(posting, *posting.key)
        else:
            request_id = posting.record.request_id
            free = next(sid for sid in foreign_sids(request_id, posting.at_ms) if check_bits_of(sid) is None)
            placed[free] = Placed(posting, free, None)
            foreign[request_id] = free
    return Placement(list(placed.values()), repeated, conflicts)


def _says_the_same(one: Posting, other: Posting) -> bool:
    return one.record == other.record
