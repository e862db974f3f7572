"""Exporters that differ in what they make of the same files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

from probe.credentials.load import load_credentials
from probe.model.certificate import CredentialFacts, LocatedCertificate
from probe.model.evidence import Evidence
from probe.model.target import TlsSettings
from tests.support.certificate_facts import (
    CLIENT_CA,
    ISSUING_CA,
    exporter,
)
from tests.support.evidence import (
    TAKEN,
    answered_attempt,
    answered_http_attempt,
    complete_handshake,
    held_credentials,
    refused_attempt,
    target,
    unstarted_attempt,
)
from tests.support.exporter_verdicts import outcomes, over_http_instead, verdicts
from tests.support.pki import issue, key_pem

ROOT = issue("root", ca=True)


def loaded(folder: Path, pem: Mapping[str, bytes], name: str = "collector") -> CredentialFacts:
    """Return the facts of these files of an exporter, written under their settings' names."""
    for setting, raw in pem.items():
        (folder / setting).write_bytes(raw)
    paths = {setting: str(folder / setting) for setting in pem}
    return load_credentials(TlsSettings(**paths), exporter=name).facts


ISSUED = issue("checkout", ROOT)
GOOD = {"cert_file": ISSUED.pem, "key_file": ISSUED.key_pem, "ca_file": ROOT.pem}
ASKED = complete_handshake(acceptable_cas=())
"""A backend that asked for a certificate of any CA."""
MARK = b"\xef\xbb\xbf"


def stopped(facts: CredentialFacts) -> Evidence:
    """Return the attempt of an exporter that these files stop."""
    return unstarted_attempt(*facts.faults, credentials=facts)


def test_good_files_are_read_by_all(tmp_path: Path) -> None:
    """Nothing is said of files that every runtime reads."""
    assert outcomes(answered_attempt(handshake=ASKED, credentials=loaded(tmp_path, GOOD))) == {}


def test_a_byte_order_mark_is_read_by_openssl_and_netty(tmp_path: Path) -> None:
    """Go, most of Java and grpcio would not start with this file; Netty's reader is a lenient one."""
    files = GOOD | {"cert_file": MARK + ISSUED.pem}
    settings = target(exporter="curl")
    facts = loaded(tmp_path, files, "curl")

    seen = answered_attempt(target=settings, handshake=ASKED, credentials=facts)
    assert outcomes(seen) == dict.fromkeys(
        ("collector", "go-grpc", "java-okhttp", "python-grpc"), "fails"
    )


def test_what_stops_a_collector_and_not_openssl(tmp_path: Path) -> None:
    """The runtimes that read the file as it is are named; those that stop as well are not."""
    facts = loaded(tmp_path, GOOD | {"key_file": MARK + ISSUED.key_pem})
    found = verdicts(over_http_instead(stopped(facts)))

    assert {one: found[one].outcome for one in found} == dict.fromkeys(
        ("python-http", "node-http", "curl"), "works"
    )
    assert "/key_file" in found["curl"].because or "key" in found["curl"].because


def test_behind_a_byte_order_mark_go_takes_the_second_certificate_for_the_first(
    tmp_path: Path,
) -> None:
    """With an intermediate behind it, Go finds a pair that does not match."""
    chain = MARK + ISSUED.pem + ROOT.pem
    facts = loaded(tmp_path, GOOD | {"cert_file": chain}, "curl")
    found = verdicts(answered_attempt(target=target(exporter="curl"), credentials=facts))

    assert found["collector"].says == "tls: private key does not match public key"


@pytest.mark.parametrize("setting", ["cert_file", "ca_file"])
def test_pythons_grpc_exporter_goes_on_without_a_file(setting: str, tmp_path: Path) -> None:
    """It logs the missing file; others say so at their start or at each export."""
    facts = loaded(tmp_path, GOOD)
    (tmp_path / setting).unlink()
    paths = {name: str(tmp_path / name) for name in GOOD}
    facts = load_credentials(TlsSettings(**paths)).facts
    found = verdicts(stopped(facts))

    assert found["python-grpc"].outcome == "fails"
    assert "goes on without" in found["python-grpc"].because


def test_half_a_pair_ends_the_process_of_grpcio(tmp_path: Path) -> None:
    """It does not go on without a certificate: the whole process aborts."""
    facts = loaded(tmp_path, {name: GOOD[name] for name in ("cert_file", "ca_file")})
    found = verdicts(stopped(facts))

    assert found["python-grpc"].because.endswith("the whole process aborts")


def test_curl_asks_for_a_passphrase(tmp_path: Path) -> None:
    """An encrypted key stops everybody; only a person at a terminal is asked."""
    encrypted = key_pem(ISSUED.key, encryption=BestAvailableEncryption(b"passphrase"))
    facts = loaded(tmp_path, GOOD | {"key_file": encrypted})

    assert verdicts(stopped(facts))["curl"].says == "Enter PEM pass phrase:"


def test_openssl_at_level_2_loads_no_short_key(tmp_path: Path) -> None:
    """Node 20 runs at level 1 and sends it, CPython and Debian's curl don't."""
    short = issue("checkout", ROOT, key=rsa.generate_private_key(65537, 1024))
    facts = loaded(tmp_path, GOOD | {"cert_file": short.pem, "key_file": short.key_pem})

    assert outcomes(answered_http_attempt(TAKEN, credentials=facts)) == {
        "python-http": "fails",
        "curl": "fails",
    }


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
