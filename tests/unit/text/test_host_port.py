"""host:port is read and written in one way."""

import pytest

from probe.text.host_port import join_host_port, split_host_port


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("a.example:4317", "a.example", "4317"),
        ("a.example", "a.example", ""),
        ("[::1]:4317", "::1", "4317"),
        ("[::1]", "::1", ""),
        ("::1", "::1", ""),
        (":4317", "", "4317"),
        ("a:b", "a", "b"),
        ("[::1]4317", "[::1]4317", ""),
        ("[::1", "[::1", ""),
        ("", "", ""),
    ],
)
def test_host_and_port_are_split(text: str, host: str, port: str) -> None:
    """An address without brackets has no port; nothing is judged."""
    assert split_host_port(text) == (host, port)


def test_where_a_port_must_be_the_last_colon_begins_it() -> None:
    """As people write an address to listen on."""
    assert split_host_port(":::9943", has_port=True) == ("::", "9943")
    assert split_host_port("9943", has_port=True) == ("9943", "")


@pytest.mark.parametrize("host", ["a.example", "192.0.2.1", "2001:db8::1"])
def test_what_is_joined_is_split_again(host: str) -> None:
    """An IPv6 address gets brackets, and loses them."""
    assert split_host_port(join_host_port(host, 4317)) == (host, "4317")
