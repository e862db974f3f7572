"""The faults of the laboratory of messages: which backend, which files, and the true cause."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

TLS10: Final = 0x0301
TLS11: Final = 0x0302
TLS12: Final = 0x0303
TLS13: Final = 0x0304
ECDHE_RSA_AES_128: Final = 0xC02F
"""A cipher suite that a backend with an EC certificate cannot use."""


@dataclass(frozen=True)
class Backend:
    """What listens: the kind, its certificate, and what it negotiates."""

    kind: str = "https"
    certificate: str = "server"
    min: int = TLS12
    max: int = TLS13
    alpn: tuple[str, ...] = ()
    ciphers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Fault:
    """One fault: its backend, the client's files by name ("" for none), and the truth."""

    name: str
    cause: str
    also: tuple[str, ...] = ()
    backend: Backend = field(default_factory=Backend)
    cert: str = "client.crt"
    key: str = "client.key"
    ca: str = "ca.pem"
    host: str = "localhost"
    own_files: bool = False
    """Whether it is a fault of the client's own files, of which the backend sees nothing."""


_ONLY: Final = {"12": TLS12, "13": TLS13}
_CLIENTS: Final = (
    ("no_cert", "", "client_cert_not_sent", ()),
    ("expired", "expired", "client_cert_expired", ()),
    ("nyv", "nyv", "client_cert_not_yet_valid", ("clock_skew",)),
    ("rogue", "rogue", "client_ca_untrusted", ("client_cert_not_sent",)),
    ("inc", "inc", "client_chain_incomplete", ("client_ca_untrusted", "client_cert_not_sent")),
    ("eku", "eku", "client_cert_wrong_usage", ()),
    ("selfc", "selfc", "client_ca_untrusted", ("client_cert_not_sent",)),
)
"""Faults of the client's certificate, each against a backend of TLS 1.2 and one of TLS 1.3."""

_SERVERS: Final = (
    ("self", "server_ca_untrusted", ()),
    ("sexp", "server_cert_expired", ()),
    ("snyv", "server_cert_not_yet_valid", ("clock_skew",)),
    ("seku", "server_cert_wrong_usage", ()),
    ("srogue", "server_ca_untrusted", ()),
    ("sinc", "server_chain_incomplete", ("server_ca_untrusted",)),
    ("name", "server_name_mismatch", ()),
    ("cn_only", "server_name_mismatch", ()),
)
"""Faults of the backend's certificate."""

_KINDS: Final = (
    ("plain", "not_tls", ("tls_off",)),
    ("plain_h2", "not_tls", ("tls_off",)),
    ("closed", "connection_closed", ("connection_reset",)),
    ("closed_hello", "connection_closed", ()),
    ("reset", "connection_reset", ("connection_closed",)),
    ("silent", "tls_timeout", ()),
)
"""What does not speak TLS at all."""

_FILES: Final = (
    ("enc", "client_key_encrypted", "client.crt", "enc.key"),
    ("enc_old", "client_key_encrypted", "client.crt", "enc_old.key"),
    ("junkcert", "client_file_malformed", "junk.crt", "client.key"),
    ("junkcert_text", "client_file_malformed", "text.crt", "client.key"),
    ("junkcert_empty", "client_file_malformed", "empty.crt", "client.key"),
    ("junkcert_cut", "client_file_malformed", "cut.crt", "client.key"),
    ("junkkey", "client_file_malformed", "client.crt", "junk.key"),
    ("junkkey_text", "client_file_malformed", "client.crt", "text.key"),
    ("junkkey_empty", "client_file_malformed", "client.crt", "empty.key"),
    ("junkkey_cut", "client_file_malformed", "client.crt", "cut.key"),
    ("mism", "client_cert_key_mismatch", "client.crt", "mism.key"),
    ("missing", "client_file_missing", "nofile.crt", "nofile.key"),
    ("missing_cert", "client_file_missing", "nofile.crt", "client.key"),
    ("missing_key", "client_file_missing", "client.crt", "nofile.key"),
    ("unreadable", "client_file_permission", "client.crt", "unreadable.key"),
    ("unreadable_cert", "client_file_permission", "unreadable.crt", "client.key"),
)
"""Faults of the client's files, each against a sound backend."""

_AUTHORITIES: Final = (
    ("junkca", "server_ca_file_malformed", "junk.crt"),
    ("junkca_text", "server_ca_file_malformed", "text.crt"),
    ("junkca_empty", "server_ca_file_malformed", "empty.crt"),
    ("missing_ca", "server_ca_file_missing", "nofile.pem"),
    ("unreadable_ca", "server_ca_file_permission", "unreadable.crt"),
)

UNREADABLE: Final = frozenset({"unreadable", "unreadable_cert", "unreadable_ca"})
"""Only a user that is not root sees these: a recorder runs the client as one."""


def every_fault() -> Iterator[Fault]:
    """Return the faults of the grid, and `ok`, which is none."""
    yield Fault("ok", "")
    for name, files, cause, also in _CLIENTS:
        for suffix, version in _ONLY.items():
            backend = Backend(min=version, max=version)
            cert, key = (f"{files}.crt", f"{files}.key") if files else ("", "")
            yield Fault(f"{name}{suffix}", cause, also, backend, cert, key)
    for name, cause, also in _SERVERS:
        yield Fault(name, cause, also, Backend(certificate=name))
    for name, cause, also in _KINDS:
        yield Fault(name, cause, also, Backend(name))
    for name, cause, cert, key in _FILES:
        yield Fault(name, cause, cert=cert, key=key, own_files=True)
    for name, cause, ca in _AUTHORITIES:
        yield Fault(name, cause, ca=ca, own_files=True)
    yield from _negotiation()
    yield Fault("refused", "tcp_refused", backend=Backend("refused"))
    yield Fault("dns", "dns_failure", host="nohost.invalid", backend=Backend("refused"))


def _negotiation() -> Iterator[Fault]:
    old = Backend(min=TLS10, max=TLS11)
    yield Fault("tls11", "protocol_version_mismatch", backend=old)
    cipher = Backend(max=TLS12, ciphers=(ECDHE_RSA_AES_128,))
    yield Fault("cipher", "no_shared_cipher", backend=cipher)
    # A gRPC client offers h2 alone; a client of HTTP/1.1 gets along with this one.
    yield Fault("alpn", "alpn_mismatch", ("otlp_protocol_mismatch",), Backend(alpn=("http/1.1",)))
    yield Fault("alpn_other", "alpn_mismatch", backend=Backend(alpn=("spdy/3",)))
