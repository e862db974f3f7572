"""Certificates that have series: what a verified path uses comes first, and their number is bounded."""

from typing import Any, Final

import msgspec.structs

from probe.ledger.ledger import Ledger
from probe.metrics.certificate_rows import MOST_SHOWN
from probe.metrics.scrape import Metrics
from probe.model.certificate import CertificateFacts
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from tests.support.certificate_facts import (
    BACKEND,
    EXPORTER,
    OTHER_CA,
    SERVER_CA,
    authority,
    backend,
)
from tests.support.evidence import (
    answered_attempt,
    complete_handshake,
    held_credentials,
    unconnected_attempt,
    unverified_attempt,
)
from tests.support.metric_samples import EU, ledger_and_metrics, of, samples

CONFIRMED: Final = Diagnosis(outcome="confirmed", stage="export")
OLD_CA: Final = authority("Left over", ends=-400)
BUNDLE: Final = (OLD_CA, SERVER_CA, OTHER_CA)


def record(*attempts: Evidence) -> tuple[Ledger, Metrics]:
    """Return metrics after these attempts of one target."""
    ledger, metrics = ledger_and_metrics()
    for evidence in attempts:
        ledger.record(EU, evidence, CONFIRMED)
    return ledger, metrics


def held(*bundle: CertificateFacts, **fields: Any) -> Any:
    """Return the exporter's files, with this ca_file."""
    return held_credentials(EXPORTER, ca_bundle=bundle, **fields)


def used(metrics: Metrics, source: str) -> dict[str, str]:
    """Return which of a source's certificates are used, by subject."""
    return {
        labels["subject"]: labels["used"]
        for labels, _ in of(metrics, "certificate_info")
        if labels["source"] == source
    }


def earliest(metrics: Metrics) -> dict[str, float]:
    """Return the earliest expiry by source."""
    found = of(metrics, "earliest_expiry_timestamp_seconds")
    return {labels["source"]: value for labels, value in found}


def test_a_root_that_no_path_ends_in_is_not_used() -> None:
    """It has series, and no part in the earliest expiry."""
    _, metrics = record(answered_attempt(credentials=held(*BUNDLE)))

    assert used(metrics, "client_ca_bundle") == {
        "CN=Left over": "false",
        "CN=Backend CA": "true",
        "CN=Another team's CA": "false",
    }
    assert earliest(metrics)["client_ca_bundle"] == SERVER_CA.not_after


def test_an_expired_certificate_that_is_only_sent_along_is_not_used() -> None:
    """The server's chain has it, its path does not."""
    _, metrics = record(
        answered_attempt(handshake=complete_handshake(server_chain=(BACKEND, OLD_CA)))
    )

    assert used(metrics, "server") == {BACKEND.subject.text: "true", "CN=Left over": "false"}
    assert earliest(metrics)["server"] == BACKEND.not_after


def test_before_any_handshake_only_what_is_certain_counts() -> None:
    """Of several CAs none is known to be used; a single one is."""
    _, metrics = record(unconnected_attempt("refused", credentials=held(*BUNDLE)))
    assert set(used(metrics, "client_ca_bundle").values()) == {"false"}
    assert earliest(metrics) == {"client": EXPORTER.not_after}

    _, metrics = record(unconnected_attempt("refused", credentials=held(OLD_CA)))
    assert used(metrics, "client_ca_bundle") == {"CN=Left over": "true"}
    assert earliest(metrics)["client_ca_bundle"] == OLD_CA.not_after


def test_what_is_used_is_remembered_while_the_backend_is_down() -> None:
    """Until the files change: an alert does not end and begin with each outage."""
    soon = authority("Backend CA", ends=6)
    bundle = held(OLD_CA, soon, OTHER_CA)
    down = unconnected_attempt("refused", credentials=bundle)
    ledger, metrics = record(answered_attempt(credentials=bundle), down)

    assert earliest(metrics)["client_ca_bundle"] == soon.not_after
    assert "server" not in earliest(metrics)

    renewed = held(OLD_CA, SERVER_CA, OTHER_CA, generation="2")
    ledger.record(EU, unconnected_attempt("refused", credentials=renewed), CONFIRMED)
    assert "client_ca_bundle" not in earliest(metrics)


def test_a_chain_that_no_longer_verifies_leaves_what_was_used() -> None:
    """The CA that has ended is the one that matters."""
    ended = authority("Backend CA", ends=-1)
    bundle = held(ended, OTHER_CA)
    before = msgspec.structs.replace(answered_attempt(credentials=bundle), at=ended.not_after - 60)
    after = unverified_attempt(BACKEND, faults=(("expired", 1),), credentials=bundle)
    for attempts in ((before, after), (after,)):
        _, metrics = record(*attempts)
        assert used(metrics, "client_ca_bundle")["CN=Backend CA"] == "true"
        assert earliest(metrics)["client_ca_bundle"] == ended.not_after


def test_a_root_of_the_system_that_is_used_stands_behind_the_file() -> None:
    """It is of no file that the settings name."""
    root = authority("Public root")
    leaf = backend(root)
    shake = complete_handshake(
        server_chain=(leaf,), verified_paths=((leaf.sha256, root.sha256),), used_anchors=(root,)
    )
    both = held(OTHER_CA, system_roots=True)
    _, metrics = record(answered_attempt(credentials=both, handshake=shake))

    shown = [
        (labels["position"], labels["subject"], labels["path"], labels["used"])
        for labels, _ in of(metrics, "certificate_info")
        if labels["source"] == "client_ca_bundle"
    ]
    assert shown == [
        ("0", "CN=Another team's CA", "/etc/otel/ca.crt", "false"),
        ("1", "CN=Public root", "", "true"),
    ]


def test_a_big_bundle_has_few_series_and_says_so() -> None:
    """The used CA is among them, wherever it stands; the rest are counted."""
    many = tuple(authority(f"Root {number}", ends=number - 500) for number in range(1000))
    server = tuple(authority(f"Sent {number}") for number in range(31))
    shake = complete_handshake(server_chain=(BACKEND, *server))
    _, metrics = record(
        answered_attempt(credentials=held(*many, SERVER_CA, *many), handshake=shake)
    )

    assert used(metrics, "client_ca_bundle")["CN=Backend CA"] == "true"
    assert len(used(metrics, "client_ca_bundle")) == MOST_SHOWN["client_ca_bundle"]
    assert used(metrics, "server")[BACKEND.subject.text] == "true"
    assert of(metrics, "certificates_left_out") == [
        ({"source": "client_ca_bundle"}, 2001 - MOST_SHOWN["client_ca_bundle"]),
        ({"source": "server"}, 32 - MOST_SHOWN["server"]),
    ]
    assert len([0 for _, labels in samples(metrics) if ("target", "eu") in labels]) <= 100


def test_a_ca_of_the_file_that_is_not_described_is_of_the_file() -> None:
    """Of a ca_file with thousands of certificates, evidence describes some."""
    root = authority("Root 1234")
    leaf = backend(root)
    shake = complete_handshake(
        server_chain=(leaf,), verified_paths=((leaf.sha256, root.sha256),), used_anchors=(root,)
    )
    large = held(OTHER_CA, ca_bundle_size=1500)
    _, metrics = record(answered_attempt(credentials=large, handshake=shake))

    [used] = [
        labels
        for labels, _ in of(metrics, "certificate_info")
        if labels["subject"] == "CN=Root 1234"
    ]
    assert (used["path"], used["used"]) == ("/etc/otel/ca.crt", "true")
    assert of(metrics, "certificates_left_out") == [({"source": "client_ca_bundle"}, 1498)]


def test_a_small_bundle_leaves_nothing_out() -> None:
    """The series that says so is not there."""
    _, metrics = record(answered_attempt(credentials=held(*BUNDLE)))

    assert of(metrics, "certificates_left_out") == []
