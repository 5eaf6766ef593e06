"""Which addresses an alert may be sent to.

A target from the operator's file may lie anywhere. A target that arrived by API must be public, or it could be used to
reach what only this machine can reach. The check is made when connecting, on the resolved address, and the connection
goes to exactly that address: however the name is written, and whatever it resolves to a moment later.
"""

import ipaddress
import socket
from collections.abc import Callable
from typing import Final, TypeAlias

Lookup: TypeAlias = Callable[[str, int], list[str]]

ADDRESSES_TRIED_MAX: Final = 4  # a name with more is a load balancer; one of four answers or none does

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")  # all that has been given out; RFC 4291
# Public on paper, or to Python 3.11's tables, but they reach into a network: protocol assignments with a cloud's
# metadata service, the 6to4 relay and tunnels to any IPv4 address, documentation, a cloud's host agent.
_REFUSED: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "2001::/23", "2002::/16", "3fff::/20")
)


class AddressRefused(Exception):
    """A target that may not be connected to."""


def look_up(host: str, port: int) -> list[str]:
    """All addresses of a name, or of a number in any of its spellings. Raises OSError when there is none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def addresses_of(host: str, port: int, *, allow_private: bool, lookup: Lookup = look_up) -> list[str]:
    """The addresses to connect to, in order; raises AddressRefused if any of them is private and that is not allowed.

    One private address among public ones refuses them all: which one answers is not ours to hope for.
    """
    addresses = lookup(host, port)
    if not addresses:
        raise OSError(f"{host} has no address")
    if not allow_private:
        for address in addresses:
            if not is_public(address):
                raise AddressRefused(
                    f"{host} leads to {address}, which is not a public address; only a target in the configuration"
                    " file may be private"
                )
    return addresses[:ADDRESSES_TRIED_MAX]


def is_public(text: str) -> bool:
    """True for an address that anyone on the internet could reach."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or (ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None)
        if inner is not None:
            return is_public(str(inner))
        if address not in _GLOBAL_UNICAST:
            return False
    if any(address in network for network in _REFUSED if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast


def is_loopback(text: str) -> bool:
    """True for an address of this machine."""
    address = ipaddress.ip_address(text.partition("%")[0])
    inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (inner or address).is_loopback
