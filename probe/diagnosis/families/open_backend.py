"""Mutual TLS that the backend does not insist on: true, and it stops no exporter."""

from typing import Final

from probe.diagnosis.cause import EVERY_ENDING, Cause, Match, Rank, Strength
from probe.diagnosis.fixes.client_fixes import REQUIRE_CERTIFICATE
from probe.diagnosis.readings.enforcement import describe_acceptance_of_anyone
from probe.model.evidence import Evidence


def _match_not_requested(evidence: Evidence) -> Match | None:
    target = evidence.target
    if target.plaintext or not (target.client_certificate_configured or target.expect_requested):
        return None
    fact = describe_acceptance_of_anyone(evidence)
    if not fact:
        return None
    handshake = evidence.handshake
    if target.client_certificate_configured and not (
        handshake is not None and handshake.client_certificate_requested
    ):
        fact += "; the one that is configured was not sent"
    return Match(Strength.FINDING, (fact,))


CAUSES: Final = (
    Cause(
        id="client_cert_not_requested",
        title="The backend does not insist on a client certificate",
        family="client_identity",
        party="backend",
        severity="warning",
        rank=Rank.ENFORCEMENT,
        meaning=(
            "The exporter has a client certificate, and the backend does not need it: it never asks "
            "for one, or it asks and also accepts clients without. Telemetry arrives, and so does "
            "anyone else's. In a Collector's receiver this is what ca_file in the place of "
            "client_ca_file brings, in nginx ssl_verify_client optional, in Envoy "
            "require_client_certificate that is not set; or a load balancer ends TLS before the backend."
        ),
        evidence=(
            "A finished handshake without a CertificateRequest; or a further connection, at most once "
            "an hour, that shows no certificate and whose export the backend accepts. Always a "
            "finding, never the cause of a failure."
        ),
        fix=(
            REQUIRE_CERTIFICATE,
            "In a Collector's receiver, look for ca_file in the tls settings: there it is without "
            "effect on clients; client_ca_file is the key that demands their certificate.",
            "If client_ca_file is set, look for what ends TLS before the backend: a load balancer, an "
            "ingress or a service mesh.",
            "To see whether it is asked for: openssl s_client -connect {endpoint} </dev/null | grep -i "
            "'client certificate'",
            "If this backend is meant to be open, remove {pair_setting}.",
        ),
        tell_apart=(
            "A backend that insists refuses the connection without a certificate: mtls-probe check "
            "ENDPOINT --ca CA then fails with client_cert_not_sent."
        ),
        citations=("RFC 8446 §4.3.2", "Collector configtls client_ca_file"),
        not_printed="the exporter works, so it prints nothing",
        finding_only=True,
        applies=EVERY_ENDING,
        match=_match_not_requested,
    ),
)
