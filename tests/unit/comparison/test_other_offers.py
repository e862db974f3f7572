"""Which exporters pass where the target's finds nothing in common with the backend."""

import pytest

from probe.comparison.by_exporter import compare_exporters
from probe.diagnosis.diagnose import diagnose
from probe.model.evidence import Evidence
from probe.report.message_table import load_refusal_texts
from tests.stories.all_stories import BY_NAME


def find_working(evidence: Evidence) -> set[str]:
    """Return the runtimes that work, by what `by_exporter` says."""
    verdicts = compare_exporters(evidence, diagnose(evidence), load_refusal_texts())
    return {one.runtime for one in verdicts if one.outcome == "works"}


def test_rsa_key_exchange_is_offered_by_openssl_s_clients() -> None:
    """Node's and curl's exporters have it; Go, JSSE, BoringSSL and CPython's list do not."""
    evidence = BY_NAME["no_shared_cipher--of_no_exporter_in_go"].evidence
    assert {"node-grpc"} <= find_working(evidence) <= {"node-grpc", "curl"}


def test_a_large_hello_stops_those_with_hybrid_groups_alone() -> None:
    """Java's exporters and Node's send no key of ML-KEM; grpcio and Go do."""
    working = find_working(BY_NAME["client_hello_too_large"].evidence)
    assert {"java-grpc", "java-okhttp", "node-grpc"} <= working
    assert not {"go-grpc", "python-grpc"} & working


def test_ed448_is_accepted_by_openssl_and_java() -> None:
    """Go and BoringSSL have no Ed448."""
    evidence = BY_NAME["no_shared_signature_algorithm--of_the_backend"].evidence
    assert not {"go-grpc", "python-grpc"} & find_working(evidence)


def test_a_second_handshake_is_met_by_those_that_renegotiate() -> None:
    """Python's, Node's and curl's; Go and the JDK's client stop."""
    working = find_working(BY_NAME["client_cert_by_renegotiation"].evidence)
    assert {"python-http", "node-http", "curl"} <= working
    assert not {"go-http", "java-jdk"} & working


@pytest.mark.parametrize(
    "evidence",
    [BY_NAME["no_shared_group"].evidence, BY_NAME["handshake_rejected"].evidence],
    ids=["a setting of its own", "nothing tried"],
)
def test_what_is_not_known_is_not_said(evidence: Evidence) -> None:
    """Without a further handshake nothing is known of what the backend wants."""
    assert "collector" not in find_working(evidence)
