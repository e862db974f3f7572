"""The metrics: names, types and labels of interfaces.md, section 5, in both formats."""

import shutil
import subprocess
from dataclasses import replace
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY, Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families as text_families

from probe.causes.catalogue import CATALOGUE
from probe.causes.cause import Cause
from probe.credential_facts import CertificateFacts, CredentialFacts, CredentialFault, Name
from probe.diagnosis import Diagnosis, Finding
from probe.evidence import STAGES, ClockReading, Ending, Evidence, Handshake, TargetFacts
from probe.ledger import Ledger
from probe.outputs.metrics import Metrics
from probe.safe_text import safe_text
from probe.target import Endpoint, Target
from tests.tools import missing

OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0"
AT: Final = 1_795_341_600.25
CONFIRMED: Final = Diagnosis(outcome="confirmed", stage="export")
REFUSED: Final = Diagnosis(
    outcome="failed", stage="accept", cause="client_ca_untrusted", family="backend_ca_trust"
)
EU: Final = Target(
    name="eu", endpoint=Endpoint("eu.example", 4317), labels=(("team", 'pay"ments\\'),)
)

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def certificate(subject: str, *, not_after: float = 1_798_761_600.0) -> CertificateFacts:
    """Return a certificate of `subject`, issued by CN=ca."""
    return CertificateFacts(
        subject=Name(text=subject, digest=f"digest of {subject}"),
        issuer=Name(text="CN=ca", digest="digest of CN=ca"),
        serial_number="2a",
        not_before=1_767_225_600.0,
        not_after=not_after,
        sha256="ab",
        sans=("DNS:eu.example", "DNS:eu2.example"),
    )


CREDENTIALS: Final = CredentialFacts(
    generation="1",
    client_chain=(certificate("CN=client"), certificate("CN=ca", not_after=1_797_000_000.0)),
    ca_bundle=(certificate("CN=root"),),
)
HANDSHAKE: Final = Handshake(
    complete=True,
    version="1.3",
    cipher="TLS_AES_128_GCM_SHA256",
    group="X25519MLKEM768",
    alpn="h2",
    client_certificate_requested=True,
    client_certificate_sent=True,
    acceptable_cas=(Name(text="CN=ca", digest="digest of CN=ca"),),
    server_chain=(certificate("CN=server"),),
)


def seen(**fields: Any) -> Evidence:
    """Return evidence of an attempt that saw everything, with `fields` over the defaults."""
    target = TargetFacts(
        name="eu", endpoint="eu.example:4317", host="eu.example", port=4317, protocol="grpc"
    )
    known: dict[str, Any] = {
        "at": AT,
        "ending": Ending(stage="accept", kind="alert"),
        "credentials": CREDENTIALS,
        "handshake": HANDSHAKE,
        "clock": (ClockReading(source="http_date", offset=-1.5),),
        "durations": {"resolve": 0.0004, "connect": 0.00005, "handshake": 0.004},
        **fields,
    }
    return Evidence(target=target, **known)


def ledger_and_metrics(*targets: Target) -> tuple[Ledger, Metrics]:
    """Return a ledger of `targets` (by default EU) and its metrics."""
    ledger = Ledger(targets or [EU])
    return ledger, Metrics(ledger)


def families(metrics: Metrics, accept: str = "") -> list[Metric]:
    """Return what prometheus_client's own parser reads from the exposition."""
    body, content_type = metrics.exposition(accept)
    read = openmetrics_families if "openmetrics" in content_type else text_families
    return list(read(body.decode()))


def samples(metrics: Metrics, accept: str = "") -> Samples:
    """Return each sample's value by name and labels; a series exposed twice is an error."""
    found: Samples = {}
    for family in families(metrics, accept):
        for sample in family.samples:
            series = (sample.name, tuple(sorted(sample.labels.items())))
            assert series not in found
            found[series] = sample.value
    return found


def of(metrics: Metrics, name: str) -> list[tuple[dict[str, str], float]]:
    """Return labels and value of each `mtls_probe_` sample called `name`, without `target`."""
    return [
        ({key: text for key, text in labels if key != "target"}, value)
        for (sample, labels), value in samples(metrics).items()
        if sample == f"mtls_probe_{name}"
    ]


def test_a_target_has_every_family_of_the_contract() -> None:
    """One attempt that saw everything shows in each per-target family, labelled as agreed."""
    ledger, metrics = ledger_and_metrics()
    fault = CredentialFault(cause="client_file_missing", role="key", path="k", fact="no file")
    ledger.record(EU, seen(), CONFIRMED)
    ledger.record(
        EU,
        seen(at=AT + 30, credentials=msgspec.structs.replace(CREDENTIALS, faults=(fault,))),
        REFUSED,
    )
    cause = {"cause": "client_ca_untrusted", "family": "backend_ca_trust", "certain": "true"}
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
        "issuer": "CN=ca", "serial_number": "2a", "fingerprint_sha256": "ab",
        "sans": "DNS:eu.example,DNS:eu2.example",
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
    assert of(metrics, "certificate_info") == [
        ({**client, **names, "subject": "CN=client"}, 1),
        ({**issuer, **names, "subject": "CN=ca"}, 1),
        ({**bundle, **names, "subject": "CN=root"}, 1),
        ({**server, **names, "subject": "CN=server"}, 1),
    ]
    assert of(metrics, "earliest_expiry_timestamp_seconds") == [
        ({"source": "client"}, 1_797_000_000),
        ({"source": "client_ca_bundle"}, 1_798_761_600),
        ({"source": "server"}, 1_798_761_600),
    ]
    assert of(metrics, "acceptable_ca_match") == [({}, 1)]
    assert of(metrics, "clock_offset_seconds") == [({"source": "http_date"}, -1.5)]
    assert of(metrics, "credential_fault") == [({"cause": "client_file_missing"}, 1)]


def test_types_are_those_of_the_contract() -> None:
    """Counters, gauges, histograms and info metrics are declared as such."""
    ledger, metrics = ledger_and_metrics()
    ledger.record(EU, seen(), REFUSED)
    kinds = {family.name: family.type for family in families(metrics, OPENMETRICS)}
    for counter in (
        "attempts", "failures", "failures_by_cause", "schedule_missed", "credentials_reloads",
        "alertmanager_notifications", "alertmanager_notifications_failed",
    ):  # fmt: skip  # short names, one list
        assert kinds.pop(f"mtls_probe_{counter}") == "counter"
    for info in ("target", "tls", "certificate", "build"):
        assert kinds.pop(f"mtls_probe_{info}") == "info"
    for histogram in ("duration_seconds", "schedule_lateness_seconds"):
        assert kinds.pop(f"mtls_probe_{histogram}") == "histogram"
    ours = {name for name in kinds if name.startswith("mtls_probe_")}
    assert {kinds[name] for name in ours} == {"gauge"}
    assert {
        "mtls_probe_success",
        "mtls_probe_cause",
        "mtls_probe_cause_info",
        "mtls_probe_targets",
        "mtls_probe_in_flight",
        "mtls_probe_config_last_reload_successful",
        "mtls_probe_config_last_reload_success_timestamp_seconds",
    } <= ours
    assert any(name.startswith("process_") for name in kinds)


def test_the_cause_goes_when_it_is_over() -> None:
    """A series stands for the cause in force, and for none where there is none."""
    ledger, metrics = ledger_and_metrics()
    uncertain = Diagnosis(
        outcome="failed", stage="resolve", cause="dns_failure", family="network", certain=False
    )

    ledger.record(EU, seen(), REFUSED)
    ledger.record(EU, seen(), uncertain)
    now = {"cause": "dns_failure", "family": "network", "certain": "false"}
    assert of(metrics, "cause") == [(now, 1)]

    ledger.record(EU, seen(), CONFIRMED)
    assert of(metrics, "cause") == []
    assert of(metrics, "success") == [({}, 1)]


def test_an_expected_cause_is_shown_and_is_a_success() -> None:
    """A target that must fail shows its cause, and 1 for success."""
    target = replace(EU, expect_cause="client_ca_untrusted")
    ledger, metrics = ledger_and_metrics(target)

    ledger.record(target, seen(), REFUSED)

    assert of(metrics, "success") == [({}, 1)]
    assert len(of(metrics, "cause")) == 1
    assert of(metrics, "failures_total") == [({}, 0)]
    assert sum(value for _, value in of(metrics, "failures_by_cause_total")) == 0


def test_what_alerts_join_on_follows_each_attempt() -> None:
    """The outcome, what was expected, each finding and the interval; gone when it is over."""
    target = replace(EU, expect_cause="client_ca_untrusted", interval=15.0)
    ledger, metrics = ledger_and_metrics(target)
    tls_off = Finding(cause="tls_off", fact="sends in clear")
    let_in = msgspec.structs.replace(CONFIRMED, findings=(tls_off, tls_off))

    ledger.record(target, seen(), let_in)

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


def test_fleet_counts_start_at_zero_for_every_cause_and_stage() -> None:
    """A rate needs a first 0: every cause and stage is there before anything happened."""
    _, metrics = ledger_and_metrics()

    assert of(metrics, "failures_by_cause_total") == [({"cause": id_}, 0) for id_ in CATALOGUE]
    assert of(metrics, "duration_seconds_count") == [({"stage": stage}, 0) for stage in STAGES]
    assert of(metrics, "schedule_missed_total") == [({}, 0)]
    assert of(metrics, "credentials_reloads_total") == [({}, 0)]
    assert of(metrics, "in_flight") == [({}, 0)]
    assert of(metrics, "targets") == [({}, 1)]
    assert [labels for labels, _ in of(metrics, "cause_info")] == [
        {
            "cause": cause.id,
            "family": cause.family,
            "documented_cause": str(cause.documented_cause),
            "party": cause.party,
            "severity": cause.severity,
        }
        for cause in CATALOGUE.values()
    ]


def test_fleet_counts_follow_what_happens() -> None:
    """Failures, durations, the schedule and reloads each move their metric."""
    ledger, metrics = ledger_and_metrics()
    ledger.attempt_started()
    ledger.attempt_missed()
    ledger.record(EU, seen(), REFUSED)
    metrics.fleet.lateness(0.02)
    metrics.fleet.credentials_reloaded()
    metrics.fleet.config_reloaded(successful=True, at=AT)
    metrics.fleet.config_reloaded(successful=False, at=AT + 60)
    shown = samples(metrics)

    assert shown["mtls_probe_failures_by_cause_total", (("cause", "client_ca_untrusted"),)] == 1
    assert shown["mtls_probe_duration_seconds_count", (("stage", "handshake"),)] == 1
    assert shown["mtls_probe_duration_seconds_sum", (("stage", "handshake"),)] == 0.004
    below = "mtls_probe_duration_seconds_bucket"
    assert shown[below, (("le", "0.0025"), ("stage", "handshake"))] == 0
    assert shown[below, (("le", "0.005"), ("stage", "handshake"))] == 1
    assert shown["mtls_probe_schedule_lateness_seconds_sum", ()] == 0.02
    assert shown["mtls_probe_schedule_missed_total", ()] == 1
    assert shown["mtls_probe_in_flight", ()] == 1
    assert shown["mtls_probe_credentials_reloads_total", ()] == 1
    assert shown["mtls_probe_config_last_reload_successful", ()] == 0
    assert shown["mtls_probe_config_last_reload_success_timestamp_seconds", ()] == AT


def test_the_deciding_stage_carries_the_target_as_exemplar() -> None:
    """A slow bucket leads to a target; names beyond OpenMetrics' limit carry none."""
    long = replace(EU, name="x" * 101)
    ledger, metrics = ledger_and_metrics(EU, long)
    ledger.record(EU, seen(durations={"connect": 0.02, "accept": 0.2}), REFUSED)
    ledger.record(long, seen(durations={"accept": 2.0}), REFUSED)
    found = [
        (sample.labels, sample.exemplar.labels, sample.exemplar.value)
        for family in families(metrics, OPENMETRICS)
        for sample in family.samples
        if sample.exemplar
    ]

    assert found == [({"stage": "accept", "le": "0.25"}, {"target": "eu"}, 0.2)]


def test_both_formats_say_the_same() -> None:
    """The two formats differ in metadata only."""
    ledger, metrics = ledger_and_metrics()
    ledger.record(EU, seen(), REFUSED)
    text, openmetrics = (
        {k: v for k, v in samples(metrics, accept).items() if not k[0].startswith("process_")}
        for accept in ("", OPENMETRICS)
    )

    assert text == openmetrics
    assert metrics.exposition(OPENMETRICS)[0].endswith(b"\n# EOF\n")
    assert b"# EOF" not in metrics.exposition("")[0]


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_every_metric_has_help_and_none_is_a_created_one(accept: str) -> None:
    """Each family is documented, and no `_created` series doubles the volume."""
    _, metrics = ledger_and_metrics()

    assert all(family.documentation for family in families(metrics, accept))
    assert not any(name.endswith("_created") for name, _ in samples(metrics, accept))


def test_the_global_registry_is_left_alone() -> None:
    """Two sets of metrics live in one process, and neither is registered globally."""
    ledger_and_metrics()
    ledger_and_metrics()

    assert not any(family.name.startswith("mtls_probe") for family in REGISTRY.collect())


def test_promtool_accepts_the_metrics() -> None:
    """Prometheus' own linter reads the text format and finds nothing to improve."""
    promtool = shutil.which("promtool")
    if promtool is None:
        missing("promtool is not installed")
    ledger, metrics = ledger_and_metrics()
    ledger.record(EU, seen(), REFUSED)

    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=metrics.exposition()[0],
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@settings(max_examples=60, deadline=None)
@given(st.text(), st.text(), st.text())
def test_no_text_breaks_the_format(name: str, label: str, subject: str) -> None:
    """Whatever targets, labels and certificates say, both parsers read exactly our series."""
    target = replace(EU, name=name, labels=((label, subject), ("team", name), ("target", subject)))
    ledger = Ledger([target])
    metrics = Metrics(ledger, _NO_CAUSES)
    hostile = msgspec.structs.replace(
        certificate(subject), sans=(subject, name), serial_number=subject
    )
    ledger.record(
        target,
        seen(
            credentials=CredentialFacts(client_chain=(hostile,)),
            handshake=msgspec.structs.replace(HANDSHAKE, group=subject, server_chain=(hostile,)),
            clock=(ClockReading(source=subject, offset=0.0),),
        ),
        REFUSED,
    )

    for accept in ("", OPENMETRICS):
        shown = samples(metrics, accept)
        ours = [dict(labels) for _, labels in shown if "target" in dict(labels)]
        assert len({labels["target"] for labels in ours}) == 1
        assert len(ours) == 22
        values = {text for labels in ours for text in labels.values()}
        assert values == {safe_text(text) for text in values}


_NO_CAUSES: Final[dict[str, Cause]] = {}


def test_a_hostile_subject_stays_one_label() -> None:
    """A quote, a backslash and a line break in a subject start no new series."""
    ledger, metrics = ledger_and_metrics()
    subject = 'CN=a"} 1\nmtls_probe_success{target="fake"} 1\\\x1b[31m'
    chain = (certificate(subject),)
    ledger.record(EU, seen(credentials=CredentialFacts(client_chain=chain)), REFUSED)

    labels, _ = of(metrics, "certificate_info")[0]
    assert labels["subject"] == 'CN=a"} 1\\x0amtls_probe_success{target="fake"} 1\\\\x1b[31m'
    assert len(of(metrics, "success")) == 1
