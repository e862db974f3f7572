"""Where exporters differ from the probe: each rule fires on its evidence, and on no other."""

from pathlib import Path
from typing import Any

import msgspec.structs
import pytest
from hypothesis import given, settings

from probe.credential_facts import CertificateAtHand, CredentialFault
from probe.credentials.load import load_credentials
from probe.diagnosis import diagnose
from probe.evidence import Ending, Evidence, Experiment, Handshake, NameCheck
from probe.exporters.behaviour import by_exporter
from probe.exporters.runtime import RUNTIMES
from probe.exporters.verdict import Verdict
from probe.target import TlsSettings
from tests.golden.attempts import (
    HOST,
    TAKEN,
    alert,
    answered,
    answered_over_http,
    holding,
    over_http,
    refused,
    shaken,
    stopped_by_files,
    target,
    unconnected,
    unverified,
)
from tests.golden.build import CASES
from tests.golden.certificates import (
    BACKEND,
    CLIENT_CA,
    EXPORTER,
    ISSUING_CA,
    OTHER_CA,
    exporter,
)
from tests.unit.arbitrary_evidence import evidences
from tests.unit.credential_files import issue


def verdicts(evidence: Evidence) -> dict[str, Verdict]:
    """Return the verdicts by runtime."""
    return {one.runtime: one for one in by_exporter(evidence, diagnose(evidence))}


def outcomes(evidence: Evidence) -> dict[str, str]:
    """Return only how each runtime ends."""
    return {runtime: one.outcome for runtime, one in verdicts(evidence).items()}


def over_http_instead(evidence: Evidence) -> Evidence:
    """Return the same attempt of an OTLP/HTTP target."""
    return msgspec.structs.replace(evidence, target=over_http())


def marked(role: Any) -> CredentialFault:
    """Return what the credentials room says of a byte order mark."""
    fact = "begins with a UTF-8 byte order mark: OpenSSL reads past it"
    return CredentialFault(
        cause="client_file_malformed", role=role, path="/etc/otel/tls.crt", fact=fact
    )


@pytest.mark.parametrize(
    "evidence",
    [
        answered(),
        unconnected("refused", "ECONNREFUSED"),
        refused(48, EXPORTER),
        refused(45, exporter(ends=-3)),
        refused(116),
        refused("close"),
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
    """The backend tells them that one is required; OpenSSL clients hear unknown_ca, as the probe."""
    found = verdicts(refused(48, EXPORTER, listed=(OTHER_CA,), version=version))

    for runtime in ("collector", "go"):
        assert found[runtime].outcome == "fails"
        assert found[runtime].says == f"remote error: tls: {go}"
    assert found["java"].says == f"Received fatal alert: {java}"
    for runtime in ("python-grpc", "node-grpc", "curl"):
        assert found[runtime].outcome == "same"
        assert "unknown" in found[runtime].says.lower()
    assert "dotnet" not in found  # whether it filters was not checked


def test_a_listed_certificate_is_withheld_by_nobody() -> None:
    """An issuer on the list, or no list at all, leaves nothing to withhold for."""
    assert verdicts(refused(48, EXPORTER, listed=(CLIENT_CA,))) == {}
    assert verdicts(refused(48, EXPORTER, listed=())) == {}


def test_a_confirmed_target_may_yet_refuse_a_collector() -> None:
    """The backend takes the probe's certificate and lists another CA: Go sends none to it."""
    found = verdicts(answered(handshake=shaken(acceptable_cas=(OTHER_CA.subject,))))

    assert found["collector"].outcome == "fails"
    assert found["curl"] == Verdict("curl", "same", "", found["curl"].because)


def test_nginx_answers_those_without_a_certificate_in_http_too() -> None:
    """What nginx lets through the handshake is refused by HTTP 400, with a certificate or without."""
    found = verdicts(refused("http_400", EXPORTER, listed=(OTHER_CA,)))

    assert found["collector"].says == "responded with HTTP Status Code 400"
    assert found["python-grpc"].says == "Received http2 header with status: 400"


@pytest.mark.parametrize(
    ("ending", "handshake", "says"),
    [
        (Ending(stage="accept", kind="alert"), Handshake(alerts=(alert(42),)), "bad certificate"),
        (Ending(stage="accept", kind="close"), None, "error reading server preface: EOF"),
        (Ending(stage="export", kind="answered"), None, None),
    ],
    ids=["an alert", "a close", "let in"],
)
def test_an_experiment_knows_better(
    ending: Ending, handshake: Handshake | None, says: str | None
) -> None:
    """What the probe saw without a certificate is what a runtime that sends none will see."""
    tried = Experiment(varied="no_client_certificate", at=0.0, ending=ending, handshake=handshake)
    other = Experiment(varied="tls_1.2", at=0.0, ending=Ending(stage="accept", kind="reset"))
    found = verdicts(refused(48, EXPORTER, listed=(OTHER_CA,), experiments=(other, tried)))

    assert (says in found["collector"].says) if says else ("collector" not in found)


def test_a_byte_order_mark_is_read_by_openssl_alone() -> None:
    """A remark of a target that is well: Go, Java and grpcio would not start with this file."""
    seen = outcomes(answered(credentials=holding(EXPORTER, remarks=(marked("cert"),))))

    assert seen == dict.fromkeys(
        ("collector", "go", "java", "python-grpc"), "fails"
    ) | dict.fromkeys(("node-grpc", "curl"), "same")


def test_the_credentials_room_says_what_the_rule_looks_for(tmp_path: Path) -> None:
    """The remark about a real file with a byte order mark is the one that the rule reads."""
    issued = issue("checkout")
    (tmp_path / "tls.crt").write_bytes(b"\xef\xbb\xbf" + issued.pem)
    (tmp_path / "tls.key").write_bytes(issued.key_pem)
    tls = TlsSettings(cert_file=str(tmp_path / "tls.crt"), key_file=str(tmp_path / "tls.key"))
    facts = load_credentials(tls, source_kinds=()).facts

    assert outcomes(answered(credentials=facts))["collector"] == "fails"


def test_a_collector_stopped_by_a_byte_order_mark_is_alone_with_go() -> None:
    """As the fault that ends a Collector's attempt it stops Go the same, and OpenSSL not at all."""
    found = verdicts(stopped_by_files(marked("key"), target=over_http()))

    assert (found["go"].outcome, found["curl"].outcome) == ("same", "works")
    assert found["go"].says == "tls: failed to find any PEM data in key input"
    assert found["python-http"].outcome == "works"
    assert "java" not in found


def test_behind_a_byte_order_mark_go_takes_the_second_certificate_for_the_first() -> None:
    """With an intermediate behind it, Go finds a pair that does not match."""
    chain = (exporter(ISSUING_CA), ISSUING_CA)
    found = verdicts(answered(credentials=holding(*chain, remarks=(marked("cert"),))))

    assert found["go"].says == "tls: private key does not match public key"


def test_a_byte_order_mark_in_a_bundle_hides_only_its_first() -> None:
    """Of several CA certificates Go still sees the others: nothing is claimed."""
    lone = holding(EXPORTER, remarks=(marked("ca"),))
    several = msgspec.structs.replace(lone, ca_bundle=(CLIENT_CA, OTHER_CA))

    assert verdicts(answered(credentials=lone))["collector"].says == "failed to parse cert"
    assert "collector" not in verdicts(answered(credentials=several))


@pytest.mark.parametrize("cause", ["client_file_missing", "server_ca_file_missing"])
def test_pythons_grpc_exporter_goes_on_without_a_file(cause: str) -> None:
    """It logs the missing file; over HTTP it says so at each export, as others do at their start."""
    fault = CredentialFault(cause=cause, role="cert", path="/etc/otel/x", fact="is not there")
    evidence = stopped_by_files(fault)

    assert outcomes(evidence) == {"python-grpc": "fails"}
    assert outcomes(over_http_instead(evidence)) == {}


def test_curl_asks_for_a_passphrase() -> None:
    """An encrypted key stops everybody; only a person at a terminal is asked."""
    fault = CredentialFault(cause="client_key_encrypted", role="key", path="/k", fact="encrypted")

    assert verdicts(stopped_by_files(fault))["curl"].says == "Enter PEM pass phrase:"


def test_openssl_loads_no_certificate_signed_with_sha1() -> None:
    """Go and Java send it; CPython, Node and curl stop before they connect."""
    evidence = answered(credentials=holding(exporter(signature_hash="sha1")))

    assert outcomes(evidence) == {"node-grpc": "fails", "curl": "fails"}
    assert "python-http" in outcomes(over_http_instead(evidence))


def test_openssl_at_level_2_loads_no_short_key() -> None:
    """Node 20 runs at level 1 and sends it, CPython and Debian's curl don't."""
    evidence = answered_over_http(
        TAKEN, credentials=holding(exporter(key_type="RSA", key_bits=1024))
    )

    assert outcomes(evidence) == {"python-http": "fails", "curl": "fails"}


def test_nobody_gets_as_far_as_its_files_without_a_connection() -> None:
    """A port that nothing listens on refuses all alike, whatever the certificate."""
    weak = holding(exporter(signature_hash="sha1"))

    assert verdicts(unconnected("refused", "ECONNREFUSED", credentials=weak)) == {}


def cn_only(**check: Any) -> Evidence:
    """Return an attempt that stopped over a server certificate with a CN and no SAN."""
    known = {"reference": HOST, "matched": False, "common_name": HOST.upper()}
    return unverified(BACKEND, shake={"name_check": NameCheck(**known | check)})


def test_a_common_name_is_a_name_to_some() -> None:
    """Java, grpcio, Node and curl take it; Go and urllib3 stop as the probe does."""
    found = outcomes(cn_only())

    assert found == dict.fromkeys(("collector", "go"), "same") | dict.fromkeys(
        ("java", "python-grpc", "node-grpc", "curl"), "works"
    )
    assert outcomes(over_http_instead(cn_only()))["python-http"] == "same"


@pytest.mark.parametrize(
    "evidence",
    [
        cn_only(presented=("DNS:other.example.com",)),
        cn_only(common_name="other.example.com"),
        cn_only(reference="192.0.2.10", common_name="192.0.2.10"),
        unverified(
            BACKEND,
            errors=[(20, 0)],
            shake={"name_check": NameCheck(reference=HOST, matched=False, common_name=HOST)},
        ),
    ],
    ids=["SANs", "another CN", "an address", "no path either"],
)
def test_a_common_name_helps_only_where_it_is_all_that_is_wrong(evidence: Evidence) -> None:
    """A certificate with SANs, another CN or no path is refused by everybody."""
    assert "works" not in outcomes(evidence).values()


def test_a_weak_server_key_stops_only_openssl_at_level_2() -> None:
    """RSA-1024 passes in Go, Java, Node and grpcio; a CA's SHA-1 signature in Java and grpcio."""
    short = msgspec.structs.replace(BACKEND, key_type="RSA", key_bits=1024)
    sha1 = msgspec.structs.replace(BACKEND, signature_hash="sha1")

    assert outcomes(answered(handshake=shaken(server_chain=(short,)))) == {"curl": "fails"}
    assert outcomes(unverified(sha1)) == {"java": "works", "python-grpc": "works"}
    blind = target(insecure_skip_verify=True)
    assert outcomes(answered(handshake=shaken(server_chain=(short,)), target=blind)) == {}


def completed(path: str, *chain: Any) -> Evidence:
    """Return a refusal over a missing intermediate that is at hand in `path`."""
    at_hand = (
        CertificateAtHand(path=path, certificate=ISSUING_CA),
        CertificateAtHand(path=path, certificate=CLIENT_CA),
    )
    files = holding(*(chain or (exporter(ISSUING_CA),)), continuation=at_hand)
    return refused(48, *files.client_chain, credentials=files)


def test_openssl_sends_an_intermediate_out_of_ca_file() -> None:
    """curl, CPython and Node get in where a Collector with the same files is refused."""
    found = outcomes(completed("/etc/otel/ca.crt"))

    assert {found["curl"], found["node-grpc"]} == {"works"}
    assert found["collector"] == "fails"
    assert found["python-grpc"] == "same"  # BoringSSL completes nothing


def test_an_intermediate_elsewhere_is_sent_by_nobody() -> None:
    """What lies beside cert_file is in nobody's trust store."""
    assert "works" not in outcomes(completed("/etc/otel/issuing.pem")).values()


def test_pythons_grpc_exporter_needs_a_ca_file_for_its_certificate() -> None:
    """With the system's roots it sends no client certificate, whatever is configured."""
    alone = target(ca_file="")
    found = verdicts(answered(target=alone))

    assert found["python-grpc"].says.endswith("TLSV1_ALERT_CERTIFICATE_REQUIRED")
    assert set(found) == {"python-grpc"}
    none_asked = shaken(client_certificate_requested=False, client_certificate_sent=False)
    assert verdicts(answered(target=alone, handshake=none_asked)) == {}


def test_dotnet_withholds_what_is_not_made_for_clients() -> None:
    """A server's certificate in the exporter's place: a lax backend takes it, .NET sends nothing."""
    server_only = exporter(usage=("serverAuth",))

    assert outcomes(answered(credentials=holding(server_only))) == {"dotnet": "fails"}
    assert outcomes(refused(43, server_only)) == {"dotnet": "fails"}


def test_a_silent_refusal_has_other_words_in_each_log() -> None:
    """A backend that closes without an alert leaves words about connections, none of certificates."""
    found = verdicts(refused("close", EXPORTER, listed=()))

    assert {one.outcome for one in found.values()} == {"same"}
    assert found["collector"].says == "error reading server preface: EOF"
    assert found["curl"].says == "Send failure: Broken pipe"
    assert verdicts(refused(46, EXPORTER, listed=())) == {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_verdicts_are_in_order_and_say_why(case: Any) -> None:
    """One for a runtime at most, in the order of all runtimes, of the target's protocol."""
    found = by_exporter(case.evidence, diagnose(case.evidence))
    order = [runtime.id for runtime in RUNTIMES]
    foreign = "-http" if case.evidence.target.protocol == "grpc" else "-grpc"

    assert [one.runtime for one in found] == sorted({one.runtime for one in found}, key=order.index)
    assert all(one.because and not one.runtime.endswith(foreign) for one in found)


@settings(max_examples=60, deadline=None)
@given(evidences)
def test_no_evidence_makes_it_fail(evidence: Evidence) -> None:
    """Whatever an attempt saw, the answer is a tuple of verdicts (law 2)."""
    found = by_exporter(evidence, diagnose(evidence))

    assert all(one.outcome in {"same", "works", "fails"} for one in found)
