"""Contexts offer what the settings say, trust what Go would trust, and send what cert_file holds."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from msgspec.structs import replace
from OpenSSL import SSL, crypto

from probe.attempt.variant import VARIANTS, Variant
from probe.credentials.load import load_credentials
from probe.credentials.system_roots import SYSTEM_ROOTS
from probe.credentials.tls_context import Credentials
from probe.exporters.offers import choose_offer
from probe.model.client_offer import ClientOffer
from probe.model.target import TlsSettings
from probe.tls import bindings
from tests.support.credential_files import pair_files
from tests.support.offers import collector_offer
from tests.support.pki import Issued, issue, new_key

CAPPED = Variant(max_version="1.2")
BOTH = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
ROOT = issue("root", ca=True)
INTERMEDIATE = issue("intermediate", ROOT, ca=True)
CLIENT = issue("client", INTERMEDIATE, extensions=(BOTH,))
SERVER = issue("server", INTERMEDIATE, extensions=(BOTH,))


def credentials(tls: TlsSettings) -> Credentials:
    """Load `tls` without a fault."""
    loaded = load_credentials(tls)
    assert loaded.facts.faults == ()
    return loaded


def backend(
    *chain: Issued, adjust: Callable[[SSL.Context], object] = lambda _: None
) -> SSL.Context:
    """Return a server that asks for a certificate and takes any."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    context.use_certificate(chain[0].certificate)
    for issued in chain[1:]:
        context.add_extra_chain_cert(issued.certificate)
    context.use_privatekey(chain[0].key)  # type: ignore[arg-type] # wider than what TLS signs with
    context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    adjust(context)
    return context


def shake(client: SSL.Context, server: SSL.Context) -> tuple[SSL.Connection, SSL.Connection]:
    """Perform one handshake in memory and return both ends.

    Raises:
        SSL.Error: where either end refuses.
    """
    ours, theirs = SSL.Connection(client), SSL.Connection(server)
    pump(ours, theirs)
    return ours, theirs


def pump(ours: SSL.Connection, theirs: SSL.Connection) -> None:
    """Carry the flights of one handshake to and fro."""
    ours.set_connect_state()
    theirs.set_accept_state()
    for _ in range(3):
        for end, peer in ((ours, theirs), (theirs, ours)):
            with suppress(SSL.WantReadError):
                end.do_handshake()
            with suppress(SSL.WantReadError):
                peer.bio_write(end.bio_read(65536))


def sent(backend_end: SSL.Connection) -> list[x509.Certificate]:
    """Return every certificate that the client sent; OpenSSL keeps a server's first one apart."""
    first = backend_end.get_peer_certificate(as_cryptography=True)
    further = backend_end.get_peer_cert_chain(as_cryptography=True) or []
    return [*([first] if first else []), *further]


@pytest.mark.parametrize("cap", ["", "1.2"])
def test_only_what_cert_file_holds_is_sent(tmp_path: Path, cap: str) -> None:
    """The issuer that stands in ca_file is not sent along, as OpenSSL would by default."""
    held = credentials(pair_files(tmp_path, CLIENT, ca=(INTERMEDIATE, ROOT)))

    _, theirs = shake(
        held.context(collector_offer(Variant(max_version=cap))), backend(SERVER, INTERMEDIATE)
    )

    assert sent(theirs) == [CLIENT.certificate]


def test_the_whole_of_cert_file_is_sent(tmp_path: Path) -> None:
    """Each certificate of cert_file goes out, in its order."""
    held = credentials(pair_files(tmp_path, CLIENT, INTERMEDIATE, ROOT, ca=(ROOT,)))

    _, theirs = shake(held.context(collector_offer()), backend(SERVER, INTERMEDIATE))

    assert sent(theirs) == [CLIENT.certificate, INTERMEDIATE.certificate, ROOT.certificate]


def test_a_key_signs_with_a_scheme_that_is_not_offered(tmp_path: Path) -> None:
    """BoringSSL does not offer Ed25519 and signs with it: so do contexts for Python's gRPC."""
    client = issue("client", ROOT, key=new_key("ed25519"), extensions=(BOTH,))
    held = credentials(pair_files(tmp_path, client))
    offer = choose_offer("python-grpc", "grpc", TlsSettings())
    assert "ed25519" not in offer.signature_schemes

    _, theirs = shake(held.context(offer), backend(SERVER, INTERMEDIATE))

    assert sent(theirs) == [client.certificate]


def test_a_variant_can_withhold_the_certificate(tmp_path: Path) -> None:
    """The experiment without a certificate sends none."""
    held = credentials(pair_files(tmp_path, CLIENT, ca=(ROOT,)))

    _, theirs = shake(
        held.context(collector_offer(), client_certificate=False), backend(SERVER, INTERMEDIATE)
    )

    assert theirs.get_peer_certificate(as_cryptography=True) is None


def test_a_context_is_built_once_per_variant(tmp_path: Path) -> None:
    """Equal variants share one context, others have their own."""
    held = credentials(pair_files(tmp_path, CLIENT))

    assert held.context(collector_offer()) is held.context(collector_offer())
    assert held.context(collector_offer()) is not held.context(collector_offer(CAPPED))
    assert held.context(collector_offer()).get_session_cache_mode() == SSL.SESS_CACHE_OFF
    assert held.context(collector_offer()).get_verify_mode() == SSL.VERIFY_NONE


def test_what_is_in_ca_file_is_trusted(tmp_path: Path) -> None:
    """Each of its certificates is an anchor, an intermediate too; no context holds any."""
    held = credentials(pair_files(tmp_path, CLIENT, ca=(INTERMEDIATE, ROOT)))

    assert list(held.find_anchors()) == [INTERMEDIATE.der, ROOT.der]
    assert held.find_anchors() is held.find_anchors()
    store = held.context(collector_offer()).get_cert_store()
    assert store is not None
    with pytest.raises(crypto.X509StoreContextError):
        crypto.X509StoreContext(
            store, crypto.X509.from_cryptography(ROOT.certificate)
        ).verify_certificate()


@pytest.mark.parametrize(
    ("tls", "variant", "version"),
    [
        (TlsSettings(), Variant(), "TLSv1.3"),
        (TlsSettings(), Variant(max_version="1.2"), "TLSv1.2"),
        (TlsSettings(max_version="1.2"), Variant(), "TLSv1.2"),
        (TlsSettings(max_version="1.2"), Variant(min_version="1.3", max_version="1.3"), "TLSv1.3"),
        (TlsSettings(min_version="1.3"), Variant(max_version="1.2"), "TLSv1.2"),
        (TlsSettings(min_version="1.0", max_version="1.1"), Variant(), "TLSv1.1"),
        (TlsSettings(min_version="1.0", max_version="1.0"), Variant(), "TLSv1"),
        (TlsSettings(cipher_suites=("TLS_AES_128_GCM_SHA256",)), Variant(), "TLSv1.3"),
    ],
)
def test_versions(tls: TlsSettings, variant: Variant, version: str) -> None:
    """Settings bound the version, a variant moves the bounds."""
    tls = TlsSettings(
        ca_pem=ROOT.pem.decode(),
        min_version=tls.min_version,
        max_version=tls.max_version,
        cipher_suites=tls.cipher_suites,
    )

    ours, _ = shake(
        credentials(tls).context(collector_offer(variant, tls)), backend(SERVER, INTERMEDIATE)
    )

    assert ours.get_protocol_version_name() == version


def test_the_default_minimum_is_1_2() -> None:
    """A TLS 1.1 backend is refused, as a Collector refuses it, unless a variant goes lower."""
    held = credentials(TlsSettings(ca_pem=ROOT.pem.decode()))
    old = backend(
        SERVER,
        INTERMEDIATE,
        adjust=lambda context: context.set_max_proto_version(SSL.TLS1_1_VERSION),
    )

    with pytest.raises(SSL.Error):
        shake(held.context(collector_offer()), old)
    ours, _ = shake(held.context(collector_offer(Variant(min_version="1.0"))), old)
    assert ours.get_protocol_version_name() == "TLSv1.1"


def test_ciphers_are_those_of_the_settings() -> None:
    """Go's names come out as OpenSSL's in Go's order; those of TLS 1.3 stay all three."""
    tls = TlsSettings(
        cipher_suites=(
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        )
    )
    every = collector_offer(VARIANTS["every_cipher"])

    offered = SSL.Connection(credentials(tls).context(collector_offer(tls=tls))).get_cipher_list()
    assert offered == [
        *("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"),
        *("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"),
    ]
    assert len(SSL.Connection(credentials(tls).context(every)).get_cipher_list()) > 100


@pytest.mark.parametrize(
    ("preference", "group"),
    [
        ("X25519", "x25519"),
        ("P256", "secp256r1"),
        ("P384", "secp384r1"),
        ("P521", "secp521r1"),
        ("X25519MLKEM768", "X25519MLKEM768"),
    ],
)
def test_groups_are_those_of_the_settings(preference: str, group: str) -> None:
    """The one curve preferred is the one negotiated."""
    tls = TlsSettings(ca_pem=ROOT.pem.decode(), curve_preferences=(preference,))

    ours, _ = shake(
        credentials(tls).context(collector_offer(tls=tls)), backend(SERVER, INTERMEDIATE)
    )

    assert (ours.get_group_name() or "").lower() == group.lower()


@pytest.mark.parametrize(
    "offer",
    [
        ClientOffer(min_version="1.2", max_version="1.2", ciphers=("nonsense",)),
        ClientOffer(min_version="1.2", max_version="1.2", ciphers=("TLS_AES_128_GCM_SHA256",)),
        replace(collector_offer(), groups=("nonsense",)),
        replace(collector_offer(), signature_schemes=("nonsense",)),
    ],
)
def test_what_the_library_lacks_raises(offer: ClientOffer) -> None:
    """A context is never built from names that mean nothing."""
    with pytest.raises(ValueError):
        credentials(TlsSettings()).context(offer)


def test_a_mismatched_pair_sends_nothing(tmp_path: Path) -> None:
    """The context is still built, for `inspect` and for nothing else."""
    tls = pair_files(tmp_path, CLIENT, ca=(ROOT,))
    (tmp_path / "tls.key").write_bytes(SERVER.key_pem)
    held = load_credentials(tls)

    _, theirs = shake(held.context(collector_offer()), backend(SERVER, INTERMEDIATE))

    assert held.facts.faults
    assert theirs.get_peer_certificate(as_cryptography=True) is None


def test_no_secret_is_shown(tmp_path: Path) -> None:
    """Neither the credentials nor their parts show key bytes."""
    held = credentials(pair_files(tmp_path, CLIENT))

    assert repr(held) == f"Credentials(generation={held.facts.generation!r})"
    assert "key" not in repr(held._material)


def test_the_bindings_still_have_what_is_needed() -> None:
    """The calls below pyOpenSSL's public API exist."""
    context = SSL.Context(SSL.TLS_METHOD)
    bindings.set_groups(context, "X25519:P-256")
    with pytest.raises(ValueError):
        bindings.set_groups(context, "nonsense")


def test_system_roots_are_used_without_a_ca() -> None:
    """No CA means the system's; with one, only where the settings ask for both."""
    assert load_credentials(TlsSettings()).facts.system_roots
    both = TlsSettings(ca_pem=ROOT.pem.decode(), include_system_ca_certs_pool=True)
    held = credentials(both)
    assert held.facts.system_roots
    assert list(held.find_anchors()) == [ROOT.der, *SYSTEM_ROOTS.read()]
