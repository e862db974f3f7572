"""The web side listens on the addresses of its name that this machine has."""

import socket

import pytest

from probe.web.server.listener import try_to_listen


async def test_an_address_that_this_machine_lacks_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`localhost` has ::1 in a container without IPv6; a name without any address here is an error."""
    here, elsewhere = (
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))
        for address in ("127.0.0.1", "192.0.2.1")
    )
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [elsewhere, here])
    await try_to_listen("localhost", 0)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [elsewhere])
    with pytest.raises(OSError, match="assign requested address"):
        await try_to_listen("localhost", 0)
