"""How often somebody may fail to log in: by name and address together, by address, and by name.

Each is a bucket that fills by one with every attempt and leaks at a steady rate; a full one refuses. The pair is
narrow, so that guessing from one place ends soon. The address bounds whoever tries many names, the name whoever tries
from many addresses; the last one is wide, because filling it keeps its owner out too. A success empties the pair and
takes its own drop back from the others.

An attempt is counted before the password is looked at, so that many at once are no way around. Memory is bounded: of
too many buckets those go that were used least recently. Times are monotonic seconds.
"""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from typing import Final

PAIR_MAX: Final = 10
ADDRESS_MAX: Final = 50
NAME_MAX: Final = 100
LEAK_S: Final = 900.0  # a full bucket is empty after this
BUCKETS_MAX: Final = 10_000  # about 2 MB
NAME_CHARACTERS_MAX: Final = 128
IPV6_HOST_BITS: Final = 64  # one customer has at least a /64; addresses within it are one place

_Key = tuple[str, str]


class LoginThrottle:
    """The buckets. Not safe for threads."""

    def __init__(self, buckets_max: int = BUCKETS_MAX) -> None:
        self._buckets: OrderedDict[_Key, tuple[float, float]] = OrderedDict()  # level, at
        self._buckets_max = buckets_max

    def attempt(self, name: str | None, address: str, now: float) -> float | None:
        """Count an attempt; or how many seconds it has to wait, and then it is not counted. A key has no name."""
        limits = _limits(name, address)
        levels = {key: self._level(key, most, now) for key, most in limits.items()}
        waits = [(levels[key] + 1 - most) * LEAK_S / most for key, most in limits.items()]
        longest = max(waits)
        if longest > 0:
            return longest
        for key, level in levels.items():
            self._put(key, level + 1, now)
        return None

    def succeeded(self, name: str | None, address: str, now: float) -> None:
        """The attempt that was counted last had the right password."""
        for key, most in _limits(name, address).items():
            is_pair = key[0] != "" and key[1] != ""
            self._put(key, 0.0 if is_pair else max(0.0, self._level(key, most, now) - 1), now)

    def __len__(self) -> int:
        return len(self._buckets)

    def _level(self, key: _Key, most: int, now: float) -> float:
        level, at = self._buckets.get(key, (0.0, now))
        return max(0.0, level - (now - at) * most / LEAK_S)

    def _put(self, key: _Key, level: float, now: float) -> None:
        if level <= 0:
            self._buckets.pop(key, None)
            return
        self._buckets[key] = (level, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._buckets_max:
            self._buckets.popitem(last=False)


def place_of(address: str) -> str:
    """Where an address is, for counting: itself, or the network that one customer has."""
    try:
        found = ip_address(address)
    except ValueError:
        return address[:64]
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Address(int(found) >> IPV6_HOST_BITS << IPV6_HOST_BITS))


def _limits(name: str | None, address: str) -> dict[_Key, int]:
    place = place_of(address)
    if name is None:
        return {("", place): ADDRESS_MAX}
    kept = f"={name[:NAME_CHARACTERS_MAX]}"  # never empty
    return {(kept, place): PAIR_MAX, ("", place): ADDRESS_MAX, (kept, ""): NAME_MAX}
