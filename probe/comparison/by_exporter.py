"""Where other exporters differ from the target's with the same files and backend (`by_exporter`).

Each rule follows from fields of the evidence; nothing is claimed of a runtime without a rule. The
rules have the order in which an exporter meets them: its files, the server's certificate, then its
own certificate at the backend.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

from probe.comparison.file_handling import judge_files
from probe.comparison.other_offers import judge_offer
from probe.comparison.server_paths import judge_server_path
from probe.comparison.verdict import RefusalTexts, Verdict, build_verdicts
from probe.diagnosis.readings.backend_decision import Refusal, find_refusal, is_confirmed
from probe.diagnosis.readings.client_certificate import describe_usage_fault, is_issuer_listed
from probe.diagnosis.readings.enforcement import describe_refusal_without_certificate
from probe.diagnosis.readings.experiment_results import get_experiment
from probe.exporters.withholding import WITHHOLDING
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.runtime import (
    COLLECTOR,
    DOTNET,
    ON_OPENSSL,
    PYTHON_GRPC,
    RUNTIMES,
    RUST,
    Runtime,
)
from probe.model.tls_alerts import TlsAlert, get_fatal_alert


def compare_exporters(
    evidence: Evidence, diagnosis: Diagnosis, printed: RefusalTexts
) -> tuple[Verdict, ...]:
    """Return what each other kind of exporter would do where it differs; empty where none does.

    One verdict for each runtime: the first that differs from the target's exporter, else the first.

    Args:
        evidence: what the probe saw.
        diagnosis: what it means for the target's own exporter.
        printed: what exporters print where a backend refuses them.
    """
    found: dict[str, Verdict] = {}
    files_and_paths = (rule(evidence, diagnosis) for rule in _RULES)
    refusals = (rule(evidence, printed) for rule in _REFUSALS)
    for verdict in chain.from_iterable(chain(files_and_paths, refusals)):
        known = found.get(verdict.runtime)
        if known is None or (known.outcome == "same" and verdict.outcome != "same"):
            found[verdict.runtime] = verdict
    return tuple(
        found[runtime.id]
        for runtime in RUNTIMES
        if runtime.id in found
        and runtime.id != evidence.target.exporter
        and evidence.target.protocol in runtime.protocols
    )


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


def _judge_ignored_without_ca(evidence: Evidence, printed: RefusalTexts) -> Iterator[Verdict]:
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
    yield from _judge_without_certificate(evidence, printed, (PYTHON_GRPC,), because)


def _judge_withheld_for_usage(evidence: Evidence, printed: RefusalTexts) -> Iterator[Verdict]:
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
    yield from _judge_without_certificate(evidence, printed, (DOTNET,), because)


def _judge_withheld_for_issuer(evidence: Evidence, printed: RefusalTexts) -> Iterator[Verdict]:
    """The SDKs of Go and Java send no certificate that the backend's list does not name."""
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
    yield from _judge_without_certificate(evidence, printed, WITHHOLDING, withholds)
    sends = "it sends the certificate whatever the backend's list says, as the probe does"
    by_http = evidence.ending.kind == "answered"
    yield from build_verdicts(
        (COLLECTOR, PYTHON_GRPC, *ON_OPENSSL, *RUST),
        "same",
        sends,
        lambda runtime: _refusal_text(runtime, refused, printed, by_http=by_http),
    )


def _judge_refused_in_silence(evidence: Evidence, printed: RefusalTexts) -> Iterator[Verdict]:
    """A refusal without an alert: each runtime has its own message for a connection that ends."""
    refused = find_refusal(evidence)
    if refused is None or not refused.sent or refused.alert is not None:
        return
    if evidence.ending.kind not in {"close", "reset"}:
        return
    because = (
        "the backend ends the connection without an alert, so its log has no certificate fault"
    )
    for verdict in build_verdicts(
        RUNTIMES, "same", because, lambda one: printed.get_refusal_text(one, "close")
    ):
        if verdict.says:
            yield verdict


_RULES: Final[tuple[Callable[[Evidence, Diagnosis], Iterator[Verdict]], ...]] = (
    judge_files,
    judge_server_path,
    judge_offer,
    _judge_completed_chain,
)
_REFUSALS: Final[tuple[Callable[[Evidence, RefusalTexts], Iterator[Verdict]], ...]] = (
    _judge_ignored_without_ca,
    _judge_withheld_for_usage,
    _judge_withheld_for_issuer,
    _judge_refused_in_silence,
)


def _judge_without_certificate(
    evidence: Evidence, printed: RefusalTexts, runtimes: tuple[Runtime, ...], because: str
) -> Iterator[Verdict]:
    """Return the verdict on a runtime that sends no certificate where the probe sent one.

    The probe's own experiment without a certificate decides where there was one; else a backend
    that asked is taken to demand: certificate_required, in TLS 1.2 handshake_failure.
    """
    handshake = evidence.handshake

    def by_http(runtime: Runtime) -> str:
        return printed.get_refusal_text(runtime, "http")

    in_tls12 = handshake is not None and handshake.version == "1.2"
    number: int | None = TlsAlert.HANDSHAKE_FAILURE if in_tls12 else TlsAlert.CERTIFICATE_REQUIRED
    refused = find_refusal(evidence)
    if refused is not None and refused.alert is None:
        # nginx answers HTTP 400 in both cases; from a close, nothing follows for the other case.
        answered = evidence.ending.kind == "answered"
        yield from build_verdicts(runtimes, "fails", because, by_http if answered else _unknown)
        return
    without = get_experiment(evidence, "no_client_certificate")
    if without is not None:
        if without.ending.kind in {"answered", "application_data", "completed"}:
            if without.ending.kind == "answered" and describe_refusal_without_certificate(evidence):
                yield from build_verdicts(runtimes, "fails", because, by_http)
            return  # otherwise it is not known whether the export is accepted then
        seen = without.handshake
        number = get_fatal_alert(seen) if seen is not None else None
    yield from build_verdicts(
        runtimes,
        "fails",
        because,
        lambda runtime: (
            printed.get_refusal_text(runtime, "close")
            if number is None
            else printed.get_alert_text(runtime, number)
        ),
    )


def _unknown(_: Runtime) -> str:
    return ""


def _refusal_text(
    runtime: Runtime, refused: Refusal | None, printed: RefusalTexts, *, by_http: bool
) -> str:
    if refused is None:
        return ""
    if by_http:
        return printed.get_refusal_text(runtime, "http")
    if refused.alert is None:
        return printed.get_refusal_text(runtime, "close")
    return printed.get_alert_text(runtime, refused.alert)
