"""Where a request comes from: what a proxy says is believed of a proxy that is trusted, and of nobody else."""

import pytest

from smart_ai_router.api.client_place import HERE, ClientPlace, place_of

TRUSTED = ("10.0.0.0/8", "2001:db8::5")


def place(peer: str, forwarded: str | None = None, scheme: str | None = None) -> ClientPlace:
    headers = {"x-router-client-ip": peer}
    if forwarded is not None:
        headers["x-router-forwarded-for"] = forwarded
    if scheme is not None:
        headers["x-forwarded-proto"] = scheme
    return place_of(headers, TRUSTED)


def test_a_request_over_the_private_socket_itself_is_local() -> None:
    assert place_of({"x-forwarded-proto": "https", "x-router-forwarded-for": "6.6.6.6"}, TRUSTED) == ClientPlace(HERE)


@pytest.mark.parametrize("peer", ["203.0.113.9", "11.0.0.1", "2001:db8::6", "nonsense", ""])
def test_a_stranger_speaks_for_nobody_but_itself(peer: str) -> None:
    assert place(peer, "6.6.6.6", "https") == ClientPlace(peer, False)


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "10.0.0.0", "10.255.255.255", "2001:db8::5"])
def test_a_trusted_proxy_names_the_client_and_its_scheme(peer: str) -> None:
    assert place(peer, "203.0.113.9", "https") == ClientPlace("203.0.113.9", True)
    assert place(peer, "203.0.113.9", "http") == ClientPlace("203.0.113.9", False)
    assert place(peer) == ClientPlace(peer, False)


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("6.6.6.6, 203.0.113.9", "203.0.113.9"),  # what the client itself wrote stands further left
        ("203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("6.6.6.6,203.0.113.9,10.1.2.3,127.0.0.1", "203.0.113.9"),
        ("10.1.2.3", "10.1.2.3"),
        ("6.6.6.6, nonsense", "10.0.0.1"),
        ("", "10.0.0.1"),
        ("::ffff:6.6.6.6", "::ffff:6.6.6.6"),
        (",".join(["6.6.6.6", *["10.0.0.2"] * 50]), "10.0.0.2"),  # longer than any chain of proxies
    ],
)
def test_the_client_is_the_last_hop_that_no_trusted_proxy_is(forwarded: str, address: str) -> None:
    assert place("10.0.0.1", forwarded).address == address


@pytest.mark.parametrize(("scheme", "secure"), [("https", True), ("HTTPS", True), ("https, http", False), ("", False)])
def test_the_nearest_proxy_says_the_scheme(scheme: str, secure: bool) -> None:
    assert place("127.0.0.1", None, scheme).is_secure is secure


def test_without_settings_only_this_machine_is_trusted() -> None:
    headers = {"x-router-client-ip": "10.0.0.1", "x-forwarded-proto": "https"}

    assert place_of(headers) == ClientPlace("10.0.0.1", False)
