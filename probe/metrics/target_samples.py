"""The sample lines of one target, kept rendered: an attempt re-renders only what it changed.

Interfaces.md, section 5, names every family. Rendering at each attempt instead of at each scrape
spreads the work evenly, and a scrape of ten thousand targets only joins bytes.
"""

import re
from collections.abc import Iterable
from typing import Final

from probe.diagnosis.readings.observed import is_issuer_listed
from probe.ledger.target_runtime import TargetRuntime
from probe.metrics.certificate_samples import CertificateLines, certificate_lines
from probe.metrics.exposition import labels, number
from probe.model.certificate import CredentialFacts
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import ClockReading, Evidence, Handshake
from probe.model.finding import Finding
from probe.model.target import Target


class TargetLines:
    """The rendered lines of one target: a part of its runtime."""

    __slots__ = (
        "_attempts",
        "_credentials",
        "_findings",
        "_handshake",
        "_proven",
        "_target",
        "acceptable_ca_match",
        "attempts",
        "cause",
        "clock_offset",
        "credential_fault",
        "credentials_loaded",
        "expected_cause",
        "failures",
        "finding",
        "interval",
        "last_attempt",
        "last_duration",
        "last_success",
        "local",
        "outcome",
        "server",
        "success",
        "target_info",
        "tls_info",
    )

    def __init__(self) -> None:
        """Have no line yet."""
        self._target = ""
        self._attempts = 0
        self._credentials: CredentialFacts | None = None
        self._handshake: Handshake | None = None
        self._proven: tuple[str | bool | None, ...] | None = None
        self._findings: tuple[Finding, ...] = ()
        self.success = self.cause = self.last_attempt = self.last_success = b""
        self.last_duration = self.tls_info = self.acceptable_ca_match = b""
        self.clock_offset = self.credential_fault = self.credentials_loaded = b""
        self.outcome = self.finding = self.expected_cause = b""
        self.attempts = self.failures = self.interval = self.target_info = b""
        self.local = self.server = CertificateLines()

    def update(self, runtime: TargetRuntime) -> None:
        """Render what is new of `runtime`, whose part these lines are."""
        if not self._target:
            self._render_target(runtime.target)
            self._count(runtime)
        if runtime.attempts != self._attempts:
            self._attempts = runtime.attempts
            if runtime.evidence is not None and runtime.diagnosis is not None:
                self._render_attempt(runtime, runtime.evidence, runtime.diagnosis)

    def _render_target(self, target: Target) -> None:
        self._target = "{" + labels((("target", target.name),))
        if target.expect_cause:
            expected = {target.expect_cause: 1.0}
            self.expected_cause = self._gauges("mtls_probe_expected_cause", "cause", expected)
        every = number(target.interval)
        self.interval = f"mtls_probe_interval_seconds{self._target}}} {every}\n".encode()
        self.target_info = _target_info(target)

    def _render_attempt(
        self, state: TargetRuntime, evidence: Evidence, diagnosis: Diagnosis
    ) -> None:
        target, handshake = self._target, evidence.handshake
        self._count(state)
        self.success = f"mtls_probe_success{target}}} {int(state.expected)}\n".encode()
        at = number(evidence.at)
        self.last_attempt = f"mtls_probe_last_attempt_timestamp_seconds{target}}} {at}\n".encode()
        if state.expected:
            self.last_success = (
                f"mtls_probe_last_success_timestamp_seconds{target}}} {at}\n".encode()
            )
        self.last_duration = "".join(
            [
                f'mtls_probe_last_duration_seconds{target},stage="{stage}"}} {number(seconds)}\n'
                for stage, seconds in evidence.durations.items()
            ]
        ).encode()
        proven = (
            diagnosis.outcome,
            diagnosis.cause,
            diagnosis.family,
            diagnosis.certain,
            diagnosis.party,
        )
        if proven != self._proven:
            self._proven = proven
            self.cause = self._cause(diagnosis)
            self.outcome = self._gauges("mtls_probe_outcome", "outcome", {diagnosis.outcome: 1.0})
        if diagnosis.findings != self._findings:
            self._findings = diagnosis.findings
            found = {finding.cause: 1.0 for finding in diagnosis.findings}
            self.finding = self._gauges("mtls_probe_finding", "cause", found)
        self.clock_offset = self._clock_offset(evidence.clock) if evidence.clock else b""
        if evidence.credentials is not self._credentials and (
            evidence.credentials != self._credentials
        ):
            self._render_credentials(evidence.credentials)
            self._render_handshake(evidence)
        elif not _same_handshake(handshake, self._handshake):
            self._render_handshake(evidence)
        self._credentials, self._handshake = evidence.credentials, handshake

    def _count(self, state: TargetRuntime) -> None:
        target = self._target
        self.attempts = f"mtls_probe_attempts_total{target}}} {state.attempts}\n".encode()
        self.failures = f"mtls_probe_failures_total{target}}} {state.failures}\n".encode()

    def _cause(self, diagnosis: Diagnosis) -> bytes:
        if diagnosis.cause is None:
            return b""
        certain = "true" if diagnosis.certain else "false"
        proven = labels(
            (
                ("cause", diagnosis.cause),
                ("family", diagnosis.family or ""),
                ("certain", certain),
                ("party", diagnosis.party or ""),
            )
        )
        return f"mtls_probe_cause{self._target},{proven}}} 1\n".encode()

    def _clock_offset(self, readings: Iterable[ClockReading]) -> bytes:
        offsets = {reading.source: reading.offset for reading in readings}
        return self._gauges("mtls_probe_clock_offset_seconds", "source", offsets)

    def _render_credentials(self, credentials: CredentialFacts) -> None:
        self.local = certificate_lines(
            self._target,
            (("client", credentials.client_chain), ("client_ca_bundle", credentials.ca_bundle)),
        )
        loaded = number(credentials.read_at)
        self.credentials_loaded = (
            f"mtls_probe_credentials_loaded_timestamp_seconds{self._target}}} {loaded}\n".encode()
            if credentials.read_at
            else b""
        )
        self.credential_fault = self._gauges(
            "mtls_probe_credential_fault",
            "cause",
            {fault.cause: 1.0 for fault in (*credentials.faults, *credentials.unusable)},
        )

    def _render_handshake(self, evidence: Evidence) -> None:
        handshake = evidence.handshake
        self.tls_info = self.acceptable_ca_match = b""
        self.server = CertificateLines()
        if handshake is None:
            return
        self.server = certificate_lines(self._target, (("server", handshake.server_chain),))
        if handshake.version:
            agreed = labels((key, getattr(handshake, key)) for key in _AGREED)
            self.tls_info = f"mtls_probe_tls_info{self._target},{agreed}}} 1\n".encode()
        if handshake.acceptable_cas:
            match = int(is_issuer_listed(evidence) or False)
            self.acceptable_ca_match = (
                f"mtls_probe_acceptable_ca_match{self._target}}} {match}\n".encode()
            )

    def _gauges(self, name: str, label: str, values: dict[str, float]) -> bytes:
        return "".join(
            f"{name}{self._target},{labels(((label, key),))}}} {number(value)}\n"
            for key, value in values.items()
        ).encode()


def target_lines(runtime: TargetRuntime) -> TargetLines:
    """Return the lines of `runtime` as they are now."""
    lines = runtime.part(TargetLines)
    lines.update(runtime)
    return lines


_AGREED: Final = ("version", "cipher", "group", "alpn")


def _target_info(target: Target) -> bytes:
    own = {
        "target": target.name,
        "endpoint": str(target.endpoint),
        "protocol": target.protocol,
        "server_address": target.endpoint.host,
        "server_port": str(target.endpoint.port),
    }
    for name, value in target.labels:
        own.setdefault(label_name(name), value)
    return f"mtls_probe_target_info{{{labels(own.items())}}} 1\n".encode()


def label_name(name: str) -> str:
    """Return `name` as Prometheus takes it; a leading `__` is reserved for its own use."""
    legal = re.sub(r"[^a-zA-Z0-9_]", "_", name)
    if legal.startswith("__") or not legal or legal[0].isdigit():
        return "_" + legal.lstrip("_")
    return legal


def _same_handshake(now: Handshake | None, before: Handshake | None) -> bool:
    if now is None or before is None:
        return now is before
    return (
        now.server_chain == before.server_chain
        and now.acceptable_cas == before.acceptable_cas
        and (now.version, now.cipher, now.group, now.alpn)
        == (before.version, before.cipher, before.group, before.alpn)
    )
