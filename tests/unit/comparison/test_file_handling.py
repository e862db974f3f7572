"""Exporters that differ in what they make of the same files."""

from pathlib import Path
from typing import Any

import msgspec.structs
import pytest

from probe.credentials.load import load_credentials
from probe.model.certificate import LocatedCertificate
from probe.model.evidence import Evidence
from probe.model.finding import BYTE_ORDER_MARK, Finding
from probe.model.target import TlsSettings
from tests.support.certificate_facts import (
    CLIENT_CA,
    EXPORTER,
    ISSUING_CA,
    OTHER_CA,
    exporter,
)
from tests.support.evidence import (
    TAKEN,
    answered_attempt,
    answered_http_attempt,
    complete_handshake,
    held_credentials,
    http_target,
    refused_attempt,
    target,
    unstarted_attempt,
)
from tests.support.exporter_verdicts import outcomes, over_http_instead, verdicts
from tests.support.pki import issue


def marked(role: Any) -> Finding:
    """Return what the credentials room says of a byte order mark."""
    fact = "begins with a UTF-8 byte order mark: OpenSSL reads past it"
    return Finding(
        cause="client_file_malformed",
        role=role,
        path="/etc/otel/tls.crt",
        fact=fact,
        kind=BYTE_ORDER_MARK,
    )


def test_a_byte_order_mark_is_read_by_openssl_alone() -> None:
    """A remark of a target that is well: Go, Java and grpcio would not start with this file."""
    seen = outcomes(
        answered_attempt(credentials=held_credentials(EXPORTER, remarks=(marked("cert"),)))
    )

    assert seen == dict.fromkeys(
        ("go-grpc", "java-okhttp", "java-grpc", "python-grpc"), "fails"
    ) | dict.fromkeys(("node-grpc", "curl"), "same")


def test_the_credentials_room_says_what_the_rule_looks_for(tmp_path: Path) -> None:
    """The remark about a real file with a byte order mark is the one that the rule reads."""
    issued = issue("checkout")
    (tmp_path / "tls.crt").write_bytes(b"\xef\xbb\xbf" + issued.pem)
    (tmp_path / "tls.key").write_bytes(issued.key_pem)
    tls = TlsSettings(cert_file=str(tmp_path / "tls.crt"), key_file=str(tmp_path / "tls.key"))
    facts = load_credentials(tls, source_kinds=()).facts

    assert outcomes(answered_attempt(credentials=facts))["go-grpc"] == "fails"


def test_a_collector_stopped_by_a_byte_order_mark_is_alone_with_go() -> None:
    """As the fault that ends a Collector's attempt it stops Go the same, and OpenSSL not at all."""
    found = verdicts(unstarted_attempt(marked("key"), target=http_target()))

    assert (found["go-http"].outcome, found["curl"].outcome) == ("same", "works")
    assert found["go-http"].says == "tls: failed to find any PEM data in key input"
    assert found["python-http"].outcome == "works"
    assert not {"java-okhttp", "java-jdk", "java-grpc"} & found.keys()


def test_behind_a_byte_order_mark_go_takes_the_second_certificate_for_the_first() -> None:
    """With an intermediate behind it, Go finds a pair that does not match."""
    chain = (exporter(ISSUING_CA), ISSUING_CA)
    found = verdicts(
        answered_attempt(credentials=held_credentials(*chain, remarks=(marked("cert"),)))
    )

    assert found["go-grpc"].says == "tls: private key does not match public key"


def test_a_byte_order_mark_in_a_bundle_hides_only_its_first() -> None:
    """Of several CA certificates Go still sees the others: nothing is claimed."""
    lone = held_credentials(EXPORTER, remarks=(marked("ca"),))
    several = msgspec.structs.replace(lone, ca_bundle=(CLIENT_CA, OTHER_CA))

    assert verdicts(answered_attempt(credentials=lone))["go-grpc"].says == (
        "failed to append certificate to the cert pool"
    )
    assert "go-grpc" not in verdicts(answered_attempt(credentials=several))


@pytest.mark.parametrize("cause", ["client_file_missing", "server_ca_file_missing"])
def test_pythons_grpc_exporter_goes_on_without_a_file(cause: str) -> None:
    """It logs the missing file; over HTTP it says so at each export, as others do at their start."""
    fault = Finding(cause=cause, role="cert", path="/etc/otel/x", fact="is not there")
    evidence = unstarted_attempt(fault)

    assert outcomes(evidence) == {"python-grpc": "fails"}
    assert outcomes(over_http_instead(evidence)) == {}


def test_curl_asks_for_a_passphrase() -> None:
    """An encrypted key stops everybody; only a person at a terminal is asked."""
    fault = Finding(cause="client_key_encrypted", role="key", path="/k", fact="encrypted")

    assert verdicts(unstarted_attempt(fault))["curl"].says == "Enter PEM pass phrase:"


def test_openssl_loads_no_certificate_signed_with_sha1() -> None:
    """Go and Java send it; CPython, Node and curl stop before they connect."""
    evidence = answered_attempt(credentials=held_credentials(exporter(signature_hash="sha1")))

    assert outcomes(evidence) == {"node-grpc": "fails", "curl": "fails"}
    assert "python-http" in outcomes(over_http_instead(evidence))


def test_openssl_at_level_2_loads_no_short_key() -> None:
    """Node 20 runs at level 1 and sends it, CPython and Debian's curl don't."""
    evidence = answered_http_attempt(
        TAKEN, credentials=held_credentials(exporter(key_type="RSA", key_bits=1024))
    )

    assert outcomes(evidence) == {"python-http": "fails", "curl": "fails"}


def completed(path: str, *chain: Any) -> Evidence:
    """Return a refusal over a missing intermediate that is available in `path`."""
    at_hand = (
        LocatedCertificate(path=path, certificate=ISSUING_CA),
        LocatedCertificate(path=path, certificate=CLIENT_CA),
    )
    files = held_credentials(*(chain or (exporter(ISSUING_CA),)), unsent_issuers=at_hand)
    return refused_attempt(48, *files.client_chain, credentials=files)


def test_openssl_sends_an_intermediate_out_of_ca_file() -> None:
    """curl, CPython and Node get in where a Collector with the same files is refused."""
    found = outcomes(completed("/etc/otel/ca.crt"))

    assert {found["curl"], found["node-grpc"]} == {"works"}
    assert "collector" not in found  # the target's own exporter
    assert found["python-grpc"] == "same"  # BoringSSL completes nothing


def test_an_intermediate_elsewhere_is_sent_by_nobody() -> None:
    """A file next to cert_file is in no trust store."""
    assert "works" not in outcomes(completed("/etc/otel/issuing.pem")).values()


def test_pythons_grpc_exporter_needs_a_ca_file_for_its_certificate() -> None:
    """With the system's roots it sends no client certificate, whatever is configured."""
    alone = target(ca_file="")
    found = verdicts(answered_attempt(target=alone))

    assert found["python-grpc"].says.endswith("TLSV1_ALERT_CERTIFICATE_REQUIRED")
    assert set(found) == {"python-grpc"}
    none_asked = complete_handshake(
        client_certificate_requested=False, client_certificate_sent=False
    )
    assert verdicts(answered_attempt(target=alone, handshake=none_asked)) == {}
