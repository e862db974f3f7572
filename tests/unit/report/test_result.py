"""The JSON form of results, field by field, as docs/json.md has it."""

import json
from typing import Any
from unicodedata import category

import msgspec.structs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.diagnosis.diagnose import diagnose
from probe.ledger.ledger import Ledger
from probe.model.certificate import CertificateFacts, CredentialFacts, Name
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import (
    Alert,
    ClockReading,
    Ending,
    Evidence,
    Handshake,
    Recheck,
    TargetFacts,
)
from probe.model.finding import Finding
from probe.model.target import Endpoint, SourceState, Target
from probe.report.result import build_result, encode_line, encode_results, find_latest_result
from probe.text.safe_text import safe_text
from tests.stories.all_stories import BY_NAME

FIELDS = [
    "target", "endpoint", "protocol", "labels", "at", "outcome", "expected", "stage", "cause",
    "family", "documented_cause", "certain", "also", "findings", "party", "exporter", "peer_address",
    "facts", "fix", "by_exporter", "changed", "alerts", "tls",
    "acceptable_cas", "server_certificates", "client_certificates", "clock",
    "experiments", "durations",
]  # fmt: skip  # one name a line would hide that it is one list
UNKNOWN_CA = Alert(direction="received", level="fatal", number=48, name="unknown_ca")
AT = 1_795_341_600.123
REFUSED = Diagnosis(
    outcome="failed",
    stage="accept",
    cause="client_ca_untrusted",
    family="backend_ca_trust",
    documented_cause=1,
    facts=("backend sent alert unknown_ca (48)",),
    fix=("add the CA to client_ca_file",),
    party="backend",
)


def test_experiments_say_what_they_proved_and_ruled_out() -> None:
    """Each in the order made, with the cause that follows; null where none does."""
    evidence = BY_NAME["no_shared_group"].evidence
    found = json.loads(encode_line(build_result(evidence, diagnose(evidence))))["experiments"]
    assert [(one["varied"], one["proves"], one["rules_out"]) for one in found] == [
        ("unvaried", None, None),
        ("every_version", None, "protocol_version_mismatch"),
        ("every_cipher", None, None),
        ("every_group", "no_shared_group", None),
        ("no_alpn", None, "alpn_mismatch"),
        ("tls_1.2", None, "protocol_version_mismatch"),
    ]
    assert found[0]["outcome"] == "the same alert handshake_failure (40)"


def certificate(subject: str) -> CertificateFacts:
    """Return a certificate of `subject` from 2026-01-01 to 2027-01-01."""
    return CertificateFacts(
        subject=Name(text=subject, digest="s"),
        issuer=Name(text="CN=ca", digest="i"),
        serial_number="2a",
        not_before=1_767_225_600.0,
        not_after=1_798_761_600.0,
        sha256="ab",
        sans=("DNS:eu.example",),
    )


def evidence(**fields: Any) -> Evidence:
    """Return evidence for the target `collector-eu`, with `fields` over the defaults."""
    target = TargetFacts(
        name="collector-eu",
        endpoint="collector.example.com:4317",
        host="collector.example.com",
        port=4317,
        protocol="grpc",
        labels=(("team", "payments"),),
        expect_cause=fields.pop("expect", None),
    )
    known: dict[str, Any] = {"at": AT, "ending": Ending(stage="accept", kind="alert"), **fields}
    return Evidence(target=target, **known)


def full() -> Evidence:
    """Return evidence in which everything was seen."""
    return evidence(
        handshake=Handshake(
            complete=True,
            version="1.3",
            cipher="TLS_AES_128_GCM_SHA256",
            group="X25519MLKEM768",
            alpn="h2",
            client_certificate_requested=True,
            client_certificate_sent=True,
            acceptable_cas=(Name(text="CN=Collector client CA", digest="i"),),
            alerts=(UNKNOWN_CA,),
            server_chain=(certificate("CN=server"),),
        ),
        credentials=CredentialFacts(client_chain=(certificate("CN=client"),)),
        clock=(
            ClockReading(source="http_date", offset=2.0, uncertainty=1.0),
            ClockReading(source="sntp", offset=1.5, uncertainty=0.01),
        ),
        durations={"resolve": 0.0004, "connect": 0.0003},
    )


def as_json(seen: Evidence, diagnosis: Diagnosis) -> dict[str, Any]:
    """Return one result as a reader of the JSON sees it."""
    parsed = json.loads(encode_line(build_result(seen, diagnosis)))
    assert isinstance(parsed, dict)
    return parsed


def test_a_failure_has_the_form_of_the_contract() -> None:
    """Every field of section 4 is there, in its order, with its value."""
    shown = as_json(full(), REFUSED)
    dates = {"not_before": "2026-01-01T00:00:00Z", "not_after": "2027-01-01T00:00:00Z"}
    rest = {
        "issuer": "CN=ca", "serial_number": "2a", **dates, "sans": ["DNS:eu.example"],
        "sha256": "ab",
    }  # fmt: skip  # as in the contract

    assert list(shown) == FIELDS
    assert shown == {
        "target": "collector-eu",
        "endpoint": "collector.example.com:4317",
        "protocol": "grpc",
        "labels": {"team": "payments"},
        "at": "2026-11-22T10:00:00.123Z",
        "outcome": "failed",
        "expected": False,
        "stage": "accept",
        "cause": "client_ca_untrusted",
        "family": "backend_ca_trust",
        "documented_cause": 1,
        "certain": True,
        "also": [],
        "findings": [],
        "party": "backend",
        "exporter": "collector",
        "peer_address": "",
        "facts": ["backend sent alert unknown_ca (48)"],
        "fix": ["add the CA to client_ca_file"],
        "by_exporter": [],
        "changed": [],
        "alerts": [{"direction": "received", "level": "fatal", "number": 48, "name": "unknown_ca"}],
        "tls": {
            "version": "1.3",
            "cipher": "TLS_AES_128_GCM_SHA256",
            "group": "X25519MLKEM768",
            "alpn": "h2",
            "client_certificate_requested": True,
        },
        "acceptable_cas": ["CN=Collector client CA"],
        "server_certificates": [{"subject": "CN=server", **rest}],
        "client_certificates": [{"subject": "CN=client", **rest}],
        "clock": {"offset_seconds": 1.5, "source": "sntp"},
        "experiments": [],
        "durations": {"resolve": 0.0004, "connect": 0.0003},
    }


@pytest.mark.parametrize("outcome", ["confirmed", "unconfirmed"])
def test_what_is_unknown_is_null_and_never_left_out(outcome: Any) -> None:
    """Without a handshake, a cause or a clock the fields stay, as null or empty."""
    shown = as_json(evidence(), Diagnosis(outcome=outcome, stage="connect"))

    assert list(shown) == FIELDS
    assert (shown["cause"], shown["family"], shown["documented_cause"]) == (None, None, 0)
    assert (shown["also"], shown["findings"], shown["alerts"]) == ([], [], [])
    assert set(shown["tls"].values()) == {None}
    assert len(shown["tls"]) == 5
    assert shown["clock"] == {"offset_seconds": None, "source": None}


def test_a_handshake_that_broke_off_shows_what_it_had() -> None:
    """Fields that the handshake did not reach are null, the others are not."""
    shown = as_json(evidence(handshake=Handshake(version="1.2")), REFUSED)

    assert shown["tls"] == {
        "version": "1.2",
        "cipher": None,
        "group": None,
        "alpn": None,
        "client_certificate_requested": False,
    }


def test_findings_have_cause_fact_and_fix() -> None:
    """A finding is an object of three fields, with any outcome."""
    finding = Finding(cause="client_cert_expired", fact="it expired", fix=("renew it",))
    confirmed = Diagnosis(outcome="confirmed", stage="export", findings=(finding,))

    assert as_json(evidence(), confirmed)["findings"] == [
        {"cause": "client_cert_expired", "fact": "it expired", "fix": ["renew it"]}
    ]


def test_where_exporters_differ_each_has_an_object() -> None:
    """A Go client sends nothing to a backend whose list names another CA, curl does as we do."""
    handshake = msgspec.structs.replace(
        full().handshake, acceptable_cas=(Name(text="CN=Other", digest="d"),)
    )
    shown = as_json(msgspec.structs.replace(full(), handshake=handshake), REFUSED)["by_exporter"]

    assert {one["runtime"]: (one["outcome"], one["says"]) for one in shown} | {
        "go-grpc": ("fails", "remote error: tls: certificate required"),
        "curl": ("same", "SSL routines::tlsv1 alert unknown ca"),
    } == {one["runtime"]: (one["outcome"], one["says"]) for one in shown}
    assert all(
        list(one) == ["runtime", "outcome", "says", "because", "measured", "why"] for one in shown
    )
    assert all(one["because"] for one in shown)


def test_expected_is_judged_by_the_target() -> None:
    """The failure that a target must show is expected, another one is not."""
    assert as_json(evidence(expect="client_ca_untrusted"), REFUSED)["expected"] is True
    assert as_json(evidence(expect="tcp_refused"), REFUSED)["expected"] is False


def test_the_alert_of_the_further_handshake_is_shown() -> None:
    """Where only the handshake at TLS 1.2 brought an alert, it is among the alerts."""
    recheck = Recheck(
        handshake=Handshake(alerts=(UNKNOWN_CA,)), ending=Ending(stage="accept", kind="alert")
    )
    shown = as_json(evidence(handshake=Handshake(), recheck=recheck), REFUSED)

    assert [alert["number"] for alert in shown["alerts"]] == [48]


def test_a_document_names_its_schema_and_what_is_pending() -> None:
    """Targets without an attempt are named apart; without any, the field is not there."""
    one = build_result(full(), REFUSED)

    assert json.loads(encode_results([one, one])) == {
        "schema": "mtls-probe/1",
        "results": [json.loads(encode_line(one))] * 2,
    }
    assert json.loads(encode_results([], ["late\x1b"])) == {
        "schema": "mtls-probe/1",
        "results": [],
        "pending": ["late\\x1b"],
    }


def test_a_document_says_how_the_sources_were() -> None:
    """Beside the results: which are down and why, and how many targets each gives."""
    states = (SourceState("environment", True, 1), SourceState("sdk:/f", False, 0, "gone"))

    assert json.loads(encode_results([], sources=states))["sources"] == [
        {"source": "environment", "up": True, "targets": 1, "error": None},
        {"source": "sdk:/f", "up": False, "targets": 0, "error": "gone"},
    ]


def test_the_result_of_a_state_is_that_of_its_last_attempt() -> None:
    """A target has no result until an attempt ended."""
    target = Target(name="collector-eu", endpoint=Endpoint("collector.example.com", 4317))
    ledger = Ledger([target])
    state = ledger.find("collector-eu")
    assert state is not None
    assert find_latest_result(state) is None

    ledger.record(target, full(), REFUSED)

    assert find_latest_result(state) == build_result(full(), REFUSED)


@settings(max_examples=50)
@given(st.text(), st.text())
def test_any_name_and_label_survive(name: str, value: str) -> None:
    """Whatever a target is called, its line is JSON without control characters."""
    target = TargetFacts(
        name=name, endpoint=name, host="h", port=1, protocol="grpc", labels=((value, value),)
    )
    seen = Evidence(target=target, at=AT, ending=Ending(stage="connect", kind="refused"))

    raw = encode_line(build_result(seen, REFUSED)).decode().removesuffix("\n")

    assert not any(category(char) in {"Cc", "Cf", "Zl", "Zp"} for char in raw)
    assert json.loads(raw)["target"] == safe_text(name)
