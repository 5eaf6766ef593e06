"""What may be connected to: public addresses only, in whatever spelling, unless the operator's file says so."""

import ipaddress

import pytest

from smart_ai_router.adapters.notifiers.addresses import (
    AddressRefused,
    addresses_of,
    is_loopback,
    is_public,
    look_up,
)
from smart_ai_router.adapters.notifiers.posting import DeliveryFailed, HttpPoster
from tests.adapters.alert_receivers import HttpSink, http_sink

NOT_PUBLIC = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.100.100.200",  # a cloud's metadata service
    "169.254.0.1",
    "169.254.169.254",  # most clouds' metadata service
    "168.63.129.16",  # a cloud's host agent, on a public address
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2001::1",
    "2002:7f00:1::",
    "2001:2::1",
    "2001:db8::1",
    "3fff::1",
    "100::1",
    "5f00::1",
    "4000::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "168.63.129.17"]
PUBLIC_6 = ["2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2400:3200::1"]

# Thirty-six ways to write this machine or its neighbourhood in a URL.
SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.000.000.001",
    "127.255.255.254",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "0177.1",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7f.1",
    "0X7F.0X1",
    "0x7f.0.1",
    "127.0x0.0.1",
    "0",
    "0.0.0.0",
    "0x0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[0000::0001]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "[fd00:ec2::254]",
    "10.1",
    "192.168.257",
    "１２７.０.０.１",
]


def test_there_are_thirty_six_spellings() -> None:
    assert len(set(SPELLINGS)) == 36


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_s8_private_and_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC + PUBLIC_6)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.fixture(scope="module")
def canary() -> "HttpSink":
    with http_sink() as sink:
        yield sink  # type: ignore[misc]


@pytest.mark.parametrize("host", SPELLINGS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_s8_no_spelling_of_a_private_address_is_connected_to(canary: HttpSink, host: str, scheme: str) -> None:
    connections = canary.connections
    with pytest.raises((AddressRefused, OSError)):
        HttpPoster().post(canary.url(host=host, scheme=scheme), b"{}", {})
    assert canary.connections == connections


def test_the_canary_would_have_noticed(canary: HttpSink) -> None:
    for host in ("127.1", "2130706433", "0x7f.1"):
        assert HttpPoster(allow_private=True).post(canary.url(host=host), b"{}", {}).status == 200
    assert canary.connections >= 3


def test_s8_a_name_that_leads_inside_is_refused_whatever_else_it_leads_to() -> None:
    with pytest.raises(AddressRefused, match=r"hooks\.example leads to 10\.0\.0\.5, which is not a public address"):
        addresses_of("hooks.example", 443, allow_private=False, lookup=lambda host, port: ["1.1.1.1", "10.0.0.5"])


def test_s8_a_name_that_changes_between_check_and_connection_gains_nothing(canary: HttpSink) -> None:
    # given a name server that answers first with an address where nobody listens, and then with the canary's
    answers = [["127.0.0.7"], ["127.0.0.1"]]
    asked = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    # when
    connections = canary.connections
    with pytest.raises(DeliveryFailed, match="ConnectError"):
        HttpPoster(allow_private=True, lookup=rebinding).post(canary.url(host="rebind.test"), b"", {})

    # then the name was asked once, and only that answer was tried
    assert asked == ["rebind.test"]
    assert canary.connections == connections


def test_private_addresses_are_fine_for_the_operator() -> None:
    assert addresses_of("127.0.0.1", 80, allow_private=True) == ["127.0.0.1"]
    assert addresses_of("x", 80, allow_private=True, lookup=lambda h, p: [f"10.0.0.{i}" for i in range(9)]) == [
        "10.0.0.0",
        "10.0.0.1",
        "10.0.0.2",
        "10.0.0.3",
    ]


def test_a_name_without_an_address_is_an_error() -> None:
    with pytest.raises(OSError, match="nothing has no address"):
        addresses_of("nothing", 80, allow_private=True, lookup=lambda host, port: [])


def test_numbers_in_all_spellings_resolve_to_what_they_mean() -> None:
    assert look_up("127.1", 80) == ["127.0.0.1"]
    assert look_up("0x7f000001", 80) == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("address", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("::ffff:127.0.0.1", True), ("126.255.255.255", False)],
)
def test_loopback_is_this_machine(address: str, loopback: bool) -> None:
    assert is_loopback(address) is loopback
    assert ipaddress.ip_address(address) is not None
