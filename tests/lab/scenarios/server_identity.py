"""The backend's own certificate, and the exporter's ca_file for it."""

from tests.lab.credentials import LabPki
from tests.lab.scenario import Staging, scenario


@scenario("server_ca_untrusted")
def server_of_another_ca(pki: LabPki) -> Staging:
    """ca_file does not hold the CA of the backend's certificate."""
    return Staging(pki.client, settings={"ca_file": str(pki.other_ca_file)})


@scenario("server_name_mismatch")
def server_of_another_name(pki: LabPki) -> Staging:
    """The backend's certificate is for another name than the endpoint's."""
    return Staging(pki.client, settings={"server_name_override": "collector.example.com"})


@scenario("server_cert_expired")
def server_expired(pki: LabPki) -> Staging:
    """The backend's certificate expired an hour ago."""
    return Staging(pki.client, server=pki.server_expired)


@scenario("server_cert_not_yet_valid")
def server_not_yet_valid(pki: LabPki) -> Staging:
    """The backend's certificate becomes valid in three days."""
    return Staging(pki.client, server=pki.server_not_yet_valid)


@scenario("server_cert_wrong_usage")
def server_with_a_client_certificate(pki: LabPki) -> Staging:
    """The backend's certificate is for clients only."""
    return Staging(pki.client, server=pki.server_wrong_usage)


@scenario("server_chain_invalid")
def server_below_a_service(pki: LabPki) -> Staging:
    """The backend's certificate was signed by one that is not a CA."""
    return Staging(pki.client, server=pki.server_of_no_ca)


@scenario("server_chain_incomplete")
def server_without_its_intermediate(pki: LabPki) -> Staging:
    """The backend leaves out its intermediate, which the exporter's own cert_file holds."""
    return Staging(
        pki.of_one_intermediate,
        server=pki.server_incomplete,
        client_ca_file=pki.server_ca_file,
    )
