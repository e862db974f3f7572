"""A certificate and a key that stand in for the half of a pair that is not set.

So that what is wrong with the other half is still found.
"""

import datetime as dt
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from probe.credentials.readers.pem_file import PemFile


@cache
def make_stand_in() -> tuple[PemFile, PemFile]:
    """Return a certificate and its key that every reader reads; nobody is ever sent them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stand-in")])
    begin = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(begin)
        .not_valid_after(begin.replace(year=2049))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return PemFile(certificate.public_bytes(Encoding.PEM)), PemFile(pem)
