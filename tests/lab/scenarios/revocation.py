"""Client certificates that their CA has revoked, at backends that check its list."""

from tests.lab.credentials import LabPki
from tests.lab.scenario import Staging, scenario


@scenario("client_cert_revoked")
def revoked(pki: LabPki) -> Staging:
    """The client CA has revoked the certificate, and the backend has its list (CRL)."""
    return Staging(pki.revoked, crl_file=pki.crl_file)


@scenario()
def not_the_revoked_one(pki: LabPki) -> Staging:
    """The backend has the client CA's list, and this certificate is not on it."""
    return Staging(pki.client, crl_file=pki.crl_file)
