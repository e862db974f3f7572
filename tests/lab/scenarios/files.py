"""Documented cause 5: files that are missing, malformed or in the wrong place; nothing is sent."""

from cryptography.hazmat.primitives import serialization

from tests.lab.credentials import LabPki, Pair
from tests.lab.scenario import Staging, scenario
from tests.support.pki import write_pem


@scenario("client_file_missing", once=True)
def no_such_file(pki: LabPki) -> Staging:
    """cert_file names a file that is not there."""
    return Staging(Pair(pki.folder / "no-such.pem", pki.client.key_file))


@scenario("client_file_malformed", once=True)
def der_certificate(pki: LabPki) -> Staging:
    """cert_file is DER, and exporters read PEM."""
    der = pki.plain.certificate.public_bytes(serialization.Encoding.DER)
    path = pki.folder / "client.der"
    path.write_bytes(der)
    return Staging(Pair(path, pki.client.key_file))


@scenario("client_key_encrypted", once=True)
def encrypted_key(pki: LabPki) -> Staging:
    """key_file needs a passphrase that no exporter has."""
    locked = pki.plain.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )
    return Staging(Pair(pki.client.cert_file, write_pem(pki.folder, "locked-key.pem", locked)))


@scenario("client_chain_misordered", once=True)
def intermediate_first(pki: LabPki) -> Staging:
    """cert_file holds the right certificates, the intermediate first."""
    intermediate = pki.client_ca.intermediate("Lab intermediate CA, first")
    issued = intermediate.issue("exporter")
    return Staging(
        Pair(
            write_pem(pki.folder, "misordered.pem", intermediate.pem, issued.pem),
            write_pem(pki.folder, "misordered-key.pem", issued.key_pem),
        )
    )


@scenario("server_ca_file_missing", once=True)
def no_ca_file(pki: LabPki) -> Staging:
    """ca_file names a file that is not there."""
    return Staging(pki.client, settings={"ca_file": str(pki.folder / "no-such-ca.pem")})


@scenario("server_ca_file_malformed", once=True)
def ca_file_without_a_certificate(pki: LabPki) -> Staging:
    """ca_file holds a private key and no certificate."""
    return Staging(pki.client, settings={"ca_file": str(pki.client.key_file)})
