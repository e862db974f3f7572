"""Stories of backends that take clients without a certificate, and of those that only seem to."""

import msgspec.structs

from probe.model.evidence import Answer, Ending, Evidence, Experiment
from tests.stories.story import story
from tests.support.certificate_facts import AT
from tests.support.evidence import (
    alert,
    answered_attempt,
    complete_handshake,
    held_credentials,
    target,
    with_control,
)

UNASKED = complete_handshake(client_certificate_requested=False, client_certificate_sent=False)
CONFIGURED = target(client_certificate_configured=True)
SUCCESS = Answer(
    over="h2", http_status=200, content_type="application/grpc", grpc_status=0, body_end="whole"
)


def without_certificate(answer: Answer | None, *, ends: Ending | None = None) -> Evidence:
    """Return an accepted attempt, and one experiment that showed no certificate."""
    without = Experiment(
        varied="no_client_certificate",
        at=AT,
        ending=ends or Ending(stage="export", kind="answered"),
        handshake=complete_handshake(client_certificate_sent=False),
        answer=answer,
    )
    return with_control(answered_attempt(target=CONFIGURED), without)


@story("export", outcome="confirmed", findings=("client_cert_not_requested",))
def client_cert_not_requested() -> Evidence:
    """A receiver with ca_file in place of client_ca_file never asks for a certificate."""
    return answered_attempt(target=CONFIGURED, handshake=UNASKED)


@story("export", outcome="confirmed", findings=("client_cert_not_requested",))
def client_cert_not_requested__asked_and_not_needed() -> Evidence:
    """Nginx with ssl_verify_client optional asks, and takes an export without a certificate."""
    return without_certificate(SUCCESS)


@story("export", outcome="confirmed", findings=("client_cert_not_requested",))
def client_cert_not_requested__by_expectation() -> Evidence:
    """The configuration demands that the backend asks; the probe has no certificate to show."""
    return answered_attempt(
        target=target(client_certificate_configured=False, expect_requested=True),
        credentials=held_credentials(),
        handshake=UNASKED,
    )


@story("export", outcome="confirmed")
def confirmed__insisting() -> Evidence:
    """The experiment without a certificate was refused by certificate_required."""
    refused = without_certificate(None, ends=Ending(stage="accept", kind="alert"))
    *others, last = refused.experiments
    shaken = complete_handshake(client_certificate_sent=False, alerts=(alert(116),))
    last = msgspec.structs.replace(last, handshake=shaken)
    return msgspec.structs.replace(refused, experiments=(*others, last))


@story("export", outcome="confirmed")
def confirmed__insisting_above_tls() -> Evidence:
    """Nginx with ssl_verify_client on finishes any handshake, and answers 400 to the request."""
    return without_certificate(
        Answer(over="h2", http_status=400, content_type="text/html", body_end="whole")
    )


@story("export", outcome="confirmed")
def confirmed__no_certificate_configured() -> Evidence:
    """Who has no client certificate misses nothing where none is asked for."""
    bare = target(client_certificate_configured=False, cert_file="", key_file="")
    return answered_attempt(target=bare, credentials=held_credentials(), handshake=UNASKED)
