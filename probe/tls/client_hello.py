"""Reads a ClientHello off the wire (RFC 8446 §4.1.2): what a client offers, by IANA's names. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from probe.model.client_offer import ClientOffer
from probe.text.safe_text import safe_text
from probe.tls.suite_numbers import is_grease, name_cipher_suite

_HANDSHAKE: Final = 22
_CLIENT_HELLO: Final = 1
_VERSIONS: Final = {0x0301: "1.0", 0x0302: "1.1", 0x0303: "1.2", 0x0304: "1.3"}
GROUPS: Final = {
    0x0017: "secp256r1", 0x0018: "secp384r1", 0x0019: "secp521r1", 0x001A: "brainpoolP256r1",
    0x001B: "brainpoolP384r1", 0x001C: "brainpoolP512r1", 0x001D: "x25519", 0x001E: "x448",
    0x001F: "brainpoolP256r1tls13", 0x0020: "brainpoolP384r1tls13", 0x0021: "brainpoolP512r1tls13",
    0x0100: "ffdhe2048", 0x0101: "ffdhe3072", 0x0102: "ffdhe4096", 0x0103: "ffdhe6144",
    0x0104: "ffdhe8192", 0x11EB: "SecP256r1MLKEM768", 0x11EC: "X25519MLKEM768",
    0x11ED: "SecP384r1MLKEM1024", 0x0200: "MLKEM512", 0x0201: "MLKEM768", 0x0202: "MLKEM1024",
    0x0016: "secp256k1", 0x6399: "X25519Kyber768Draft00",
}  # fmt: skip
"""IANA, TLS Supported Groups."""
SCHEMES: Final = {
    0x0201: "rsa_pkcs1_sha1", 0x0202: "dsa_sha1", 0x0203: "ecdsa_sha1", 0x0301: "rsa_pkcs1_sha224",
    0x0302: "dsa_sha224", 0x0303: "ecdsa_sha224", 0x0401: "rsa_pkcs1_sha256",
    0x0402: "dsa_sha256", 0x0403: "ecdsa_secp256r1_sha256", 0x0501: "rsa_pkcs1_sha384",
    0x0502: "dsa_sha384", 0x0503: "ecdsa_secp384r1_sha384", 0x0601: "rsa_pkcs1_sha512",
    0x0602: "dsa_sha512", 0x0603: "ecdsa_secp521r1_sha512", 0x0804: "rsa_pss_rsae_sha256",
    0x0805: "rsa_pss_rsae_sha384", 0x0806: "rsa_pss_rsae_sha512", 0x0807: "ed25519",
    0x0808: "ed448", 0x0809: "rsa_pss_pss_sha256", 0x080A: "rsa_pss_pss_sha384",
    0x080B: "rsa_pss_pss_sha512", 0x081A: "ecdsa_brainpoolP256r1tls13_sha256",
    0x081B: "ecdsa_brainpoolP384r1tls13_sha384", 0x081C: "ecdsa_brainpoolP512r1tls13_sha512",
    0x0904: "mldsa44", 0x0905: "mldsa65", 0x0906: "mldsa87",
}  # fmt: skip
"""IANA, TLS SignatureScheme, with the older pairs of RFC 5246 §7.4.1.4.1."""
MAX_HELLO: Final = 65_536
"""Bytes that are read in search of a whole ClientHello; the largest of a real exporter is 2 kB."""
_MAX_NAMES: Final = 32


class CutShortError(ValueError):
    """What has come may be the beginning of a ClientHello, and is not a whole one."""


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What a client offered, its application protocols, and how long the message was."""

    offer: ClientOffer
    alpn: tuple[str, ...]
    size: int
    """Bytes of the record, its header included."""
    server_name: str = ""
    """As it was sent (RFC 6066 §3); empty for none. It has passed `safe_text`, as `alpn` has."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise ValueError("a ClientHello that is cut short")
        self._at += size
        return taken

    def vector(self, length: int) -> "_Reader":
        return _Reader(self.take(self.number(length)))

    def numbers(self) -> Iterator[int]:
        while self.more:
            yield self.number(2)

    @property
    def more(self) -> bool:
        return self._at < len(self._data)


def read_client_hello(data: bytes) -> ClientHello:
    """Read the records that a client began with.

    Raises:
        CutShortError: where more bytes are needed.
        ValueError: where they are not a ClientHello.
    """
    message, size = _join_records(data)
    hello = _Reader(message[4:])
    legacy = hello.number(2)
    hello.take(32)
    hello.vector(1)
    suites = tuple(map(name_cipher_suite, hello.vector(2).numbers()))
    hello.vector(1)
    extensions = _read_extensions(hello.vector(2)) if hello.more else {}
    versions = [_VERSIONS[each] for each in _list(extensions, 43, 1) if each in _VERSIONS]
    highest = max(versions, default=_VERSIONS.get(legacy, ""))
    return ClientHello(
        offer=ClientOffer(
            min_version=min(versions, default="1.0"),
            max_version=highest,
            ciphers=tuple(filter(None, suites)),
            groups=tuple(
                filter(None, (_name_value(each, GROUPS) for each in _list(extensions, 10, 2)))
            ),
            key_shares=tuple(filter(None, _read_key_shares(extensions))),
            signature_schemes=tuple(
                filter(None, (_name_value(each, SCHEMES) for each in _list(extensions, 13, 2)))
            ),
        ),
        alpn=tuple(_read_alpn(extensions)),
        size=size,
        server_name=_read_server_name(extensions),
    )


def _join_records(data: bytes) -> tuple[bytes, int]:
    """Return the first handshake message, and the bytes of the records that hold it."""
    message, at = b"", 0
    while len(message) < 4 or len(message) < 4 + int.from_bytes(message[1:4]):
        head = data[at : at + 5]
        # What is wrong is wrong from its first byte on: nobody waits for the rest of it.
        if head[:1] not in {b"", bytes((_HANDSHAKE,))} or head[1:2] not in {b"", b"\x03"}:
            raise ValueError("not a handshake record")
        if len(head) < 5:
            raise CutShortError("a record that is cut short")
        length = int.from_bytes(head[3:])
        if not length:
            raise ValueError("a handshake record without content")
        message += data[at + 5 : at + 5 + length]
        if message[:1] not in {b"", bytes((_CLIENT_HELLO,))} or message[1:2] not in {b"", b"\x00"}:
            raise ValueError("not a ClientHello")
        at += 5 + length
        if at > len(data):
            raise CutShortError("a record that is cut short")
    return message[: 4 + int.from_bytes(message[1:4])], at


def _read_extensions(reader: _Reader) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while reader.more:
        kind = reader.number(2)
        found[kind] = reader.take(reader.number(2))
    return found


def _list(extensions: dict[int, bytes], kind: int, length: int) -> Iterator[int]:
    if kind in extensions:
        yield from _Reader(extensions[kind]).vector(length).numbers()


def _read_key_shares(extensions: dict[int, bytes]) -> Iterator[str]:
    if 51 in extensions:
        shares = _Reader(extensions[51]).vector(2)
        while shares.more:
            yield _name_value(shares.number(2), GROUPS)
            shares.vector(2)


def _read_alpn(extensions: dict[int, bytes]) -> Iterator[str]:
    if 16 in extensions:
        names = _Reader(extensions[16]).vector(2)
        for _ in range(_MAX_NAMES):
            if not names.more:
                return
            yield safe_text(names.take(names.number(1)))


def _read_server_name(extensions: dict[int, bytes]) -> str:
    if not extensions.get(0):
        return ""
    names = _Reader(extensions[0]).vector(2)
    names.take(1)
    return safe_text(names.take(names.number(2)))


def _name_value(number: int, names: Mapping[int, str]) -> str:
    """Return the name of a value; empty for GREASE (RFC 8701)."""
    return "" if is_grease(number) else names.get(number, f"0x{number:04X}")
