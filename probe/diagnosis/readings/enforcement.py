"""Whether the backend insists on a client certificate: what the handshake and an experiment show. Pure.

The experiment makes the same connection without the certificate. At the depths otlp and canary it
sends the empty Export request too, without the target's headers: nginx and the like refuse a client
above TLS only. What stays open (no experiment yet, an answer that is about something else) is never
taken for an answer.
"""

from typing import Final

from probe.diagnosis.readings.backend_decision import REFUSAL_ALERTS, is_confirmed
from probe.diagnosis.readings.experiment_results import get_experiment
from probe.diagnosis.readings.late_request import was_asked_late
from probe.diagnosis.readings.otlp_answers import is_successful_answer
from probe.model.evidence import Evidence
from probe.model.tls_alerts import format_alert, get_fatal_alert

_BAD_REQUEST: Final = 400


def describe_acceptance_of_anyone(evidence: Evidence) -> str:
    """Say by what the backend was seen to take clients without a certificate; empty if it was not.

    Only a finished handshake with a server that verified says anything: it is the backend then.
    """
    handshake = evidence.handshake
    if handshake is None or not handshake.complete:
        return ""
    if not (handshake.server_verified or evidence.target.insecure_skip_verify):
        return ""
    if not handshake.client_certificate_requested:
        if not (is_confirmed(evidence) or evidence.answer is not None):
            return ""  # a close after the handshake: who knows what it wanted
        if was_asked_late(evidence):
            return ""
        return (
            f"the backend finished the TLS {handshake.version} handshake without asking for a client "
            "certificate (it sent no CertificateRequest)"
        )
    if not is_confirmed(evidence):
        return ""
    if not handshake.client_certificate_sent:
        return (
            "the backend asked for a client certificate, received none, and accepted the exporter"
        )
    without = get_experiment(evidence, "no_client_certificate")
    if without is None or without.answer is None or without.ending.kind != "answered":
        return ""
    if not is_successful_answer(evidence.target.protocol, without.answer):
        return ""
    return (
        "the backend asks for a client certificate and does not insist on one: an export without "
        "any certificate was accepted too"
    )


def describe_refusal_without_certificate(evidence: Evidence) -> str:
    """Say how the backend refused the experiment without a certificate; empty if it did not."""
    without = get_experiment(evidence, "no_client_certificate")
    if without is None:
        return ""
    number = None if without.handshake is None else get_fatal_alert(without.handshake)
    if without.ending.kind == "alert" and number in REFUSAL_ALERTS:
        return f"with alert {format_alert(number)}"
    if without.ending.kind in {"close", "reset"}:
        return "by ending the connection without an alert"
    answer = without.answer
    if without.ending.kind == "answered" and answer is not None and answer.grpc_status is None:
        return "with HTTP 400" if answer.http_status == _BAD_REQUEST else ""
    return ""
