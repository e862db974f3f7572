"""Documented cause 1: the backend does not trust the exporter's CA."""

from tests.lab.credentials import LabPki
from tests.lab.scenario import Staging, scenario


@scenario("client_ca_untrusted")
def unknown_ca(pki: LabPki) -> Staging:
    """The client certificate comes from the CA of another team."""
    return Staging(pki.stranger)


@scenario("client_ca_untrusted")
def rekeyed_ca(pki: LabPki) -> Staging:
    """The client CA was issued again with another key, and the backend still holds the old one."""
    return Staging(pki.rekeyed)


@scenario("client_ca_untrusted")
def self_signed(pki: LabPki) -> Staging:
    """The client certificate is self-signed."""
    return Staging(pki.self_signed)


@scenario("client_ca_untrusted", "client_cert_expired")
def expired_and_unknown_ca(pki: LabPki) -> Staging:
    """The client certificate has expired, and comes from the CA of another team."""
    return Staging(pki.expired_stranger)


@scenario("client_chain_incomplete")
def missing_intermediate(pki: LabPki) -> Staging:
    """cert_file lacks the intermediate CA, which lies in the same folder."""
    return Staging(pki.missing_intermediate)
