"""Chains that are nearly right: expired or re-keyed above the end entity, disordered, nameless."""

from tests.lab.credentials import LabPki
from tests.lab.scenario import Staging, scenario


@scenario("client_cert_expired")
def expired_intermediate(pki: LabPki) -> Staging:
    """The client certificate is in date, and the intermediate that cert_file holds has expired."""
    return Staging(pki.expired_intermediate)


@scenario("client_cert_expired")
def expired_root(pki: LabPki) -> Staging:
    """The root in the backend's client_ca_file has expired, and the exporter has a copy of it."""
    return Staging(pki.of_expired_root, client_ca_file=pki.expired_root_file)


# By the backend's log it has expired; for the exporter's owner, the backend has no valid anchor.
@scenario("client_cert_expired", "client_ca_untrusted")
def expired_root_unseen(pki: LabPki) -> Staging:
    """The root in the backend's client_ca_file has expired, and the exporter has no copy of it."""
    return Staging(pki.of_expired_root_alone, client_ca_file=pki.expired_root_file)


@scenario("client_ca_untrusted")
def rekeyed_ca_without_key_ids(pki: LabPki) -> Staging:
    """The client CA was issued again with another key, and no certificate names the key it needs."""
    return Staging(pki.rekeyed_without_key_ids, client_ca_file=pki.without_key_ids_file)


@scenario()
def issuers_reversed(pki: LabPki) -> Staging:
    """The end entity comes first, and its two intermediates after it are in the wrong order."""
    return Staging(pki.issuers_reversed)


@scenario("server_name_mismatch")
def server_with_a_common_name_alone(pki: LabPki) -> Staging:
    """The backend's certificate has the right name as its CN, and no subjectAltName."""
    return Staging(pki.client, server=pki.server_common_name_only)


@scenario("server_ca_untrusted", "server_chain_incomplete")
def server_of_an_unknown_intermediate(pki: LabPki) -> Staging:
    """The backend leaves out its intermediate, and neither ca_file nor cert_file holds it."""
    return Staging(pki.client, server=pki.server_incomplete)
