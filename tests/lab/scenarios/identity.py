"""Documented cause 2: the wrong client certificate or key."""

from tests.lab.credentials import LabPki
from tests.lab.scenario import Staging, scenario


@scenario("client_cert_not_sent")
def no_certificate(pki: LabPki) -> Staging:
    """The backend demands a client certificate, and the exporter has none."""
    return Staging(None)


@scenario("client_cert_wrong_usage")
def server_certificate_as_client(pki: LabPki) -> Staging:
    """The client certificate's extendedKeyUsage is only serverAuth."""
    return Staging(pki.wrong_usage)


@scenario("client_cert_key_mismatch", once=True)
def key_of_another(pki: LabPki) -> Staging:
    """key_file belongs to another certificate."""
    return Staging(pki.swapped)
