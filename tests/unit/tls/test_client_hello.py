"""A ClientHello is read whole or refused, whatever a client sends, and nothing of it is shown raw."""

import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from probe.text.safe_text import safe_text
from probe.tls.client_hello import ClientHello, CutShortError, read_client_hello
from probe.tls.suite_numbers import SUITE_NAMES, name_cipher_suite
from tests.support.required_tools import missing


def make_hello(name: bytes = b"backend.example", alpn: tuple[bytes, ...] = (b"h2",)) -> bytes:
    """Return the first bytes of OpenSSL's client."""
    connection = SSL.Connection(SSL.Context(SSL.TLS_METHOD), None)
    connection.set_connect_state()
    connection.set_tlsext_host_name(name)
    connection.set_alpn_protos(list(alpn))
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    return connection.bio_read(65536)


HELLO = make_hello()


def test_what_openssl_sends_is_read() -> None:
    """Name, application protocols, versions and the bytes that it takes."""
    hello = read_client_hello(HELLO)
    assert hello.server_name == "backend.example"
    assert hello.alpn == ("h2",)
    assert (hello.offer.min_version, hello.offer.max_version) == ("1.2", "1.3")
    assert hello.size == len(HELLO)
    assert hello.offer.ciphers[0] == "TLS_AES_256_GCM_SHA384"


@given(st.integers(min_value=0, max_value=len(HELLO) - 1))
def test_a_beginning_is_waited_for(end: int) -> None:
    """Of a ClientHello that has not come whole nothing is said yet."""
    with pytest.raises(CutShortError):
        read_client_hello(HELLO[:end])


@given(st.lists(st.integers(min_value=1, max_value=400), min_size=1, max_size=6))
def test_records_are_joined(sizes: list[int]) -> None:
    """A ClientHello in several records is the same; what follows it does not matter."""
    message, wire = HELLO[5:], b""
    for size in [*sizes, len(message)]:
        if part := message[:size]:
            wire += b"\x16\x03\x01" + len(part).to_bytes(2) + part
        message = message[size:]
    whole = read_client_hello(HELLO)
    joined = read_client_hello(wire + b"\x17\x03\x03")
    assert (joined.offer, joined.server_name) == (whole.offer, whole.server_name)


@given(st.binary(max_size=600))
def test_any_bytes_are_a_hello_or_are_refused(data: bytes) -> None:
    """The reader raises nothing but ValueError, whatever a client sends."""
    for wire in (data, b"\x16\x03\x01" + len(data).to_bytes(2) + data):
        try:
            assert isinstance(read_client_hello(wire), ClientHello)
        except ValueError:
            pass


@given(st.integers(min_value=0, max_value=len(HELLO) - 1), st.binary(min_size=1, max_size=4))
def test_a_hello_with_wrong_bytes_is_read_or_refused(at: int, data: bytes) -> None:
    """Lengths that lie are refused, and text from the wire is printable."""
    try:
        hello = read_client_hello(HELLO[:at] + data + HELLO[at + len(data) :])
    except ValueError:
        return
    for text in (hello.server_name, *hello.alpn):
        assert text == safe_text(text)


def test_text_of_the_wire_is_escaped() -> None:
    """An escape sequence in the name or in a protocol never reaches a terminal."""
    hello = read_client_hello(make_hello(b"a\x1b[31m", (b"h2\x07",)))
    assert hello.server_name == r"a\x1b[31m"
    assert hello.alpn == (r"h2\x07",)


@pytest.mark.parametrize(
    "wire",
    [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x00\x00", b"\x16\x03\x01\x00\x01\x02", b"\x15\x03\x01"],
)
def test_what_is_no_hello_is_not_waited_for(wire: bytes) -> None:
    """The first byte that is wrong decides."""
    with pytest.raises(ValueError, match=r"not a|without content") as refused:
        read_client_hello(wire)
    assert not isinstance(refused.value, CutShortError)


def test_signals_and_grease_are_no_suites() -> None:
    """RFC 5746, RFC 7507 and RFC 8701; an unknown number stays a number."""
    assert [name_cipher_suite(one) for one in (0x00FF, 0x5600, 0x0A0A, 0x1301, 0xFEFE)] == [
        "", "", "", "TLS_AES_128_GCM_SHA256", "0xFEFE",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_names_are_openssls() -> None:
    """The table has every suite that OpenSSL lists, by the same name."""
    openssl = shutil.which("openssl")
    if openssl is None:
        missing("the openssl command is not installed")
    listed = subprocess.run(
        [openssl, "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    found = re.findall(r"0x([0-9A-F]{2}),0x([0-9A-F]{2}) - (\S+)", listed)
    assert found
    for high, low, name in found:
        assert SUITE_NAMES[int(high + low, 16)] == name
