"""diagnose() is pure and total: whatever the evidence, the same and a well-formed diagnosis."""

from hypothesis import HealthCheck, given, settings

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.diagnose import diagnose
from probe.model.certificate import CertificateFacts, name_certificate
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence, from_json, to_json
from probe.model.older_evidence import needs_upgrade
from tests.support.arbitrary_evidence import certificates, evidences


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(evidences)
def test_any_evidence_gets_a_well_formed_diagnosis(evidence: Evidence) -> None:
    """No evidence raises, and no diagnosis breaks the promises of the contract."""
    before = to_json(evidence)
    found = diagnose(evidence)

    assert diagnose(evidence) == found
    assert to_json(evidence) == before
    if not needs_upgrade(before):  # as an earlier version may have written it
        assert diagnose(from_json(before)) == found
    check(found, evidence)


def check(found: Diagnosis, evidence: Evidence) -> None:
    """Assert what is true of every diagnosis."""
    assert found.stage == evidence.ending.stage
    assert found.facts
    assert len(set(found.also)) == len(found.also)
    assert set(found.also) <= CATALOGUE.keys()
    assert {finding.cause for finding in found.findings} <= CATALOGUE.keys()
    assert (found.cause is not None) == (found.outcome == "failed")
    if found.cause is None:
        assert (found.family, found.documented_cause, found.also, found.fix) == (None, 0, (), ())
        assert found.certain == (found.outcome == "confirmed")
        return
    cause = CATALOGUE[found.cause]
    assert (found.family, found.documented_cause) == (cause.family, cause.documented_cause)
    assert found.cause not in found.also
    assert found.cause != "tls_off" or evidence.target.plaintext
    if not found.certain:
        assert found.also or found.cause == "unexplained"
    if found.cause == "probe_fault" or evidence.ending.kind == "probe_fault":
        assert found.cause == "probe_fault"


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(certificates)
def test_a_certificate_always_has_a_name(certificate: CertificateFacts) -> None:
    """Its subject, else its first SAN, else that it has none."""
    assert isinstance(name_certificate(certificate), str)
