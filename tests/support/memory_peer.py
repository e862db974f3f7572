"""A TLS server in memory and the settings of its clients, for the tests of the handshake's room."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from OpenSSL.crypto import X509, PKey, X509StoreFlags

from probe.attempt.path_judge import PathJudge
from probe.attempt.variant import UNVARIED, Variant
from probe.credentials.tls_context import Credentials, Material
from probe.model.certificate import CredentialFacts
from probe.model.evidence import Offer
from probe.model.target import TlsSettings
from probe.tls.bindings import ReadBuffer
from probe.tls.client import TlsClient
from probe.tls.events import ApplicationData
from probe.tls.settings import ClientSettings, encode_server_name
from probe.x509.parse import parse_name, read_der
from tests.support.loopback_client import CLIENT_CA, SERVER, SERVER_CA
from tests.support.offers import collector_offer
from tests.support.pki import Authority, Issued

Version = Literal["1.2", "1.3"]
VERSIONS: tuple[Version, ...] = ("1.2", "1.3")
NUMBERS = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}
CLIENT = CLIENT_CA.issue("exporter")


class Speaker(Protocol):
    """Anything that has bytes for the wire."""

    def take_output(self) -> bytes:
        """Return them."""


class MemoryServer:
    """One connection of a TLS server; what it reads is in `plain`."""

    def __init__(self, context: SSL.Context) -> None:
        """Wait for a ClientHello."""
        self.connection = SSL.Connection(context, None)
        self.connection.set_accept_state()
        self.complete = False
        self.failed = False
        self.plain = b""

    def receive(self, data: bytes) -> bytes:
        """Take bytes of the wire; return the bytes that answer them."""
        self.connection.bio_write(data)
        try:
            if not self.complete:
                self.connection.do_handshake()
                self.complete = True
            while True:
                self.plain += self.connection.recv(65536)
        except SSL.WantReadError:
            pass
        except SSL.Error:
            self.failed = True
        return self.take_output()

    def say(self, data: bytes) -> bytes:
        """Return `data`, encrypted."""
        self.connection.sendall(data)
        return self.take_output()

    def close(self) -> bytes:
        """Return a close_notify."""
        self.connection.shutdown()
        return self.take_output()

    def take_output(self) -> bytes:
        """Return what is to go on the wire."""
        output = b""
        with suppress(SSL.WantReadError):
            while True:
                output += self.connection.bio_read(65536)
        return output


def server_context(
    version: Version = "1.3",
    *,
    server: Issued = SERVER,
    chain: Sequence[x509.Certificate] = (),
    client_ca: Authority | None = CLIENT_CA,
    named: Sequence[Authority] = (CLIENT_CA,),
    alpn: bytes | None = b"h2",
    serves: Callable[[SSL.Context], object] = bool,
) -> SSL.Context:
    """Return a server of one TLS version that demands a certificate of `client_ca`.

    `named` is whom its CertificateRequest names; `serves` may set up more.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(NUMBERS[version])
    context.set_max_proto_version(NUMBERS[version])
    context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.use_certificate(server.certificate)
    context.use_privatekey(server.key)
    for each in chain:
        context.add_extra_chain_cert(each)
    if client_ca is not None:
        store = context.get_cert_store()
        assert store is not None
        store.add_cert(X509.from_cryptography(client_ca.certificate))
        store.set_flags(X509StoreFlags.PARTIAL_CHAIN)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
        for authority in named:
            context.add_client_ca(authority.certificate)
    if alpn is not None:
        context.set_alpn_select_callback(lambda _connection, _offered: alpn)
    serves(context)
    return context


def settings_of(
    client: Issued | None = CLIENT,
    *,
    anchors: Sequence[Authority] = (SERVER_CA,),
    reference: str = "localhost",
    alpn: tuple[bytes, ...] = (b"h2", b"http/1.1"),
    skip_verify: bool = False,
    tls: TlsSettings | None = None,
    variant: Variant = UNVARIED,
) -> ClientSettings:
    """Return the settings of a client, its context built as a target's is."""
    material = Material(
        chain=(client.certificate.public_bytes(Encoding.DER),) if client else (),
        key=PKey.from_cryptography_key(client.key) if client else None,
        anchors=tuple(one.certificate.public_bytes(Encoding.DER) for one in anchors),
    )
    credentials = Credentials(material, CredentialFacts())
    judge, held = PathJudge(read_der), credentials.find_anchors()
    return ClientSettings(
        context=credentials.context(
            collector_offer(variant, tls), client_certificate=variant.client_certificate
        ),
        reference_identifier=reference,
        alpn=alpn,
        offer=Offer(server_name=reference),
        sends_certificate=client is not None,
        skip_verify=skip_verify,
        judge_server=lambda sent: (
            judge.judge("collector", sent, held, reference, time.time()).judgement
        ),
        read_certificate=read_der,
        read_name=parse_name,
        buffer=ReadBuffer(),
        server_name=encode_server_name(reference),
    )


def receive(client: TlsClient, data: bytes) -> bytes:
    """Let `client` take bytes of the wire; return the application data that it has then."""
    client.receive(data)
    plain = b""
    while event := client.next_event():
        plain += event.data if isinstance(event, ApplicationData) else b""
    return plain


def meet(client: TlsClient, server: MemoryServer) -> bytes:
    """Let the two talk until both are silent; return the application data that the client got."""
    plain = b""
    while output := client.take_output():
        if back := server.receive(output):
            plain += receive(client, back)
    return plain


def handshake(
    context: SSL.Context, settings: ClientSettings | None = None
) -> tuple[TlsClient, MemoryServer]:
    """Return a client and a server of `context` after everything was exchanged."""
    client, server = TlsClient(settings or settings_of()), MemoryServer(context)
    client.start()
    meet(client, server)
    return client, server
