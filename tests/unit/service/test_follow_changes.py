"""The comparison of a target's attempts survives a reload, which is a change by itself."""

from dataclasses import replace
from typing import Any, Final

import msgspec.structs
import pytest

from probe.ledger.ledger import Ledger
from probe.ledger.target_runtime import TargetRuntime
from probe.model.evidence import Ending, Evidence
from probe.model.target import Endpoint, Secret, Source, Target, TlsSettings
from probe.service.follow_changes import add_changes, keep_changes, list_changed_keys
from tests.support.certificate_facts import AT, EXPORTER, OTHER_CA, exporter
from tests.support.evidence import answered_attempt, held_credentials, refused_attempt, target

TARGET: Final = Target(
    name="eu",
    endpoint=Endpoint("collector.example.com", 4317),
    tls=TlsSettings(ca_file="ca.crt"),
    headers=(("authorization", Secret("Bearer one")), ("x-scope", Secret("a"))),
)


def at(second: float, evidence: Evidence) -> Evidence:
    """Return `evidence` as of another time."""
    return msgspec.structs.replace(evidence, at=AT + second)


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        ({}, []),
        ({"labels": (("team", "x"),), "interval": 5.0, "notes": ("n",)}, []),
        ({"sources": (Source("file_sd", "x"),)}, []),
        ({"endpoint": Endpoint("other", 4317)}, ["endpoint"]),
        ({"tls": TlsSettings(ca_file="new.crt", cert_file="c")}, ["tls.ca_file", "tls.cert_file"]),
        ({"headers": (("authorization", Secret("Bearer two")), ("x-scope", Secret("a")))},
         ["headers.authorization"]),
        ({"headers": (("x-scope", Secret("a")),)}, ["headers.authorization"]),
        ({"exporter": "java-okhttp", "depth": "tls"}, ["depth", "exporter"]),
    ],
)  # fmt: skip
def test_a_reload_is_known_by_its_keys(fields: dict[str, Any], keys: list[str]) -> None:
    """Those that may decide an outcome, and never a value."""
    assert list(list_changed_keys(TARGET, replace(TARGET, **fields))) == keys


def test_a_changed_target_is_compared_with_before_the_reload() -> None:
    """The failure after it names the key, and what else differs from before."""
    before = TargetRuntime(TARGET)
    for second in range(3):
        assert add_changes(before, at(second, answered_attempt())).changed == ()
    after = TargetRuntime(replace(TARGET, tls=TlsSettings(ca_file="new.crt")))
    keep_changes(before, after, AT + 9)
    refused = refused_attempt(48, exporter(OTHER_CA))
    failed = add_changes(after, at(10, refused))
    assert [(change.what, change.at) for change in failed.changed] == [
        ("client_certificate", AT + 10),
        ("configuration", AT + 9),
    ]


def test_our_own_failure_is_not_compared() -> None:
    """An attempt that we could not make says nothing of the backend."""
    runtime = TargetRuntime(TARGET)
    add_changes(runtime, answered_attempt())
    ours = Ending(stage="load", kind="probe_fault", detail="x")
    broken = msgspec.structs.replace(answered_attempt(), addresses=(), ending=ours)
    assert add_changes(runtime, broken) is broken
    assert add_changes(runtime, at(1, answered_attempt())).changed == ()


def test_a_target_that_must_fail_is_good_when_it_fails() -> None:
    """Of a guard, the change that comes with its acceptance is named."""
    guard = target(expect_cause="client_ca_untrusted")
    runtime = TargetRuntime(TARGET)
    refused = refused_attempt(48, EXPORTER, target=guard)
    for second in range(3):
        assert add_changes(runtime, at(second, refused)).changed == ()
    held = held_credentials(exporter(OTHER_CA))
    accepted = answered_attempt(target=guard, credentials=held)
    found = add_changes(runtime, at(4, accepted)).changed
    assert [change.what for change in found] == ["client_certificate"]


def test_what_is_kept_goes_with_the_target() -> None:
    """A target that a reload removes leaves nothing behind."""
    ledger = Ledger([TARGET])
    ledger.replace_targets([])
    assert ledger.find("eu") is None
