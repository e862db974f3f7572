"""Where exporters differ from the probe with the same files and the same backend (`by_exporter`).

Each rule follows from fields of the evidence; nothing is claimed of a runtime without a rule. The
rules have the order in which an exporter meets them: its files, the server's certificate, then its
own certificate at the backend.
"""

from collections.abc import Callable, Iterator
from typing import Final

from probe.comparison.file_handling import (
    judge_byte_order_mark,
    judge_encrypted_key,
    judge_missing_file,
    judge_weak_files,
)
from probe.comparison.other_offers import judge_offer
from probe.comparison.verdict import Verdict, build_verdicts
from probe.diagnosis.readings.backend_decision import Refusal, find_refusal, is_confirmed
from probe.diagnosis.readings.client_certificate import describe_usage_fault, is_issuer_listed
from probe.diagnosis.readings.experiment_results import get_experiment
from probe.diagnosis.readings.server_verification import get_unverified_handshake
from probe.messages.printed import get_http_refusal_text, get_silent_text
from probe.messages.printed_alerts import get_alert_text
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.runtime import (
    CURL,
    DOTNET,
    GO_BASED,
    JAVA,
    NODE,
    ON_OPENSSL,
    PYTHON_GRPC,
    PYTHON_HTTP,
    RUNTIMES,
    Runtime,
)
from probe.model.tls_alerts import TlsAlert, get_fatal_alert
from probe.x509.names import matches_by_common_name
from probe.x509.strength import find_weak_key, find_weak_signature


def compare_exporters(evidence: Evidence, diagnosis: Diagnosis) -> tuple[Verdict, ...]:
    """Return what each kind of exporter would do where they differ; empty where all do the same.

    One verdict for each runtime: the first that differs from the probe, else the first.
    """
    found: dict[str, Verdict] = {}
    for rule in _RULES:
        for verdict in rule(evidence, diagnosis):
            known = found.get(verdict.runtime)
            if known is None or (known.outcome == "same" and verdict.outcome != "same"):
                found[verdict.runtime] = verdict
    return tuple(
        found[runtime.id]
        for runtime in RUNTIMES
        if runtime.id in found and evidence.target.protocol in runtime.protocols
    )


def _judge_common_name_only(evidence: Evidence, _: Diagnosis) -> Iterator[Verdict]:
    """A server certificate without SANs, whose CN is the name: seen with each of these clients."""
    handshake = get_unverified_handshake(evidence)
    if handshake is None or handshake.name_check is None:
        return
    if any(fault.kind != "name_mismatch" for fault in handshake.path_faults):
        return
    if not matches_by_common_name(handshake.name_check):
        return
    takes = "takes the certificate's CN for its name where it has no SAN"
    yield from build_verdicts((*JAVA, PYTHON_GRPC, *NODE, CURL), "works", takes, lambda _: "")
    says = "x509: certificate relies on legacy Common Name field, use SANs instead"
    refuses = "takes no CN for a name (Go crypto/x509 VerifyHostname, RFC 9525 §2)"
    yield from build_verdicts(GO_BASED, "same", refuses, lambda _: says)
    by_urllib3 = "urllib3 2 takes no CN for a name"
    yield Verdict(
        PYTHON_HTTP.id, "same", "certificate verify failed: Hostname mismatch", by_urllib3
    )


def _judge_weak_server(evidence: Evidence, diagnosis: Diagnosis) -> Iterator[Verdict]:
    """A weak server certificate: OpenSSL at level 2 refuses more than Go, JSSE and grpcio less."""
    handshake = evidence.handshake
    if handshake is None or evidence.target.insecure_skip_verify:
        return
    chain = handshake.server_chain
    if handshake.server_verified and find_weak_key(chain[:1]) and not find_weak_signature(chain):
        because = "OpenSSL at security level 2 refuses an RSA key below 2048 bits"
        says = "certificate verify failed: EE certificate key too weak"
        yield Verdict(PYTHON_HTTP.id, "fails", says, because)
        says = "curl: (60) SSL certificate problem: EE certificate key too weak"
        yield Verdict(CURL.id, "fails", says, because)
    hashes = {certificate.signature_hash for certificate in chain}
    if diagnosis.cause == "server_cert_weak" and "sha1" in hashes and not find_weak_key(chain):
        because = "it accepts a SHA-1 signature below a private CA"
        yield from build_verdicts((*JAVA, PYTHON_GRPC), "works", because, lambda _: "")


def _judge_completed_chain(evidence: Evidence, diagnosis: Diagnosis) -> Iterator[Verdict]:
    """OpenSSL completes a single end entity with an intermediate from ca_file.

    SSL_CTX_set_mode(3), SSL_MODE_NO_AUTO_CHAIN; the probe's own contexts hold no anchors.
    """
    credentials = evidence.credentials
    if diagnosis.cause != "client_chain_incomplete" or not diagnosis.certain:
        return
    if len(credentials.client_chain) != 1 or not credentials.unsent_issuers:
        return
    if credentials.unsent_issuers[0].path != evidence.target.ca_file:
        return
    because = (
        "OpenSSL sends the missing intermediate along, because it is in ca_file: this hides "
        "what is wrong with cert_file"
    )
    yield from build_verdicts(ON_OPENSSL, "works", because, lambda _: "")


def _judge_ignored_without_ca(evidence: Evidence, _: Diagnosis) -> Iterator[Verdict]:
    """Python's gRPC exporter uses the client certificate only together with a CA file.

    Source: opentelemetry-python, exporter/otlp/proto/grpc/exporter.py, `_get_credentials`.
    """
    target, handshake = evidence.target, evidence.handshake
    if target.ca_file or not target.client_certificate_configured:
        return
    if handshake is None or not handshake.client_certificate_sent:
        return
    because = (
        "it ignores the client certificate unless OTEL_EXPORTER_OTLP_CERTIFICATE is set too; a "
        "backend that demands one refuses it"
    )
    yield from _judge_without_certificate(evidence, (PYTHON_GRPC,), because)


def _judge_withheld_for_usage(evidence: Evidence, _: Diagnosis) -> Iterator[Verdict]:
    """.NET sends no certificate whose extendedKeyUsage lacks clientAuth (dotnet/runtime#87571)."""
    handshake = evidence.handshake
    if (
        handshake is None
        or not handshake.client_certificate_sent
        or not describe_usage_fault(evidence)
    ):
        return
    because = (
        "it sends no certificate whose extendedKeyUsage lacks clientAuth; a backend that demands "
        "one refuses it"
    )
    yield from _judge_without_certificate(evidence, (DOTNET,), because)


def _judge_withheld_for_issuer(evidence: Evidence, _: Diagnosis) -> Iterator[Verdict]:
    """Go and Java send no certificate where the backend's list does not name an issuer of its chain.

    Go crypto/tls CertificateRequestInfo.SupportsCertificate; JSSE's SunX509 key manager.
    """
    handshake = evidence.handshake
    refused = find_refusal(evidence)
    if handshake is None or not handshake.client_certificate_sent:
        return
    if is_issuer_listed(evidence) is not False or not (refused or is_confirmed(evidence)):
        return
    withholds = (
        "the backend's list of acceptable CAs does not name an issuer of the chain, so it sends no "
        "certificate; a backend that demands one refuses it"
    )
    yield from _judge_without_certificate(evidence, (*GO_BASED, *JAVA), withholds)
    sends = "it sends the certificate whatever the backend's list says, as the probe does"
    by_http = evidence.ending.kind == "answered"
    yield from build_verdicts(
        (PYTHON_GRPC, *ON_OPENSSL),
        "same",
        sends,
        lambda runtime: _refusal_text(runtime, refused, by_http=by_http),
    )


def _judge_refused_in_silence(evidence: Evidence, _: Diagnosis) -> Iterator[Verdict]:
    """A refusal without an alert: each runtime has its own message for a connection that ends."""
    refused = find_refusal(evidence)
    if refused is None or not refused.sent or refused.alert is not None:
        return
    if evidence.ending.kind not in {"close", "reset"}:
        return
    because = (
        "the backend ends the connection without an alert, so its log has no certificate fault"
    )
    for verdict in build_verdicts(RUNTIMES, "same", because, get_silent_text):
        if verdict.says:
            yield verdict


_RULES: Final[tuple[Callable[[Evidence, Diagnosis], Iterator[Verdict]], ...]] = (
    judge_byte_order_mark,
    judge_missing_file,
    judge_encrypted_key,
    judge_weak_files,
    judge_offer,
    _judge_common_name_only,
    _judge_weak_server,
    _judge_completed_chain,
    _judge_ignored_without_ca,
    _judge_withheld_for_usage,
    _judge_withheld_for_issuer,
    _judge_refused_in_silence,
)


def _judge_without_certificate(
    evidence: Evidence, runtimes: tuple[Runtime, ...], because: str
) -> Iterator[Verdict]:
    """Return the verdict on a runtime that sends no certificate where the probe sent one.

    The probe's own experiment without a certificate decides where there was one; else a backend
    that asked is taken to demand: certificate_required, in TLS 1.2 handshake_failure.
    """
    handshake = evidence.handshake
    in_tls12 = handshake is not None and handshake.version == "1.2"
    number: int | None = TlsAlert.HANDSHAKE_FAILURE if in_tls12 else TlsAlert.CERTIFICATE_REQUIRED
    refused = find_refusal(evidence)
    if refused is not None and refused.alert is None:
        # nginx answers HTTP 400 in both cases; from a close, nothing follows for the other case.
        by_http = evidence.ending.kind == "answered"
        yield from build_verdicts(
            runtimes, "fails", because, get_http_refusal_text if by_http else _unknown
        )
        return
    without = get_experiment(evidence, "no_client_certificate")
    if without is not None:
        if without.ending.kind in {"answered", "application_data", "completed"}:
            return  # it is not known whether the export is accepted then
        seen = without.handshake
        number = get_fatal_alert(seen) if seen is not None else None
    yield from build_verdicts(
        runtimes,
        "fails",
        because,
        lambda runtime: (
            get_silent_text(runtime) if number is None else get_alert_text(runtime, number)
        ),
    )


def _unknown(_: Runtime) -> str:
    return ""


def _refusal_text(runtime: Runtime, refused: Refusal | None, *, by_http: bool) -> str:
    if refused is None:
        return ""
    if by_http:
        return get_http_refusal_text(runtime)
    return (
        get_silent_text(runtime)
        if refused.alert is None
        else get_alert_text(runtime, refused.alert)
    )
