"""Both text formats of Prometheus, whatever a certificate or a name holds."""

import shutil
import subprocess
from dataclasses import replace
from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from probe.diagnosis.cause import Cause
from probe.ledger.ledger import Ledger
from probe.metrics.scrape import Metrics
from probe.model.certificate import CredentialFacts
from probe.model.evidence import ClockReading
from probe.text.safe_text import safe_text
from tests.support.metric_samples import (
    EU,
    HANDSHAKE,
    OPENMETRICS,
    REFUSED,
    certificate,
    families,
    ledger_and_metrics,
    of,
    samples,
    seen,
)
from tests.support.required_tools import missing


def test_types_are_those_of_the_contract() -> None:
    """Counters, gauges, histograms and info metrics are declared as such."""
    ledger, metrics = ledger_and_metrics()
    ledger.record(EU, seen(), REFUSED)
    kinds = {family.name: family.type for family in families(metrics, OPENMETRICS)}
    for counter in (
        "attempts", "failures", "failures_by_cause", "schedule_missed", "credentials_reloads",
        "budget_exceeded",
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
        "mtls_probe_nothing_to_probe",
        "mtls_probe_source_targets",
        "mtls_probe_source_up",
        "mtls_probe_config_last_reload_successful",
        "mtls_probe_config_last_reload_success_timestamp_seconds",
    } <= ours
    assert any(name.startswith("process_") for name in kinds)


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


@pytest.mark.slow
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
        assert len(ours) == 23
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
