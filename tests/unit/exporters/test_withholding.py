"""Who sends no client certificate that the backend's list does not name."""

import pytest

from probe.exporters.withholding import withholds_certificate
from probe.model.certificate import CertificateFacts
from probe.model.runtime import RUNTIMES
from tests.support.certificate_facts import CLIENT_CA, ISSUING_CA, OTHER_CA, exporter

LONE = (exporter(),)
BELOW = (exporter(ISSUING_CA), ISSUING_CA)


def test_sdks_in_go_and_java_withhold_and_nobody_else() -> None:
    """A Collector's configtls gives GetClientCertificate, which is not compared with the list."""
    withholding = {
        runtime.id
        for runtime in RUNTIMES
        if withholds_certificate(runtime.id, LONE, (OTHER_CA.subject,))
    }

    assert withholding == {"go-grpc", "go-http", "java-okhttp", "java-jdk", "java-grpc"}


@pytest.mark.parametrize(
    ("chain", "listed", "withheld"),
    [
        (LONE, (CLIENT_CA,), False),
        (LONE, (), False),
        ((), (OTHER_CA,), False),
        (BELOW, (CLIENT_CA,), False),
        (BELOW, (ISSUING_CA,), False),
        (BELOW[:1], (CLIENT_CA,), True),
    ],
    ids=["named", "no list", "nothing to send", "the root", "the intermediate", "left out"],
)
def test_the_issuer_of_any_certificate_of_the_chain_is_enough(
    chain: tuple[CertificateFacts, ...], listed: tuple[CertificateFacts, ...], withheld: bool
) -> None:
    """Go's SupportsCertificate and SunX509 look at each certificate that would be sent."""
    names = tuple(ca.subject for ca in listed)

    assert withholds_certificate("go-grpc", chain, names) is withheld
