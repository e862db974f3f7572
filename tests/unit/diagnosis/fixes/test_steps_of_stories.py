"""What every printed fix must be, over the evidence of all stories and over evidence that nobody planned.

A step is imperative and ends as a sentence or in a command; no placeholder word, no file that is not
set, something of this target in it; who must act is whom the first step addresses, everywhere.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec.structs
import pytest
from hypothesis import HealthCheck, given, settings

from probe.attempt.target_facts import collect_target_facts
from probe.config.sources.sdk.environment import read_environment
from probe.credentials.named_file import COMMAND
from probe.diagnosis.diagnose import diagnose
from probe.diagnosis.fixes.steps import PLACEHOLDERS
from probe.model.diagnosis import Diagnosis, Party
from probe.model.evidence import Evidence, TargetFacts
from tests.stories.all_stories import BY_NAME, STORIES
from tests.stories.story import Story
from tests.support.arbitrary_evidence import evidences
from tests.support.every_row import every_row

PLACEHOLDER: Final = re.compile(
    rf"\{{({'|'.join(PLACEHOLDERS)})\}}|\b(HOST|PORT|ADDRESS|DIR|FILE|NAME|SERVICE|NAMESPACE|CERT)\b"
)
ADDRESSES: Final[dict[Party, re.Pattern[str]]] = {
    "exporter": re.compile(
        r"the exporter's|the SDK's|this exporter|[Tt]he otlp_(http|grpc) exporter|OTEL_EXPORTER_|tls\.crt"
        r"|ca\.crt|tls\.key|the file of|endpoint of|cert_file|key_file|ca_file|exporter's user"
        r"|_pem\b|cipher_suites|cipher_suites of|openssl|sed|put the|copy|a file that"
    ),
    "backend": re.compile(
        r"[Oo]n the backend|the backend of|backend at|receiver at|Collector behind|backend's machine"
        r"|[Cc]heck that [\s\S]* is a TLS port|backend's file of client CAs|Raise the limits"
        r"|the log of the backend|Wait [\s\S]* the backend's certificate|Restart the backend"
    ),
    "network": re.compile(r"DNS|route|firewall|[Tt]he proxy\b|on the way|Until the way"),
    "probe": re.compile(r"the probe|the evidence file"),
    "both": re.compile(r"the probe runs on"),
    "either": re.compile(r"date -u|the backend speaks TLS|both machines"),
}
"""By party, how a step addresses it."""
KINDS: Final = {
    "an SDK's variables": {"source_kinds": ("sdk",), "read_once": ("cert", "ca")},
    "an SDK's file": {
        "source_kinds": ("sdk",), "settings_file": "/etc/otel/sdk.yaml", "read_once": ("cert", "ca"),
    },
    "a Collector": {
        "source_kinds": ("collector",), "settings_file": "/etc/otelcol/config.yaml",
        "read_once": ("cert", "ca"),
    },
    "a Collector that reloads": {"source_kinds": ("collector",), "read_once": ("ca",)},
    "not known": {},
    "no file is set": {"cert_file": "", "key_file": "", "ca_file": ""},
    "PEM in the settings": {"cert_file": "cert_pem", "key_file": "key_pem", "ca_file": "ca_pem"},
}  # fmt: skip


def steps_of(found: Diagnosis) -> Iterator[str]:
    """Yield every step that is printed."""
    yield from found.fix
    for finding in found.findings:
        yield from finding.fix


def addresses(party: Party, step: str, target: TargetFacts) -> bool:
    """Return whether a step is for `party` to take; whoever writes the exporter's files is its side."""
    own = tuple(path for path in (target.cert_file, target.key_file, target.ca_file) if path)
    if party == "exporter" and any(path in step for path in own):
        return True
    return ADDRESSES[party].search(step) is not None


def with_target(evidence: Evidence, **fields: object) -> Evidence:
    """Return the evidence of the same attempt by an exporter with other settings."""
    return msgspec.structs.replace(
        evidence, target=msgspec.structs.replace(evidence.target, **fields)
    )


every_kind = pytest.mark.parametrize("kind", KINDS)


@every_row(story=STORIES)
@every_kind
def test_a_step_has_no_hole_and_names_no_file_that_is_not_set(story: Story, kind: str) -> None:
    """Whatever the settings come from: no placeholder word, no made-up path, no doubled blank."""
    evidence = with_target(story.evidence, **KINDS[kind])
    for step in steps_of(diagnose(evidence)):
        assert not PLACEHOLDER.search(step), step
        assert step[0].isupper() or COMMAND.match(step), step
        assert step == " ".join(step.split())
        if not evidence.target.ca_file:
            assert "ca.crt" not in step
        if evidence.target.cert_file in {"", "cert_pem"} and not evidence.credentials.faults:
            assert not re.search(r"openssl x509 -in (?!/)", step), step
            assert "/etc/otel/tls.crt" not in step or evidence.credentials.remarks, step


@every_row(story=STORIES)
@every_kind
def test_a_fix_names_something_of_this_target(story: Story, kind: str) -> None:
    """A fix that could stand under any target sends the reader away to search."""
    evidence = with_target(story.evidence, **KINDS[kind])
    found = diagnose(evidence)
    if found.cause is None:
        return
    assert any(of_target(evidence.target) & words(step) for step in found.fix) or any(
        of_evidence(evidence) & words(step) for step in found.fix
    ), found.fix


def of_target(target: TargetFacts) -> set[str]:
    """Return what of the target a step can name."""
    known = {
        target.endpoint, target.host, str(target.port), target.cert_file, target.key_file,
        target.ca_file, target.settings_file, target.reference_identifier,
        target.proxy.rpartition(":")[0], target.proxy.rpartition(":")[2],
    }  # fmt: skip
    return words(" ".join(known))


def of_evidence(evidence: Evidence) -> set[str]:
    """Return the variables and settings, and what faults name."""
    faults = (*evidence.credentials.faults, *evidence.credentials.remarks)
    named = " ".join(step for fault in faults for step in fault.fix)
    return words(named) | words(
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE OTEL_EXPORTER_OTLP_CERTIFICATE ca_file cert_file "
        "key_file cipher_suites curve_preferences min_version max_version server_name_override"
    )


def words(text: str) -> set[str]:
    """Return the words of a text that are longer than a joining one."""
    return {word.strip(".,:;()'\"") for word in text.split() if len(word) > 3}


@every_row(story=STORIES)
@every_kind
def test_the_party_is_whom_the_first_step_addresses(story: Story, kind: str) -> None:
    """Cause, party and fix agree, whatever the exporter's settings come from."""
    evidence = with_target(story.evidence, **KINDS[kind])
    found = diagnose(evidence)
    if found.cause is None:
        assert found.party is None
        return
    assert found.party is not None
    assert addresses(found.party, found.fix[0], evidence.target), (
        found.party,
        found.fix[0],
    )


@pytest.mark.slow
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(evidences)
def test_whatever_the_evidence_party_and_fix_agree(evidence: Evidence) -> None:
    """The same of evidence that nobody planned; a file's own fault brings its own steps."""
    found = diagnose(evidence)
    assert (found.party is None) == (found.cause is None)
    if found.party is None or not found.fix:
        return
    faulty = evidence.ending.kind == "credentials"
    assert faulty or any(addresses(found.party, step, evidence.target) for step in found.fix[:2]), (
        found
    )


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(evidences)
def test_whatever_the_evidence_no_step_has_a_hole(evidence: Evidence) -> None:
    """Braces that stand in a path or a name are text; a placeholder of ours is always filled."""
    hostile = {"cert_file", "ca_file"}  # what the evidence itself writes in braces
    for step in steps_of(diagnose(evidence)):
        left = {found[1] for found in PLACEHOLDER.finditer(step)}
        assert left <= hostile, step
        if not evidence.target.ca_file and "ca_file" not in step:
            assert "ca.crt" not in step


def test_a_skew_of_months_is_not_fixed_by_minutes() -> None:
    """Only a certificate that begins within the tolerance is issued a few minutes earlier."""
    for story in STORIES:
        found = diagnose(story.evidence)
        if any("a few minutes in the past" in step for step in steps_of(found)):
            assert any("within the tolerance" in fact for fact in found.facts), story.name


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("an SDK's variables", "Restart the application"),
        ("an SDK's file", "Restart the application"),
        ("a Collector", "Restart the exporter's Collector: without reload_interval"),
        ("a Collector that reloads", "Wait for the exporter's reload_interval"),
        ("not known", "Restart the exporter"),
    ],
)
def test_a_renewed_certificate_is_read_as_this_exporter_reads(kind: str, says: str) -> None:
    """Fixes differ where the evidence does: what reads a file once is restarted."""
    expired = BY_NAME["client_cert_expired"]
    found = diagnose(with_target(expired.evidence, **KINDS[kind]))
    assert any(step.startswith(says) for step in found.fix), found.fix


def test_each_variable_that_has_no_effect_has_its_own_step() -> None:
    """With every OTEL_*_EXPORTER set to none, three findings, and each says what to set."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c:4317"}
    environ |= {f"OTEL_{name}_EXPORTER": "none" for name in ("TRACES", "METRICS", "LOGS")}
    (watched,) = read_environment(environ).targets
    well = BY_NAME["confirmed"].evidence
    found = diagnose(msgspec.structs.replace(well, target=collect_target_facts(watched, 60.0)))

    assert [finding.fix[0] for finding in found.findings] == [
        f"Set OTEL_{name.upper()}_EXPORTER=otlp where {name} are wanted here."
        for name in ("traces", "metrics", "logs")
    ]
    for finding in found.findings:
        assert finding.fix[1].startswith("Restart the application")
        assert finding.fix[0].split("=")[0].removeprefix("Set ") in finding.fact


def test_a_new_server_certificate_is_followed_by_a_restart() -> None:
    """A backend reads its certificate once, or at a reload."""
    stories = [story for story in STORIES if story.name.startswith("server_name_mismatch")]
    assert stories
    for story in stories:
        found = diagnose(story.evidence)
        assert found.fix[1].startswith("Restart the backend, or make it read its files again")
