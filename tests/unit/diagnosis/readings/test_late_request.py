"""Backends that want the client certificate only once they have read the request."""

import msgspec.structs

from probe.comparison.other_offers import judge_offer
from probe.diagnosis.diagnose import diagnose
from probe.diagnosis.readings.enforcement import describe_acceptance_of_anyone
from probe.model.evidence import Answer, Evidence
from tests.support.evidence import answered_attempt, attempt, complete_handshake, http_target

UNASKED = complete_handshake(
    client_certificate_requested=False, client_certificate_sent=False, acceptable_cas=()
)
HTTPD = (
    "403 Forbidden Forbidden You don't have permission to access this resource."
    "Reason: Cannot perform Post-Handshake Authentication."
)


def forbidden(message: str) -> Evidence:
    """Return an attempt that Apache httpd answered with 403."""
    answer = Answer(over="http/1.1", http_status=403, content_type="text/html", message=message)
    return answered_attempt(answer, handshake=UNASKED, target=http_target())


def test_httpd_that_names_post_handshake_authentication_wants_the_certificate_late() -> None:
    """No access rule is broken: the backend could not ask, so it is not open to anybody either."""
    evidence = forbidden(HTTPD)
    found = diagnose(evidence)
    assert (found.cause, found.certain, found.also) == ("client_cert_by_renegotiation", True, ())
    assert describe_acceptance_of_anyone(evidence) == ""
    assert {one.runtime for one in judge_offer(evidence, found)} == {"curl", "python-http"}
    assert diagnose(forbidden("Forbidden")).cause == "otlp_permission_denied"


def test_a_demand_for_http1_before_a_certificate_was_asked_for_names_the_same() -> None:
    """RST_STREAM 13: RFC 9113 gives it to servers that would have to renegotiate."""
    reset = attempt("export", "close", handshake=UNASKED)
    demand = msgspec.structs.replace(
        reset, ending=msgspec.structs.replace(reset.ending, http2_error=13, detail="RST_STREAM")
    )
    found = diagnose(demand)
    assert (found.cause, found.certain) == ("client_cert_by_renegotiation", False)
    assert found.also == ("connection_closed",)

    asked = msgspec.structs.replace(demand, handshake=complete_handshake())
    assert diagnose(asked).cause == "connection_closed"
