"""Where exporters differ from the probe: each rule fires on its evidence, and on no other."""

from typing import Any

import msgspec.structs
import pytest
from hypothesis import given, settings

from probe.comparison.by_exporter import compare_exporters
from probe.comparison.verdict import Verdict
from probe.diagnosis.diagnose import diagnose
from probe.model.evidence import Ending, Evidence, Experiment, Handshake
from probe.model.runtime import RUNTIMES
from probe.report.message_table import load_refusal_texts
from tests.stories.all_stories import STORIES
from tests.stories.story import Story
from tests.support.arbitrary_evidence import evidences
from tests.support.certificate_facts import (
    CLIENT_CA,
    EXPORTER,
    OTHER_CA,
    exporter,
)
from tests.support.every_row import every_row
from tests.support.evidence import (
    alert,
    answered_attempt,
    complete_handshake,
    held_credentials,
    refused_attempt,
    target,
    unconnected_attempt,
)
from tests.support.exporter_verdicts import outcomes, verdicts


@pytest.mark.parametrize(
    "evidence",
    [
        answered_attempt(),
        unconnected_attempt("refused", "ECONNREFUSED"),
        refused_attempt(48, EXPORTER),
        refused_attempt(45, exporter(ends=-3)),
        refused_attempt(116),
        refused_attempt("close"),
    ],
    ids=["confirmed", "refused port", "reissued", "expired", "none sent", "none sent, silent"],
)
def test_where_all_do_the_same_nothing_is_said(evidence: Evidence) -> None:
    """No rule speaks where every exporter would end as the probe did."""
    assert verdicts(evidence) == {}


@pytest.mark.parametrize(
    ("version", "go", "java"),
    [
        ("1.3", "certificate required", "certificate_required"),
        ("1.2", "handshake failure", "handshake_failure"),
    ],
)
def test_go_and_java_withhold_an_unlisted_certificate(version: Any, go: str, java: str) -> None:
    """The backend tells them that one is required; OpenSSL clients receive unknown_ca, as the probe."""
    found = verdicts(refused_attempt(48, EXPORTER, listed=(OTHER_CA,), version=version))

    assert found["go-grpc"].outcome == "fails"
    assert found["go-grpc"].says == f"remote error: tls: {go}"
    assert found["java-grpc"].says == f"Received fatal alert: {java}"
    for runtime in ("python-grpc", "node-grpc", "curl"):
        assert found[runtime].outcome == "same"
        assert "unknown" in found[runtime].says.lower()
    assert "dotnet" not in found  # whether it filters was not checked
    assert "collector" not in found  # it is the target's own exporter


def test_a_collector_sends_what_an_sdk_in_go_withholds() -> None:
    """Its configtls gives GetClientCertificate, which crypto/tls does not compare with the list."""
    as_sdk = target(exporter="go-grpc")
    found = verdicts(refused_attempt(48, EXPORTER, listed=(OTHER_CA,), target=as_sdk))

    assert found["collector"].outcome == "same"
    assert found["collector"].says == "remote error: tls: unknown certificate authority"
    assert "go-grpc" not in found


def test_a_listed_certificate_is_withheld_by_nobody() -> None:
    """An issuer on the list, or no list at all, leaves nothing to withhold for."""
    assert verdicts(refused_attempt(48, EXPORTER, listed=(CLIENT_CA,))) == {}
    assert verdicts(refused_attempt(48, EXPORTER, listed=())) == {}


def test_a_confirmed_target_may_yet_refuse_an_sdk() -> None:
    """The backend takes the probe's certificate and lists another CA: Go's SDK sends none to it."""
    found = verdicts(
        answered_attempt(handshake=complete_handshake(acceptable_cas=(OTHER_CA.subject,)))
    )

    assert found["go-grpc"].outcome == "fails"
    assert found["curl"] == Verdict("curl", "same", "", found["curl"].because)


def test_nginx_answers_those_without_a_certificate_in_http_too() -> None:
    """What nginx lets through the handshake is refused by HTTP 400, with a certificate or without."""
    found = verdicts(refused_attempt("http_400", EXPORTER, listed=(OTHER_CA,)))

    assert found["java-okhttp"].says == "400 Bad Request"
    assert found["python-grpc"].says == "Received http2 header with status: 400"


@pytest.mark.parametrize(
    ("ending", "handshake", "says"),
    [
        (Ending(stage="accept", kind="alert"), Handshake(alerts=(alert(42),)), "bad certificate"),
        (Ending(stage="accept", kind="close"), None, "error reading server preface: EOF"),
        (Ending(stage="export", kind="answered"), None, None),
    ],
    ids=["an alert", "a close", "accepted"],
)
def test_an_experiment_knows_better(
    ending: Ending, handshake: Handshake | None, says: str | None
) -> None:
    """What the probe saw without a certificate is what a runtime that sends none will see."""
    tried = Experiment(varied="no_client_certificate", at=0.0, ending=ending, handshake=handshake)
    other = Experiment(varied="tls_1.2", at=0.0, ending=Ending(stage="accept", kind="reset"))
    seen = refused_attempt(48, EXPORTER, listed=(OTHER_CA,))
    again = Experiment(varied="unvaried", at=0.0, ending=seen.ending, handshake=seen.handshake)
    found = verdicts(msgspec.structs.replace(seen, experiments=(again, other, tried)))

    assert (says in found["go-grpc"].says) if says else ("go-grpc" not in found)


def test_nobody_gets_as_far_as_its_files_without_a_connection() -> None:
    """A port that nothing listens on refuses all alike, whatever the certificate."""
    weak = held_credentials(exporter(signature_hash="sha1"))

    assert verdicts(unconnected_attempt("refused", "ECONNREFUSED", credentials=weak)) == {}


def test_dotnet_withholds_what_is_not_made_for_clients() -> None:
    """A server's certificate in the exporter's place: a lax backend takes it, .NET sends nothing."""
    server_only = exporter(usage=("serverAuth",))

    assert outcomes(answered_attempt(credentials=held_credentials(server_only))) == {
        "dotnet": "fails"
    }
    assert outcomes(refused_attempt(43, server_only)) == {"dotnet": "fails"}


def test_a_silent_refusal_has_other_words_in_each_log() -> None:
    """A backend that closes without an alert leaves words about connections, none of certificates."""
    found = verdicts(refused_attempt("close", EXPORTER, listed=()))

    assert {one.outcome for one in found.values()} == {"same"}
    assert found["go-grpc"].says == "error reading server preface: EOF"
    assert found["curl"].says == "Send failure: Broken pipe"
    assert verdicts(refused_attempt(46, EXPORTER, listed=())) == {}


@every_row(story=STORIES)
def test_verdicts_are_in_order_and_say_why(story: Story) -> None:
    """One for a runtime at most, in the order of all runtimes, of the target's protocol."""
    found = compare_exporters(story.evidence, diagnose(story.evidence), load_refusal_texts())
    order = [runtime.id for runtime in RUNTIMES]
    foreign = "-http" if story.evidence.target.protocol == "grpc" else "-grpc"

    assert [one.runtime for one in found] == sorted({one.runtime for one in found}, key=order.index)
    assert all(one.because and not one.runtime.endswith(foreign) for one in found)


@settings(max_examples=60, deadline=None)
@given(evidences)
def test_no_evidence_makes_it_fail(evidence: Evidence) -> None:
    """Whatever an attempt saw, the answer is a tuple of verdicts."""
    found = compare_exporters(evidence, diagnose(evidence), load_refusal_texts())

    assert all(one.outcome in {"same", "works", "fails"} for one in found)
