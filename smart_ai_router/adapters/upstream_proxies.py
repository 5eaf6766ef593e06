"""Which proxy stands between us and an upstream: the environment, read once into a value."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Proxy:
    """One CONNECT proxy."""

    host: str
    port: int
    authorization: str | None = None  # the value of Proxy-Authorization

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"  # never with credentials


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """The proxies of the environment: by scheme, and whom to reach without one."""

    by_scheme: tuple[tuple[str, str], ...] = ()
    bypass: tuple[str, ...] = ()  # hosts, .domains, host:port, or "*"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ProxySettings":
        """Read HTTP_PROXY, HTTPS_PROXY and NO_PROXY, lower case before upper case, as curl does.

        `HTTP_PROXY` in upper case is ignored inside a CGI request (`REQUEST_METHOD` is set), where a caller's
        `Proxy:` header could have made it (CVE-2016-5385).
        """
        found = []
        for scheme in ("http", "https"):
            url = environment.get(f"{scheme}_proxy")
            if url is None and not (scheme == "http" and "REQUEST_METHOD" in environment):
                url = environment.get(f"{scheme.upper()}_PROXY")
            if url:
                found.append((scheme, url))
        bypass = environment.get("no_proxy", environment.get("NO_PROXY", ""))
        return cls(tuple(found), tuple(entry.strip().lower() for entry in bypass.split(",") if entry.strip()))

    def proxy_for(self, scheme: str, host: str, port: int) -> str | None:
        """The proxy URL for one endpoint; None means straight.

        This machine is never reached through a proxy: a proxy's loopback is another machine's.
        """
        for proxied_scheme, url in self.by_scheme:
            if proxied_scheme == scheme:
                return None if self._bypasses(host.lower(), port) else url
        return None

    def _bypasses(self, host: str, port: int) -> bool:
        if host == "localhost" or host.endswith(".localhost") or _is_loopback(host):
            return True
        for entry in self.bypass:
            if entry == "*":
                return True
            name, _, entry_port = entry.rpartition(":")
            if entry.count(":") == 1 and entry_port.isdigit():
                if int(entry_port) != port:
                    continue
            else:
                name = entry
            name = name.strip("[]").removeprefix("*").lstrip(".")
            if name and (host == name or host.endswith(f".{name}")):
                return True
        return False


def parse_proxy(url: str) -> Proxy:
    """Take a proxy URL apart. Raises ValueError for anything but `http://[user:password@]host:port`."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"a proxy must be http://host:port, and this one begins with {parts.scheme}://")
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    return Proxy(parts.hostname, parts.port or 80, authorization)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
