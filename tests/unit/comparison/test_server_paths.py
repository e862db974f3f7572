"""Exporters that judge the backend's certificates otherwise, by the verdicts of their own models."""

import msgspec.structs

from probe.model.evidence import Evidence
from probe.model.later_judgement import RuntimePath
from probe.model.path_fault import PathFault
from tests.support.certificate_facts import BACKEND
from tests.support.evidence import answered_attempt, target, unverified_attempt
from tests.support.exporter_verdicts import verdicts

WEAK = PathFault(
    kind="weak_key",
    subject="CN=backend",
    sha256=BACKEND.sha256,
    position=0,
    value="RSA 1024 bits",
    limit="2048 bits",
    says="EE certificate key too weak",
)


def with_others(evidence: Evidence, **faults: tuple[PathFault, ...]) -> Evidence:
    """Return `evidence` with what other runtimes make of the chain."""
    others = tuple(
        RuntimePath(runtime=runtime.replace("_", "-"), faults=found)
        for runtime, found in faults.items()
    )
    return msgspec.structs.replace(evidence, other_paths=others)


def test_who_refuses_what_the_targets_exporter_trusts() -> None:
    """Certificate, rule and values are in the reason, the words of its log in `says`."""
    found = verdicts(with_others(answered_attempt(), curl=(WEAK,)))["curl"]

    assert (found.outcome, found.says) == ("fails", "EE certificate key too weak")
    assert "RSA 1024 bits" in found.because
    assert found.why == found.because
    assert "OpenSSL" in found.measured


def test_who_trusts_what_the_targets_exporter_refuses() -> None:
    """It passes the point at which the attempt stopped."""
    seen = unverified_attempt(BACKEND, faults=(("critical_extension", 0),))

    found = verdicts(with_others(seen, node_grpc=(), rust_tonic=(WEAK,)))

    assert found["node-grpc"].outcome == "works"
    assert "critical extension" in found["node-grpc"].because
    assert found["rust-tonic"].outcome == "same"
    assert "rustls" in found["rust-tonic"].measured


def test_whoever_trusts_every_server_is_asked_nothing() -> None:
    """With insecure_skip_verify no exporter looks at the path."""
    blind = answered_attempt(target=target(insecure_skip_verify=True))

    assert verdicts(with_others(blind, curl=(WEAK,))) == {}
