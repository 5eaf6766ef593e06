"""One HTTP POST to a notifier's receiver: to a checked address, no redirects, with caps on size and time."""

import asyncio
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import httpx2

from smart_ai_router.adapters.notifiers.addresses import AddressRefused, Lookup, addresses_of, look_up

POST_TIMEOUT_S: Final = 10.0  # for the whole exchange; a receiver that needs longer for a short note is not well
REPLY_BYTES_MAX: Final = 64 * 1024  # an acknowledgement is some words; the rest is not read
_ERROR_TEXT_MAX: Final = 200


class DeliveryFailed(Exception):
    """The receiver did not take the alert."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said; the body is cut at 64 KiB."""

    status: int
    body: bytes

    def require_success(self) -> None:
        """Raise DeliveryFailed unless the status is 2xx."""
        if 300 <= self.status < 400:
            raise DeliveryFailed(f"the receiver answered {self.status}; redirects are not followed")
        if not 200 <= self.status < 300:
            raise DeliveryFailed(f"the receiver answered {self.status}: {self.excerpt}")

    @property
    def excerpt(self) -> str:
        """The start of the body, for an error message."""
        return self.body[:_ERROR_TEXT_MAX].decode(errors="replace")


class HttpPoster:
    """Sends one body at a time; keeps no connection, because alerts are rare."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        timeout_s: float = POST_TIMEOUT_S,
        tls: ssl.SSLContext | None = None,
        lookup: Lookup = look_up,
    ) -> None:
        """`allow_private` is for targets from the operator's file; `tls` replaces the system's trust."""
        self._allow_private = allow_private
        self._timeout_s = timeout_s
        self._tls = tls
        self._lookup = lookup

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send and read the answer, whatever its status. Raises AddressRefused, DeliveryFailed, OSError.

        Safe to call from any thread, also from one that runs an event loop.
        """
        target = checked_url(url)
        addresses = addresses_of(target.host, _port_of(target), allow_private=self._allow_private, lookup=self._lookup)
        with ThreadPoolExecutor(1) as own_thread:
            return own_thread.submit(asyncio.run, self._post(target, addresses, body, headers)).result()

    async def _post(self, target: httpx2.URL, addresses: list[str], body: bytes, headers: Mapping[str, str]) -> Answer:
        try:
            async with asyncio.timeout(self._timeout_s), self._client(target.scheme) as client:
                for address in addresses[:-1]:
                    try:
                        return await _exchange(client, target, address, body, headers)
                    except httpx2.ConnectError:
                        continue  # the next address of the same name
                return await _exchange(client, target, addresses[-1], body, headers)
        except TimeoutError:
            raise DeliveryFailed(f"the receiver did not answer within {self._timeout_s:g} s") from None
        except httpx2.HTTPError as error:
            raise DeliveryFailed(f"{type(error).__name__}: {error}") from error

    def _client(self, scheme: str) -> httpx2.AsyncClient:
        if self._tls is None and scheme == "https":
            self._tls = httpx2.create_ssl_context()  # 45 ms of CPU: once, and only where it is needed
        # No proxy from the environment: it would connect on our behalf to what was never checked.
        return httpx2.AsyncClient(
            verify=self._tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # the latter trusts nobody and is not used
            trust_env=False,
            follow_redirects=False,
            timeout=self._timeout_s,
        )


def checked_url(url: str) -> httpx2.URL:
    """The parsed URL of a receiver; raises AddressRefused unless it is plain http or https with a host."""
    try:
        target = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise AddressRefused(f"a receiver's address is not a URL: {error}") from error
    if target.scheme not in ("http", "https") or not target.host:
        raise AddressRefused(f"a receiver's address begins with http:// or https:// and a host, not {target.scheme!r}")
    if target.port is not None and not 0 < target.port < 65_536:
        raise AddressRefused(f"a receiver's address has a port between 1 and 65535, not {target.port}")
    if target.userinfo:
        raise AddressRefused("a receiver's address must not hold a user name or password")
    return target


def _port_of(target: httpx2.URL) -> int:
    return target.port or (443 if target.scheme == "https" else 80)


async def _exchange(
    client: httpx2.AsyncClient, target: httpx2.URL, address: str, body: bytes, headers: Mapping[str, str]
) -> Answer:
    request = client.build_request(
        "POST",
        target.copy_with(host=address),
        content=body,
        headers={
            "content-type": "application/json; charset=utf-8",
            "user-agent": "smart-ai-router",
            "accept-encoding": "identity",  # the size cap counts what comes over the wire
            **headers,
            "host": target.netloc.decode("ascii"),
        },
        extensions={"sni_hostname": target.raw_host.decode("ascii")},
    )
    received = bytearray()
    response = await client.send(request, stream=True)
    try:
        async for chunk in response.aiter_raw():
            received += chunk
            if len(received) > REPLY_BYTES_MAX:
                break
    finally:
        await response.aclose()
    return Answer(response.status_code, bytes(received[:REPLY_BYTES_MAX]))
