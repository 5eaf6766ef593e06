"""Where a request comes from: its address, and whether it came over TLS.

The gateway says which address is connected to it. A proxy speaks for others: what it says of the client's address and
scheme is believed when the proxy runs on this machine or is named in `server.trusted_proxies`, and from nobody else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final

HERE: Final = "local"  # a request over the private socket itself, from the command line
PEER: Final = "x-router-client-ip"
FORWARDED_FOR: Final = "x-router-forwarded-for"  # what the client sent as X-Forwarded-For, passed on by the gateway
FORWARDED_PROTO: Final = "x-forwarded-proto"
HOPS_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class ClientPlace:
    """Where somebody is."""

    address: str = HERE
    is_secure: bool = False


def place_of(headers: Mapping[str, str], trusted_proxies: tuple[str, ...] = ()) -> ClientPlace:
    """The place that these headers of a request amount to."""
    peer = headers.get(PEER)
    if peer is None:
        return ClientPlace()
    if not _is_trusted(peer, trusted_proxies):
        return ClientPlace(peer)
    address = peer
    for hop in reversed(headers.get(FORWARDED_FOR, "").split(",")[-HOPS_MAX:]):
        candidate = hop.strip()
        if not _is_address(candidate):
            break
        address = candidate
        if not _is_trusted(candidate, trusted_proxies):
            break
    schemes = headers.get(FORWARDED_PROTO, "").split(",")
    return ClientPlace(address, schemes[-1].strip().lower() == "https")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_trusted(text: str, trusted_proxies: tuple[str, ...]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return address.is_loopback or any(address in ip_network(each, strict=False) for each in trusted_proxies)
