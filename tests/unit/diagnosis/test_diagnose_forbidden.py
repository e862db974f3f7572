"""Who forbids a request over the client certificate above TLS: proxies that do not insist on one."""

import msgspec.structs
import pytest

from probe.diagnosis.diagnose import diagnose
from probe.model.evidence import Answer, Evidence
from tests.support.certificate_facts import EXPORTER, OTHER_CA, exporter
from tests.support.evidence import (
    TAKEN,
    answered_attempt,
    complete_handshake,
    refused_attempt,
    target,
)

NONE_CONFIGURED = target(client_certificate_configured=False, cert_file="", key_file="")
TOKEN = msgspec.structs.replace(NONE_CONFIGURED, header_names=("authorization",))


def page(status: int) -> Answer:
    """Return the page of a proxy."""
    return Answer(over="h2", http_status=status, content_type="text/html", message="go away")


def without_certificate(answer: Answer, **fields: object) -> Evidence:
    """Return an attempt without the certificate that the backend asked for."""
    handshake = complete_handshake(client_certificate_sent=False)
    return answered_attempt(answer, **{"handshake": handshake, "target": NONE_CONFIGURED, **fields})


@pytest.mark.parametrize(
    ("evidence", "cause", "also"),
    [
        (without_certificate(page(403)), "client_cert_not_sent", "otlp_permission_denied"),
        (
            without_certificate(msgspec.structs.replace(TAKEN, grpc_status=7)),
            "client_cert_not_sent",
            "otlp_permission_denied",
        ),
        (
            without_certificate(page(403), target=TOKEN),
            "otlp_permission_denied",
            "client_cert_not_sent",
        ),
        (without_certificate(page(401)), "otlp_unauthenticated", "client_cert_not_sent"),
        (
            without_certificate(msgspec.structs.replace(TAKEN, grpc_status=16)),
            "otlp_unauthenticated",
            "client_cert_not_sent",
        ),
        (
            msgspec.structs.replace(
                refused_attempt("http_400", EXPORTER, listed=(OTHER_CA,)), answer=page(401)
            ),
            "otlp_unauthenticated",
            "client_ca_untrusted",
        ),
    ],
    ids=["403", "grpc 7", "403 and a token", "401", "grpc 16", "401, unlisted"],
)
def test_a_certificate_that_was_asked_for_may_be_what_is_missing(
    evidence: Evidence, cause: str, also: str
) -> None:
    """Nginx with ssl_verify_client optional goes on without one, and its rules say no."""
    found = diagnose(evidence)
    assert (found.cause, found.certain, found.also) == (cause, False, (also,))
    assert found.would_decide


def test_a_backend_that_asked_for_none_forbids_for_another_reason() -> None:
    """Without a CertificateRequest, 403 is about a token or an address."""
    handshake = complete_handshake(
        client_certificate_requested=False, client_certificate_sent=False
    )
    found = diagnose(without_certificate(page(403), handshake=handshake))
    assert (found.cause, found.certain, found.also) == ("otlp_permission_denied", True, ())


@pytest.mark.parametrize(
    ("refused", "cause"),
    [
        (refused_attempt("http_400", exporter(ends=-1)), "client_cert_expired"),
        (refused_attempt("http_400", exporter(usage=("serverAuth",))), "client_cert_wrong_usage"),
        (refused_attempt("http_400", EXPORTER, listed=(OTHER_CA,)), "client_ca_untrusted"),
    ],
    ids=["expired", "wrong usage", "unlisted"],
)
def test_a_403_over_a_proven_fault_is_a_refusal_of_the_certificate(
    refused: Evidence, cause: str
) -> None:
    """Httpd with optional_no_ca and `Require ssl-verify-client` answers 403; a receiver's is its own."""
    forbidden = diagnose(msgspec.structs.replace(refused, answer=page(403)))
    assert (forbidden.cause, forbidden.certain) == (cause, True)

    own = msgspec.structs.replace(page(403), content_type="application/x-protobuf")
    assert diagnose(msgspec.structs.replace(refused, answer=own)).cause == "otlp_permission_denied"


def test_what_the_proxy_says_is_shown() -> None:
    """The page of a 403 often names the rule."""
    found = diagnose(answered_attempt(page(403)))
    assert found.cause == "client_san_rejected"
    assert found.facts[0].endswith(': "go away"')
