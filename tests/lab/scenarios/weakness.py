"""Certificates that some TLS stacks find too weak, or not made for the handshake."""

from tests.lab.credentials import LabPki
from tests.lab.scenario import Staging, scenario


@scenario("client_cert_weak")
def rsa_1024(pki: LabPki) -> Staging:
    """The client's key is RSA with 1024 bits."""
    return Staging(pki.rsa_1024)


@scenario("client_cert_weak")
def signed_with_sha1(pki: LabPki) -> Staging:
    """The client certificate is signed with SHA-1."""
    return Staging(pki.sha1)


@scenario("client_cert_wrong_usage")
def no_digital_signature(pki: LabPki) -> Staging:
    """The client certificate's keyUsage lacks digitalSignature."""
    return Staging(pki.no_digital_signature)


@scenario("client_cert_wrong_usage")
def ca_as_end_entity(pki: LabPki) -> Staging:
    """The client certificate is marked as a CA."""
    return Staging(pki.ca_as_end_entity)


@scenario()
def ed25519_key(pki: LabPki) -> Staging:
    """The client's key is Ed25519, which is neither weak nor known to every stack."""
    return Staging(pki.ed25519)
