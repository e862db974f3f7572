"""The samples of a target: their names, labels and values, attempt after attempt."""

from dataclasses import replace
from typing import Final

import msgspec
import pytest

from probe.changes.change_tracker import ChangeTracker
from probe.model.certificate import CertificateFacts, Name
from probe.model.diagnosis import Diagnosis
from probe.model.finding import Finding
from tests.support.metric_samples import (
    AT,
    CREDENTIALS,
    EU,
    HANDSHAKE,
    REFUSED,
    certificate,
    ledger_and_metrics,
    of,
    samples,
    seen,
)

CONFIRMED: Final = Diagnosis(outcome="confirmed", stage="export")


def test_a_target_has_every_family_of_the_contract() -> None:
    """One attempt that saw everything shows in each per-target family, labelled as agreed."""
    ledger, metrics = ledger_and_metrics()
    runtime = ledger.find("eu")
    assert runtime is not None
    runtime.get_store(ChangeTracker).at_backend = {"server_chain": AT}
    fault = Finding(cause="client_file_missing", role="key", path="k", fact="no file")
    ledger.record(EU, seen(), CONFIRMED)
    ledger.record(
        EU,
        seen(at=AT + 30, credentials=msgspec.structs.replace(CREDENTIALS, faults=(fault,))),
        REFUSED,
    )
    cause = {
        "cause": "client_ca_untrusted",
        "family": "backend_ca_trust",
        "certain": "true",
        "party": "backend",
    }
    tls = {
        "version": "1.3", "cipher": "TLS_AES_128_GCM_SHA256", "group": "X25519MLKEM768",
        "alpn": "h2",
    }  # fmt: skip  # one line a field says no more
    info = {
        "endpoint": "eu.example:4317", "protocol": "grpc", "server_address": "eu.example",
        "server_port": "4317", "team": 'pay"ments\\',
    }  # fmt: skip  # the same
    client = {"source": "client", "position": "0"}
    issuer = {"source": "client", "position": "1"}
    bundle = {"source": "client_ca_bundle", "position": "0"}
    server = {"source": "server", "position": "0"}
    names = {
        "issuer": "CN=ca", "serial_number": "2a", "sans": "DNS:eu.example,DNS:eu2.example",
        "used": "true",
    }  # fmt: skip  # the same

    assert of(metrics, "success") == [({}, 0)]
    assert of(metrics, "cause") == [(cause, 1)]
    assert of(metrics, "attempts_total") == [({}, 2)]
    assert of(metrics, "failures_total") == [({}, 1)]
    assert of(metrics, "last_attempt_timestamp_seconds") == [({}, AT + 30)]
    assert of(metrics, "last_success_timestamp_seconds") == [({}, AT)]
    assert of(metrics, "last_duration_seconds") == [
        ({"stage": "resolve"}, 0.0004),
        ({"stage": "connect"}, 0.00005),
        ({"stage": "handshake"}, 0.004),
    ]
    assert of(metrics, "target_info") == [(info, 1)]
    assert of(metrics, "tls_info") == [(tls, 1)]
    assert of(metrics, "certificate_not_after_timestamp_seconds") == [
        (client, 1_798_761_600),
        (issuer, 1_797_000_000),
        (bundle, 1_798_761_600),
        (server, 1_798_761_600),
    ]
    assert of(metrics, "certificate_not_before_timestamp_seconds") == [
        (where, 1_767_225_600) for where in (client, issuer, bundle, server)
    ]
    shown = of(metrics, "certificate_info")
    digests = [labels.pop("fingerprint_sha256") for labels, _ in shown]
    own, ca = {"path": "/etc/otel/tls.crt"}, {"path": "/etc/otel/ca.crt"}
    assert shown == [
        ({**client, **names, **own, "subject": "CN=client"}, 1),
        ({**issuer, **names, **own, "subject": "CN=ca"}, 1),
        ({**bundle, **names, **ca, "subject": "CN=root"}, 1),
        ({**server, **names, "path": "", "subject": "CN=server"}, 1),
    ]
    assert len({*digests}) == 4
    assert of(metrics, "earliest_expiry_timestamp_seconds") == [
        ({"source": "client"}, 1_797_000_000),
        ({"source": "client_ca_bundle"}, 1_798_761_600),
        ({"source": "server"}, 1_798_761_600),
    ]
    assert of(metrics, "acceptable_ca_match") == [({}, 1)]
    assert of(metrics, "clock_offset_seconds") == [({"source": "http_date"}, -1.5)]
    assert of(metrics, "credential_fault") == [({"cause": "client_file_missing"}, 1)]


def test_the_cause_goes_when_it_is_over() -> None:
    """A series stands for the cause in force, and for none where there is none."""
    ledger, metrics = ledger_and_metrics()
    uncertain = Diagnosis(
        outcome="failed",
        stage="resolve",
        cause="dns_failure",
        family="network",
        certain=False,
        party="network",
    )

    ledger.record(EU, seen(), REFUSED)
    ledger.record(EU, seen(), uncertain)
    now = {"cause": "dns_failure", "family": "network", "certain": "false", "party": "network"}
    assert of(metrics, "cause") == [(now, 1)]

    ledger.record(EU, seen(), CONFIRMED)
    assert of(metrics, "cause") == []
    assert of(metrics, "success") == [({}, 1)]


def test_an_expected_cause_is_shown_and_is_a_success() -> None:
    """A target that must fail shows its cause, and 1 for success."""
    target = replace(EU, expect_cause="client_ca_untrusted")
    ledger, metrics = ledger_and_metrics(target)

    facts = msgspec.structs.replace(seen().target, expect_cause=target.expect_cause)
    ledger.record(target, msgspec.structs.replace(seen(), target=facts), REFUSED)

    assert of(metrics, "success") == [({}, 1)]
    assert len(of(metrics, "cause")) == 1
    assert of(metrics, "failures_total") == [({}, 0)]
    assert sum(value for _, value in of(metrics, "failures_by_cause_total")) == 0


def test_what_alerts_join_on_follows_each_attempt() -> None:
    """The outcome, what was expected, each finding and the interval; gone when it is over."""
    target = replace(EU, expect_cause="client_ca_untrusted", interval=15.0)
    ledger, metrics = ledger_and_metrics(target)
    tls_off = Finding(cause="tls_off", fact="sends in plaintext")
    accepted = msgspec.structs.replace(CONFIRMED, findings=(tls_off, tls_off))

    ledger.record(target, seen(), accepted)

    assert of(metrics, "expected_cause") == [({"cause": "client_ca_untrusted"}, 1)]
    assert of(metrics, "outcome") == [({"outcome": "confirmed"}, 1)]
    assert of(metrics, "finding") == [({"cause": "tls_off"}, 1)]
    assert of(metrics, "interval_seconds") == [({}, 15)]

    ledger.record(target, seen(), REFUSED)

    assert of(metrics, "outcome") == [({"outcome": "failed"}, 1)]
    assert of(metrics, "finding") == []


def test_the_age_of_credentials_is_shown_as_when_they_were_read() -> None:
    """A time of day, as Prometheus has ages; nothing where no file was read."""
    ledger, metrics = ledger_and_metrics()
    ledger.record(EU, seen(), CONFIRMED)
    assert of(metrics, "credentials_loaded_timestamp_seconds") == []

    rotated = msgspec.structs.replace(CREDENTIALS, generation="2", read_at=AT)
    ledger.record(EU, seen(credentials=rotated), CONFIRMED)

    assert of(metrics, "credentials_loaded_timestamp_seconds") == [({}, AT)]


def test_a_target_is_known_before_its_first_attempt() -> None:
    """Settings and counts are there from the start; nothing is said of what was never seen."""
    _, metrics = ledger_and_metrics()

    shown = {name for (name, labels) in samples(metrics) if ("target", "eu") in labels}

    assert shown == {
        "mtls_probe_target_info",
        "mtls_probe_interval_seconds",
        "mtls_probe_attempts_total",
        "mtls_probe_failures_total",
    }


def test_what_an_attempt_did_not_see_is_not_shown() -> None:
    """Lines of an earlier handshake, clock or stage do not outlive it; local files stay."""
    ledger, metrics = ledger_and_metrics()
    ledger.record(EU, seen(), CONFIRMED)
    ledger.record(EU, seen(handshake=None, clock=(), durations={"resolve": 0.1}), REFUSED)

    assert of(metrics, "tls_info") == []
    assert of(metrics, "acceptable_ca_match") == []
    assert of(metrics, "clock_offset_seconds") == []
    assert of(metrics, "last_duration_seconds") == [({"stage": "resolve"}, 0.1)]
    sources = [labels["source"] for labels, _ in of(metrics, "certificate_info")]
    assert sources == ["client", "client", "client_ca_bundle"]


@pytest.mark.parametrize(
    ("listed", "chain", "match"),
    [
        (("digest of CN=ca",), CREDENTIALS.client_chain, [0, 1]),
        (("digest of CN=other",), CREDENTIALS.client_chain, [0]),
        (("digest of CN=other",), (), [0]),
        ((), CREDENTIALS.client_chain, []),
    ],
)
def test_acceptable_ca_match(
    listed: tuple[str, ...], chain: tuple[CertificateFacts, ...], match: list[int]
) -> None:
    """1 where the list names an issuer of ours, 0 where it does not, absent without a list."""
    ledger, metrics = ledger_and_metrics()
    names = tuple(Name(text=digest, digest=digest) for digest in listed)
    ledger.record(
        EU,
        seen(
            handshake=msgspec.structs.replace(HANDSHAKE, acceptable_cas=names),
            credentials=msgspec.structs.replace(CREDENTIALS, client_chain=chain),
        ),
        REFUSED,
    )

    assert [value for _, value in of(metrics, "acceptable_ca_match")] == match[-1:]


def test_rotated_credentials_and_a_new_server_certificate_show_at_once() -> None:
    """What is kept rendered follows the files and the peer, equal names or not."""
    ledger, metrics = ledger_and_metrics()
    ledger.record(EU, seen(), CONFIRMED)
    renewed = certificate("CN=client", not_after=1_900_000_000.0)
    ledger.record(
        EU,
        seen(
            credentials=msgspec.structs.replace(CREDENTIALS, client_chain=(renewed,)),
            handshake=msgspec.structs.replace(HANDSHAKE, server_chain=(renewed,), alpn=""),
        ),
        CONFIRMED,
    )

    assert [value for _, value in of(metrics, "earliest_expiry_timestamp_seconds")] == [
        1_900_000_000,
        1_798_761_600,
        1_900_000_000,
    ]
    assert [labels["alpn"] for labels, _ in of(metrics, "tls_info")] == [""]


def test_lines_follow_the_targets() -> None:
    """A removed target's series go, a changed one starts anew, others stay."""
    other = replace(EU, name="us")
    ledger, metrics = ledger_and_metrics(EU, other)
    ledger.record(EU, seen(), CONFIRMED)
    ledger.record(other, seen(), CONFIRMED)

    ledger.replace_targets([replace(EU, timeout=1.0)])

    assert {dict(labels)["target"] for _, labels in samples(metrics) if dict(labels).get("target")}
    assert of(metrics, "attempts_total") == [({}, 0)]
    assert of(metrics, "success") == []
    assert of(metrics, "targets") == [({}, 1)]


def test_a_silence_is_no_demand() -> None:
    """With an end, being accepted is as good, so that no rule may ask for the cause."""
    silence = replace(EU, expect_cause="client_ca_untrusted", expect_until=AT + 1)
    _, metrics = ledger_and_metrics(silence)

    assert of(metrics, "expected_cause") == []
