"""Upstream addresses as they will be used."""

import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from smart_ai_router.config.address_kinds import is_loopback, is_private
from smart_ai_router.config.catalogue import OPENAI_COMPATIBLE

_VERSION: Final = re.compile(r"/v[0-9]+(alpha|beta)?[0-9]*(/|$)")
_ENDPOINT: Final = re.compile(r"/(chat/completions|completions|embeddings|models|responses)$")


class Address(NamedTuple):
    """A base address, and what was changed of what was written ("" when nothing was)."""

    base_url: str
    change: str


def base_address(url: str) -> Address:
    """What endpoint paths are appended to: without an endpoint, with a version.

    The reference project's files give https://api.openai.com where the endpoint is below /v1; addresses that name a
    version anywhere (/api/paas/v4, /v1beta/openai) stay as they are.
    """
    address = _ENDPOINT.sub("", url.rstrip("/"))
    if not _VERSION.search(urlsplit(address).path):
        address += "/v1"
    return Address(address, "" if address == url.rstrip("/") else f"{url} is used as {address}")


def host_of(url: str) -> str:
    """The host in small letters; "" when there is none."""
    return (urlsplit(url).hostname or "").lower()


def openai_compatible(url: str) -> str | None:
    """Where a provider with a dialect of its own answers the OpenAI dialect."""
    return OPENAI_COMPATIBLE.get(host_of(url))


def is_local_address(url: str) -> bool:
    """True for this machine and private networks."""
    return is_private(host_of(url))


def sends_key_unencrypted(url: str) -> bool:
    """True when a key would cross a network in the clear."""
    return url.startswith("http://") and not is_loopback(host_of(url))
