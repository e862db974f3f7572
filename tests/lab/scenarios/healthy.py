"""Nothing is wrong: what must be confirmed, and what only looks odd."""

from tests.lab.credentials import LabPki
from tests.lab.scenario import Staging, scenario


@scenario()
def healthy(pki: LabPki) -> Staging:
    """Certificate, key and both CA files are right."""
    return Staging(pki.client)


@scenario()
def no_mtls(pki: LabPki) -> Staging:
    """The backend asks for no client certificate, and the exporter has none."""
    return Staging(None, asks=False)


@scenario()
def mtls_not_asked_for(pki: LabPki) -> Staging:
    """The exporter has a client certificate, and the backend asks for none."""
    return Staging(pki.client, asks=False)


@scenario()
def through_an_intermediate(pki: LabPki) -> Staging:
    """The client certificate comes from an intermediate CA that cert_file holds as well."""
    return Staging(pki.below_intermediate)
