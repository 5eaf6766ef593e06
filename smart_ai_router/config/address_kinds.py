"""Kinds of addresses, and what is known of a host by looking at it."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from smart_ai_router.config.kinds import text_of
from smart_ai_router.config.problems import ValueRefused, shorten
from smart_ai_router.config.tree import Tree

_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_PORT_MAX: Final = 65_535


@dataclass(frozen=True, slots=True)
class Url:
    """An http or https address without user, query and fragment."""

    words: str = "address"
    secret: bool = False
    composite: bool = False

    def read(self, tree: Tree) -> str:
        return read_url(text_of(tree, "an address"))


@dataclass(frozen=True, slots=True)
class Network:
    """An address, or a network such as 10.0.0.0/8."""

    words: str = "address or network"
    secret: bool = False
    composite: bool = False

    def read(self, tree: Tree) -> str:
        text = text_of(tree, "an address or a network")
        try:
            return str(ipaddress.ip_network(text, strict=False))
        except ValueError:
            raise ValueRefused("is not an address or a network such as 10.0.0.5 or 10.0.0.0/8") from None


@dataclass(frozen=True, slots=True)
class Webhook:
    """An http or https address that may carry a token in its path or query; never shown."""

    words: str = "secret address"
    secret: bool = True
    composite: bool = False

    def read(self, tree: Tree) -> str:
        return read_url(text_of(tree, "an address"), query=True)


@dataclass(frozen=True, slots=True)
class ProxyUrl:
    """`http://host:port` of a CONNECT proxy; it may carry user and password."""

    words: str = "proxy address"
    secret: bool = True
    composite: bool = False

    def read(self, tree: Tree) -> str:
        text = text_of(tree, "an address")
        try:
            parts = urlsplit(text)
            is_proxy = parts.scheme == "http" and bool(parts.hostname) and parts.port is not None
        except ValueError:
            is_proxy = False
        if not is_proxy or parts.path.strip("/") or any(not "!" <= character <= "~" for character in text):
            raise ValueRefused("is not a proxy such as http://proxy.example.com:3128")
        return text


def read_url(text: str, query: bool = False) -> str:
    """An address as it will be used: no trailing slash. Raises ValueRefused saying what is wrong with it."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueRefused("is not an address such as https://api.example.com/v1") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueRefused("is not an address such as https://api.example.com/v1")
    if any(not "!" <= character <= "~" for character in text):
        raise ValueRefused("holds a space or a character outside ASCII")
    if parts.username is not None or parts.password is not None:
        raise ValueRefused("carries a user or password; give the key as api_key")
    if (parts.query and not query) or parts.fragment:
        raise ValueRefused("carries a query or a fragment; give the plain address")
    if not _HOST.fullmatch(parts.hostname) and not _is_address(parts.hostname):
        raise ValueRefused(f"has an unreadable host {shorten(parts.hostname)}")
    if port is not None and not 0 < port <= _PORT_MAX:
        raise ValueRefused(f"has the port {port}")
    return text.rstrip("/") if not parts.query else text


def is_loopback(host: str) -> bool:
    """True when only this machine can reach the host."""
    if host.lower() in ("localhost", "ip6-localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_private(host: str) -> bool:
    """True for addresses of this machine or of a private network."""
    if is_loopback(host):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
