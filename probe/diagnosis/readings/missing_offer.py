"""What the exporter did not offer and the backend wants, and which other exporters offer it. Pure."""

from collections.abc import Iterator
from typing import Final

from probe.exporters.offers import list_exporters_with
from probe.model.evidence import Evidence, Offer
from probe.model.runtime import GO_BASED, RUNTIMES
from probe.model.target import Protocol
from probe.model.tls_names import INSECURE_SUITES, SECURE_SUITES, is_tls13_suite

_GO: Final = {runtime.id for runtime in GO_BASED}
_TLS13_GO: Final = "Go has three suites of TLS 1.3, which no setting changes"


def describe_missing_offer(evidence: Evidence, wanted: str, setting: str) -> Iterator[str]:
    """Yield that the exporter does not offer `wanted`, why where it is known, and who does.

    Args:
        evidence: of an attempt that failed.
        wanted: the cipher suite or group that the backend chose of all, by IANA's name.
        setting: the key of the exporter's settings that bounds what it offers.
    """
    assert evidence.handshake is not None
    offer, exporter = evidence.handshake.offer, evidence.target.exporter
    if not wanted or not offer.signature_schemes:
        return  # evidence of an earlier release does not say what was offered by default
    if wanted.lower() in {name.lower() for name in (*offer.ciphers, *offer.groups)}:
        return
    if setting in offer.narrowed_by:
        yield f"{setting} of the exporter leaves {wanted} out"
        return
    yield f"this exporter does not offer {wanted}{_describe_reason(wanted, exporter)}"
    protocol: Protocol = "grpc" if evidence.target.protocol == "grpc" else "http/protobuf"
    others = (one.id for one in RUNTIMES if protocol in one.protocols and one.id != exporter)
    if offering := list_exporters_with(wanted, protocol, others):
        yield f"exporters that offer it: {', '.join(offering)}"


def describe_lacking(offer: Offer) -> Iterator[str]:
    """Yield what the exporter offers and the probe cannot: the backend may take just that."""
    if offer.lacking:
        yield (
            f"the exporter offers {', '.join(offer.lacking)} as well, which the probe's TLS library "
            "does not have: the backend may take that"
        )


def _describe_reason(wanted: str, exporter: str) -> str:
    """Say since when Go leaves a suite out (its release notes; crypto/tls defaults.go)."""
    if exporter not in _GO or not wanted.startswith("TLS_"):
        return ""
    if is_tls13_suite(wanted):
        return f": {_TLS13_GO}"
    if wanted not in {*INSECURE_SUITES, *SECURE_SUITES}:
        return ": Go does not have it"
    if "_3DES_" in wanted:
        return ": Go leaves 3DES out since 1.23"
    if "_CBC_SHA" in wanted and wanted in SECURE_SUITES:
        return ": gRPC in Go leaves out what RFC 7540 (appendix A) forbids to HTTP/2"
    if wanted.startswith("TLS_RSA_"):
        return ": Go leaves RSA key exchange out since 1.22"
    return ": Go offers it only where cipher_suites names it" if wanted in INSECURE_SUITES else ""
