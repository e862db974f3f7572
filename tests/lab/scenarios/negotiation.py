"""Two sides that have no version, cipher, group or protocol in common."""

from tests.lab.credentials import LabPki
from tests.lab.scenario import Staging, scenario


@scenario("protocol_version_mismatch", versions=("1.2",))
def client_too_new(pki: LabPki) -> Staging:
    """The exporter's min_version is 1.3, and the backend speaks only TLS 1.2."""
    return Staging(pki.client, settings={"min_version": "1.3"})


@scenario("protocol_version_mismatch", versions=("1.3",))
def client_too_old(pki: LabPki) -> Staging:
    """The exporter's max_version is 1.2, and the backend speaks only TLS 1.3."""
    return Staging(pki.client, settings={"max_version": "1.2"})


@scenario("no_shared_cipher", versions=("1.2",))
def no_cipher(pki: LabPki) -> Staging:
    """The exporter offers only suites for RSA certificates, and the backend's key is EC."""
    suites = ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")
    return Staging(pki.client, settings={"cipher_suites": suites, "max_version": "1.2"})


ECDSA_SUITES = (
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
)


@scenario("no_shared_cipher", versions=("1.2",))
def no_cipher_for_rsa(pki: LabPki) -> Staging:
    """The exporter offers only suites for ECDSA certificates, and the backend's key is RSA."""
    settings = {"cipher_suites": ECDSA_SUITES, "max_version": "1.2"}
    return Staging(pki.client, server=pki.server_rsa, settings=settings)


@scenario(versions=("1.3",))
def suites_of_another_key(pki: LabPki) -> Staging:
    """The same suites with TLS 1.3, whose own suites work with every key: nothing is wrong."""
    return Staging(pki.client, server=pki.server_rsa, settings={"cipher_suites": ECDSA_SUITES})


@scenario("no_shared_group", versions=("1.3",))
def no_group(pki: LabPki) -> Staging:
    """curve_preferences has only X25519MLKEM768, which the backend's TLS is too old for."""
    return Staging(pki.client, settings={"curve_preferences": ("X25519MLKEM768",)})
