"""Documented causes 3 and 6: certificates outside their dates, and clocks that differ."""

from tests.lab.credentials import LabPki
from tests.lab.scenario import Staging, scenario


@scenario("client_cert_expired")
def expired(pki: LabPki) -> Staging:
    """The client certificate expired an hour ago."""
    return Staging(pki.expired)


@scenario("client_cert_not_yet_valid")
def not_yet_valid(pki: LabPki) -> Staging:
    """The client certificate becomes valid in three days."""
    return Staging(pki.not_yet_valid)


@scenario("clock_skew")
def backend_ahead(pki: LabPki) -> Staging:
    """The backend's clock is 60 days ahead, and the client certificate has 30 days left."""
    return Staging(pki.thirty_days, server=pki.server, clock="+60d")


@scenario("clock_skew")
def backend_ten_days_ahead(pki: LabPki) -> Staging:
    """The backend's clock is ten days ahead, and the client certificate has five days left."""
    return Staging(pki.five_days, server=pki.server, clock="+10d")
