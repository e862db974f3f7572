"""Alerts for those without Prometheus: what is one, since when, and when it has ended."""

import unicodedata
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.diagnosis import Diagnosis, Finding, diagnose
from probe.evidence import ClockReading, Evidence
from probe.ledger import Ledger, TargetState
from probe.outputs.alert import Condition, conditions
from probe.outputs.alert_book import KEPT, Alert, AlertBook, api_document
from probe.outputs.rules.failing import failing_alerts
from probe.outputs.rules.pages import Pages
from probe.outputs.rules.rule import AlertRule, Thresholds
from probe.outputs.rules.rule_file import rule_group
from probe.target import Endpoint, Target
from tests.golden.attempts import answered, holding, shaken
from tests.golden.build import CASES
from tests.golden.certificates import AT, DAY, EXPORTER, SERVER_CA, backend, exporter

TARGET = Target(
    name="eu", endpoint=Endpoint("collector", 4317), labels=(("team", "payments"), ("a-b", "c"))
)
REFUSED = next(case.evidence for case in CASES if case.name == "client_ca_untrusted")
GOOD = answered()
THRESHOLDS = Thresholds()


def state(
    evidence: Evidence, target: Target = TARGET, diagnosis: Diagnosis | None = None
) -> TargetState:
    """Return what the ledger knows after one attempt."""
    return Ledger([target]).record(target, evidence, diagnosis or diagnose(evidence))


def found(evidence: Evidence, target: Target = TARGET, **fields: Any) -> list[Condition]:
    """Return what is wrong after one attempt."""
    return list(conditions(state(evidence, target, **fields), THRESHOLDS, 60.0, AT))


def names(evidence: Evidence, target: Target = TARGET, **fields: Any) -> list[str]:
    """Return the names of the alerts."""
    return [one.alertname for one in found(evidence, target, **fields)]


def test_nothing_is_wrong_with_a_good_target() -> None:
    """And nothing is known of one that was not probed yet."""
    assert found(GOOD) == []
    assert list(conditions(TargetState(TARGET), THRESHOLDS, 60.0, AT)) == []


def test_a_failure_names_its_cause_its_party_and_its_fix() -> None:
    """The labels by which alerts are routed, and the steps that mend it."""
    (one,) = found(REFUSED)
    assert (one.alertname, one.severity, one.cause) == (
        "MtlsProbeFailing", "critical", "client_ca_untrusted",
    )  # fmt: skip
    assert dict(one.labels)["party"] == "backend"
    assert dict(one.labels)["documented_cause"] == "1"
    assert "client_ca_file" in one.fix[0]
    assert "{cert_file}" not in "".join(one.fix)
    assert "unknown_ca" in one.description


def test_what_was_expected_is_no_alert_and_what_got_in_is() -> None:
    """MTLS that is not enforced is an alert of its own."""
    must_fail = replace(TARGET, expect_cause="client_ca_untrusted")
    assert found(REFUSED, must_fail) == []
    (one,) = found(GOOD, must_fail)
    assert (one.alertname, one.severity) == ("MtlsProbeNotEnforced", "critical")


def test_silence_is_an_alert_of_its_own() -> None:
    """Nothing proves that it works, and nothing that it fails."""
    case = next(case for case in CASES if case.name == "unconfirmed")
    assert names(case.evidence) == ["MtlsProbeUnconfirmed"]


@pytest.mark.parametrize(
    ("days", "lifetime", "severity"),
    [
        (60, 365, None),
        (27, 365, "warning"),
        (13, 365, "critical"),
        (-1, 365, "critical"),
        # The last quarter and the last eighth of a short life.
        (20, 90, "warning"),
        (24, 90, None),
        (11, 90, "critical"),
        (0.5, 1, None),
        (0.2, 1, "warning"),
        (0.1, 1, "critical"),
    ],
)
@pytest.mark.parametrize("source", ["client", "server"])
def test_a_certificate_that_ends_soon(
    source: str, days: float, lifetime: float, severity: str | None
) -> None:
    """28 and 14 days, and for a short life its last quarter and eighth."""
    begins = days - lifetime
    if source == "client":
        evidence = answered(credentials=holding(exporter(begins=begins, ends=days)))
    else:
        evidence = answered(handshake=shaken(server_chain=(backend(begins=begins, ends=days),)))
    due = [one.severity for one in found(evidence) if one.alertname.endswith("Expiring")]
    assert due == ([severity] if severity else [])


def test_an_ended_ca_that_nobody_needs_is_none() -> None:
    """One that ends soon is."""
    ending = msgspec.structs.replace(SERVER_CA, not_after=AT + 5 * DAY)
    ended = msgspec.structs.replace(SERVER_CA, not_after=AT - 5 * DAY, sha256="other")
    evidence = answered(credentials=holding(EXPORTER, ca_bundle=(ending, ended)))
    (one,) = found(evidence)
    assert one.alertname == "MtlsProbeCaCertificateExpiring"
    assert dict(one.labels) == {"source": "client_ca_bundle", "position": "0"}


def test_a_clock_that_is_off_is_one_and_one_within_the_tolerance_is_none() -> None:
    """By its source."""
    off = answered(clock=(ClockReading("sntp:a", 90.0), ClockReading("http", -30.0)))
    assert [dict(one.labels) for one in found(off) if one.alertname == "MtlsProbeClockSkew"] == [
        {"source": "sntp:a"}
    ]


def test_files_and_certificates_that_nobody_has_read_again() -> None:
    """Findings that stop nothing yet."""
    findings = tuple(
        Finding(cause=cause, fact="a fact")
        for cause in ("exporter_not_reloading", "backend_not_reloading", "tls_off")
    )
    diagnosis = Diagnosis(outcome="confirmed", stage="export", findings=findings)
    assert names(GOOD, diagnosis=diagnosis) == [
        "MtlsProbeCredentialsNotReloading",
        "MtlsProbeBackendNotReloading",
    ]


def test_every_alert_is_one_of_the_rules() -> None:
    """Who moves from one to the other keeps his routes: no name but those of the rules."""
    rules = {
        rule.alert for rule in rule_group(THRESHOLDS, Pages()).rules if isinstance(rule, AlertRule)
    }
    assert {one.alertname for case in CASES for one in found(case.evidence)} <= rules
    assert {rule.alert for rule in failing_alerts(THRESHOLDS, Pages())} <= rules


class Book:
    """A book that is entered every ten seconds, with a hold of 25."""

    def __init__(self) -> None:
        """Begin at no time in particular."""
        self.book = AlertBook("probe:9943", hold=25.0)
        self.now = 1000.0

    def look(self, evidence: Evidence | None, target: Target = TARGET) -> list[Alert]:
        """Enter what one attempt showed, ten seconds later; return what is told."""
        self.now += 10.0
        known = [] if evidence is None else [state(evidence, target)]
        self.book.enter(
            [(one, wrong) for one in known for wrong in conditions(one, THRESHOLDS, 60.0, AT)],
            self.now,
        )
        return list(self.book.to_tell())


def test_it_is_active_once_it_has_lasted() -> None:
    """Pending until then, and its start stays."""
    book = Book()
    assert [book.look(REFUSED) for _ in range(3)] == [[], [], []]
    (pending,) = book.book.open()
    assert pending.starts_at is None
    (alert,) = book.look(REFUSED)
    assert (alert.starts_at, alert.ends_at) == (1040.0, None)
    (later,) = book.look(REFUSED)
    assert later.starts_at == 1040.0
    assert alert.labels["team"] == "payments"
    assert alert.labels["a_b"] == "c"
    assert alert.annotations["runbook_url"] == "http://probe:9943/causes/client_ca_untrusted"


def test_a_moment_of_failure_is_nobodys_matter() -> None:
    """It comes and goes, and nothing was told."""
    book = Book()
    for _ in range(10):
        assert book.look(REFUSED) == []
        assert book.look(GOOD) == []


def test_it_ends_and_is_told_so_for_a_while() -> None:
    """Alertmanager may have been away when it ended."""
    book = Book()
    for _ in range(4):
        book.look(REFUSED)
    (ended,) = book.look(GOOD)
    assert ended.ends_at == book.now
    assert book.book.open() == ()
    (still,) = book.look(GOOD)
    assert still == ended
    book.now += KEPT
    assert book.look(GOOD) == []


def test_a_target_that_is_gone_ends_its_alerts() -> None:
    """A reload took it away."""
    book = Book()
    for _ in range(4):
        book.look(REFUSED)
    (ended,) = book.look(None)
    assert ended.ends_at == book.now


def test_a_cause_that_alternates_is_one_alert_that_goes_on() -> None:
    """The labels change, so the one with the old ends; the start is kept and nothing waits anew."""
    book = Book()
    for _ in range(4):
        book.look(REFUSED)
    other = next(case.evidence for case in CASES if case.name == "client_cert_expired")
    told = book.look(other)
    active = [alert for alert in told if alert.ends_at is None]
    ended = [alert for alert in told if alert.ends_at is not None]
    assert [alert.labels["cause"] for alert in active] == ["client_cert_expired"]
    assert [alert.labels["cause"] for alert in ended] == ["client_ca_untrusted"]
    assert active[0].starts_at == 1040.0
    (back,) = [alert for alert in book.look(REFUSED) if alert.ends_at is None]
    assert back.labels["cause"] == "client_ca_untrusted"
    assert back.starts_at == 1040.0


def test_the_document_is_prometheuss_own() -> None:
    """People's tools read /api/v1/alerts of Prometheus."""
    book = Book()
    book.look(REFUSED)
    (alert,) = api_document(book.book.open())["data"]["alerts"]
    assert alert["state"] == "pending"
    assert alert["activeAt"] == "1970-01-01T00:16:50.000Z"
    for _ in range(3):
        book.look(REFUSED)
    (alert,) = api_document(book.book.open())["data"]["alerts"]
    assert alert["state"] == "firing"
    assert {"labels", "annotations", "state", "activeAt", "value"} == alert.keys()


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_no_text_of_a_target_breaks_an_alert(name: str, value: str) -> None:
    """Label names are Prometheus's, no value is empty, and nothing acts on who reads it."""
    book = Book()
    target = replace(TARGET, name=name, labels=((name, value),))
    for _ in range(4):
        told = book.look(REFUSED, target)
    (alert,) = told
    for label, text in alert.labels.items():
        assert label.replace("_", "a").isalnum()
        assert label.isascii()
        assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & set(map(unicodedata.category, text))
        assert text
    msgspec.json.encode(alert.labels)
