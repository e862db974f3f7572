"""The ClientHello that leaves the probe is the exporter's, as far as OpenSSL has what it holds."""

import pytest
from OpenSSL import SSL

from probe.attempt.variant import VARIANTS, vary_offer
from probe.credentials.tls_context import Credentials, Material
from probe.exporters.offers import choose_offer
from probe.model.certificate import CredentialFacts
from probe.model.client_offer import ClientOffer
from probe.model.evidence import Varied
from probe.model.runtime import EXPORTERS
from probe.model.target import PROTOCOLS, Protocol, TlsSettings
from probe.tls.client_hello import ClientHello, read_client_hello
from probe.tls.offer import apply_offer, fit_offer


def send_hello(offer: ClientOffer) -> ClientHello:
    """Return the ClientHello of a context that offers `offer`."""
    connection = SSL.Connection(Credentials(Material(), CredentialFacts()).context(offer), None)
    connection.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    return read_client_hello(connection.bio_read(65536))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("exporter", EXPORTERS)
def test_what_is_sent_is_the_exporter_s_offer(exporter: str, protocol: Protocol) -> None:
    """Versions, groups, key shares and schemes in its order; OpenSSL puts TLS 1.3's suites first."""
    wanted, lacking = fit_offer(choose_offer(exporter, protocol, TlsSettings()))
    sent = send_hello(wanted).offer

    assert lacking == ()
    assert (sent.min_version, sent.max_version) == (wanted.min_version, wanted.max_version)
    assert sorted(sent.ciphers) == sorted(wanted.ciphers)
    assert sent.groups == wanted.groups
    assert sent.key_shares == wanted.key_shares
    assert sent.signature_schemes == wanted.signature_schemes


@pytest.mark.parametrize("varied", VARIANTS)
def test_each_variation_can_be_sent(varied: Varied) -> None:
    """Nothing in a variation is a name that this OpenSSL refuses."""
    offer, _ = vary_offer("collector", "grpc", TlsSettings(), VARIANTS[varied])
    assert send_hello(offer).offer.ciphers


def test_classic_groups_make_a_small_hello() -> None:
    """It fits one TCP segment; the exporter's own does not."""
    large, _ = vary_offer("collector", "grpc", TlsSettings(), VARIANTS["every_cipher"])
    small, _ = vary_offer("collector", "grpc", TlsSettings(), VARIANTS["classic_groups"])
    assert send_hello(large).size > 1460 > send_hello(small).size
    assert send_hello(small).offer.groups == ("x25519", "secp256r1", "secp384r1", "secp521r1")


def test_certificates_signed_with_pkcs1_stay_allowed_with_tls13_alone() -> None:
    """Go lists them in signature_algorithms_cert, which OpenSSL's client does not send."""
    offer = choose_offer("collector", "grpc", TlsSettings(min_version="1.3"))
    assert "rsa_pkcs1_sha256" not in offer.signature_schemes
    assert "rsa_pkcs1_sha256" in send_hello(offer).offer.signature_schemes


def test_what_the_library_lacks_is_named() -> None:
    """OpenSSL's builds leave RC4 and 3DES out; the rest of the offer stays."""
    suites = ("TLS_RSA_WITH_RC4_128_SHA", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
    tls = TlsSettings(cipher_suites=suites, include_insecure_cipher_suites=True)
    fitted, lacking = fit_offer(choose_offer("collector", "grpc", tls))
    assert lacking == suites[:1]
    assert suites[1] in fitted.ciphers
    assert suites[1] in send_hello(fitted).offer.ciphers


@pytest.mark.parametrize(
    "offer",
    [
        ClientOffer(min_version="1.2", max_version="1.2", ciphers=("nonsense",)),
        ClientOffer(min_version="1.2", max_version="1.2", ciphers=("TLS_AES_128_GCM_SHA256",)),
    ],
)
def test_an_offer_of_nothing_is_refused(offer: ClientOffer) -> None:
    """No context is built that would send something else instead."""
    with pytest.raises(ValueError):
        apply_offer(SSL.Context(SSL.TLS_METHOD), offer)
