"""The samples of one target, kept rendered: an attempt renders only what it changed.

That spreads the work evenly. Only numbers that are others each time are written by the scrape: in a
row for many targets that costs a tenth of what it does between attempts. What is kept begins behind the name of the target: so what is equal
for many targets, such as the names of a certificate, is in memory once.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from typing import Final

from probe.changes.change_tracker import ChangeTracker
from probe.diagnosis.readings.client_certificate import is_issuer_listed
from probe.ledger.replicas import Replicas
from probe.ledger.target_runtime import TargetRuntime
from probe.metrics import families
from probe.metrics.certificate_rows import CertificateRows, SourceRows
from probe.metrics.exposition import Family, format_labels, format_number
from probe.metrics.families import TARGET_FAMILIES
from probe.model.certificate import CredentialFacts
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import ClockReading, Evidence, Handshake
from probe.model.target import Target

_PLACES: Final = {family.name: place for place, family in enumerate(TARGET_FAMILIES)}
_NAMES: Final = tuple(family.name.encode() for family in TARGET_FAMILIES)
_ATTEMPTS: Final = _PLACES[families.ATTEMPTS.name]
_FAILURES: Final = _PLACES[families.FAILURES.name]
_LAST_ATTEMPT: Final = _PLACES[families.LAST_ATTEMPT.name]
_LAST_SUCCESS: Final = _PLACES[families.LAST_SUCCESS.name]
_CERTIFICATES: Final = (
    families.NOT_AFTER,
    families.NOT_BEFORE,
    families.CERTIFICATE_INFO,
    families.EARLIEST_EXPIRY,
    families.LEFT_OUT,
)
_AGREED: Final = ("version", "cipher", "group", "alpn")

MOST_NAMES: Final = 100
"""SANs that a label has."""


class TargetSamples:
    """The rendered samples of one target: a part of its runtime.

    Attributes:
        head: what the labels of every sample begin with, `{target="…"`.
        tails: what follows in each line of each of `TARGET_FAMILIES`, in its order.
    """

    __slots__ = (
        "_attempts", "_clock", "_credentials", "_diagnosis", "_expected", "_failures", "_handshake",
        "_rows", "_taken", "head", "tails",
    )  # fmt: skip

    def __init__(self) -> None:
        """Have no sample yet."""
        self.head = b""
        self.tails = [b""] * len(TARGET_FAMILIES)
        self._attempts = self._taken = self._failures = 0
        self._expected: bool | None = None
        self._diagnosis: Diagnosis | None = None
        self._clock: tuple[ClockReading, ...] = ()
        self._credentials: CredentialFacts | None = None
        self._handshake: Handshake | None = None
        self._rows = CertificateRows()

    def update(self, runtime: TargetRuntime) -> None:
        """Render what is new of `runtime`, whose part these samples are."""
        self.take_attempt(runtime)
        if runtime.attempts != self._attempts:
            self._attempts = runtime.attempts
            if runtime.evidence is not None:
                self._render_numbers(runtime, runtime.evidence)

    def take_attempt(self, runtime: TargetRuntime) -> None:
        """Take in an attempt, each of them; numbers, which are others each time, wait for a scrape."""
        if not self.head:
            self._render_target(runtime.target)
            self._set_value(families.ATTEMPTS, runtime.attempts)
            self._set_value(families.FAILURES, runtime.failures)
        if runtime.attempts != self._taken:
            self._taken = runtime.attempts
            if runtime.evidence is not None and runtime.diagnosis is not None:
                self._render_attempt(runtime.evidence, runtime.diagnosis)

    def count_addresses(self, target: str, replicas: Replicas) -> None:
        """Render how many addresses there are of the target of that name, and how they are."""
        self.head = _format_head((("target", target),))
        known = replicas.by_address.values()
        self._set_value(families.ADDRESSES, len(known))
        unexpected = sum(not each.expected for each in known if each.diagnosis is not None)
        self._set_value(families.ADDRESSES_UNEXPECTED, unexpected)
        self._set_value(families.ADDRESSES_LEFT_OUT, replicas.left_out)

    def _render_target(self, target: Target) -> None:
        own = (("target", target.name), ("address", target.replica))
        self.head = _format_head(own if target.replica else own[:1])
        if target.expect_cause and not target.expect_until:
            self._set_by(families.EXPECTED_CAUSE, "cause", {target.expect_cause: 1.0})
        self._set_value(families.INTERVAL, target.interval)
        self._set(families.TARGET_INFO, _target_info(target))

    def _render_attempt(self, evidence: Evidence, diagnosis: Diagnosis) -> None:
        if diagnosis is not self._diagnosis:
            self._diagnosis = diagnosis
            self._render_verdict(diagnosis)
        files = evidence.credentials
        same_files = files is self._credentials or files == self._credentials
        if not same_files:
            self._render_credentials(files)
        same_handshake = _is_same_handshake(evidence.handshake, self._handshake)
        if not (same_files and same_handshake):
            self._render_handshake(evidence)
        same = same_files and same_handshake
        if (rows := self._rows.update(evidence, same=same, same_files=same_files)) is not None:
            self._render_certificates(rows)
        self._credentials, self._handshake = files, evidence.handshake

    def _render_numbers(self, runtime: TargetRuntime, evidence: Evidence) -> None:
        if changed := runtime.get_store(ChangeTracker).at_backend:
            self._set_by(families.BACKEND_CHANGED, "what", dict(changed.items()))
        tails, success = self.tails, runtime.last_success
        tails[_ATTEMPTS] = b"} %d\n" % runtime.attempts
        tails[_LAST_ATTEMPT] = at = f"}} {format_number(evidence.at)}\n".encode()
        if success is not None:
            same = success == evidence.at
            tails[_LAST_SUCCESS] = at if same else f"}} {format_number(success)}\n".encode()
        if runtime.failures != self._failures:
            self._failures = runtime.failures
            tails[_FAILURES] = b"} %d\n" % runtime.failures
        if runtime.expected is not self._expected:
            self._expected = runtime.expected
            self._set_value(families.SUCCESS, runtime.expected)
        self._set_by(families.LAST_DURATION, "stage", evidence.durations)
        if evidence.clock or self._clock:
            self._clock = evidence.clock
            offsets = {reading.source: reading.offset for reading in evidence.clock}
            self._set_by(families.CLOCK_OFFSET, "source", offsets)

    def render(self, place: int) -> bytes:
        """Return the lines of the family at `place` of `TARGET_FAMILIES`."""
        return render_lines(_NAMES[place] + self.head, self.tails[place])

    def _set(self, family: Family, tails: str) -> None:
        self.tails[_PLACES[family.name]] = _share(tails)

    def _set_value(self, family: Family, value: float) -> None:
        self._set(family, f"}} {format_number(float(value))}\n")

    def _set_by(self, family: Family, label: str, values: dict[str, float]) -> None:
        """Render one sample for each value of `label`."""
        lines = [
            f",{_format_label(label, key)}}} {format_number(float(value))}\n"
            for key, value in values.items()
        ]
        self.tails[_PLACES[family.name]] = "".join(lines).encode()

    def _render_verdict(self, diagnosis: Diagnosis) -> None:
        self._set_by(families.OUTCOME, "outcome", {diagnosis.outcome: 1.0})
        findings = {finding.cause: 1.0 for finding in diagnosis.findings}
        self._set_by(families.FINDING, "cause", findings)
        if diagnosis.cause is None:
            self._set(families.CAUSE, "")
            return
        named = format_labels(
            (
                ("cause", diagnosis.cause),
                ("family", diagnosis.family or ""),
                ("certain", "true" if diagnosis.certain else "false"),
                ("party", diagnosis.party or ""),
            )
        )
        self._set(families.CAUSE, f",{named}}} 1\n")

    def _render_credentials(self, credentials: CredentialFacts) -> None:
        if credentials.read_at:
            self._set_value(families.CREDENTIALS_LOADED, credentials.read_at)
        else:
            self._set(families.CREDENTIALS_LOADED, "")
        faults = {fault.cause: 1.0 for fault in (*credentials.faults, *credentials.unusable)}
        self._set_by(families.CREDENTIAL_FAULT, "cause", faults)

    def _render_handshake(self, evidence: Evidence) -> None:
        handshake = evidence.handshake
        tls_info = ""
        if handshake is not None and handshake.version:
            agreed = format_labels((key, getattr(handshake, key)) for key in _AGREED)
            tls_info = f",{agreed}}} 1\n"
        self._set(families.TLS_INFO, tls_info)
        if handshake is not None and handshake.complete:
            requested = handshake.client_certificate_requested
            self._set_value(families.CERTIFICATE_REQUESTED, requested)
        else:
            self._set(families.CERTIFICATE_REQUESTED, "")
        if handshake is not None and handshake.acceptable_cas:
            self._set_value(families.ACCEPTABLE_CA_MATCH, is_issuer_listed(evidence) or False)
        else:
            self._set(families.ACCEPTABLE_CA_MATCH, "")

    def _render_certificates(self, sources: Iterable[SourceRows]) -> None:
        lines: tuple[list[str], ...] = ([], [], [], [], [])
        for rows in sources:
            source = f',source="{rows.source}"'
            for row in rows.shown:
                where, facts = f'{source},position="{row.position}"', row.certificate
                names = format_labels(
                    (
                        ("subject", facts.subject.text),
                        ("issuer", facts.issuer.text),
                        ("serial_number", facts.serial_number),
                        ("fingerprint_sha256", facts.sha256),
                        ("sans", ",".join(facts.sans[:MOST_NAMES])),
                        ("path", row.path),
                        ("used", "true" if row.used else "false"),
                    )
                )
                lines[0].append(f"{where}}} {format_number(facts.not_after)}\n")
                lines[1].append(f"{where}}} {format_number(facts.not_before)}\n")
                lines[2].append(f"{where},{names}}} 1\n")
            if rows.first_to_expire is not None:
                ends = format_number(rows.first_to_expire.not_after)
                lines[3].append(f"{source}}} {ends}\n")
            if rows.left_out:
                lines[4].append(f"{source}}} {rows.left_out}\n")
        for family, each in zip(_CERTIFICATES, lines, strict=True):
            self._set(family, "".join(each))


def render_lines(start: bytes, tails: bytes) -> bytes:
    """Return a line for each of `tails`, which all begin with `start`."""
    if not tails:
        return b""
    return start + tails[:-1].replace(b"\n", b"\n" + start) + b"\n"


@lru_cache(maxsize=4096)
def _share(tails: str) -> bytes:
    return tails.encode()


def _format_head(labels: Iterable[tuple[str, str]]) -> bytes:
    return f"{{{format_labels(labels)}".encode()


@lru_cache(maxsize=1024)
def _format_label(name: str, value: str) -> str:
    return format_labels(((name, value),))


def render_target_samples(runtime: TargetRuntime) -> TargetSamples:
    """Return the samples of `runtime` as they are now."""
    samples = runtime.get_store(TargetSamples)
    samples.update(runtime)
    return samples


def list_target_samples(runtime: TargetRuntime) -> Iterator[TargetSamples]:
    """Yield the samples of a target: of each address that has a result of its own, and their counts."""
    if not runtime.target.has_replicas:
        yield render_target_samples(runtime)
        return
    replicas = runtime.get_store(Replicas)
    counts = TargetSamples()
    counts.count_addresses(runtime.target.name, replicas)
    yield counts
    # Before its first look-up it is a target that has not been attempted yet.
    yield from map(render_target_samples, replicas.results or (TargetRuntime(runtime.target),))


def list_row_samples(rows: Iterable[tuple[Target, Evidence, Diagnosis]]) -> Iterator[TargetSamples]:
    """Yield the samples of each of `rows`, and the counts of addresses of one target."""
    for name, group in groupby(rows, key=lambda row: row[0].name):
        replicas = Replicas()
        for target, evidence, diagnosis in group:
            runtime = TargetRuntime(target)
            runtime.record(evidence, diagnosis)
            if target.replica:
                replicas.by_address[target.replica] = runtime
            yield render_target_samples(runtime)
        if replicas.by_address:
            counts = TargetSamples()
            counts.count_addresses(name, replicas)
            yield counts


def _target_info(target: Target) -> str:
    own = {
        "endpoint": str(target.endpoint),
        "protocol": target.protocol,
        "server_address": target.endpoint.host,
        "server_port": str(target.endpoint.port or ""),
    }
    taken = {"target", "address"} if target.replica else {"target"}
    for name, value in target.labels:
        if (label := format_label_name(name)) not in taken:
            own.setdefault(label, value)
    return f",{format_labels(own.items())}}} 1\n"


def format_label_name(name: str) -> str:
    """Return `name` as Prometheus takes it; a leading `__` is reserved for its own use."""
    legal = re.sub(r"[^a-zA-Z0-9_]", "_", name)
    if legal.startswith("__") or not legal or legal[0].isdigit():
        return "_" + legal.lstrip("_")
    return legal


def _is_same_handshake(now: Handshake | None, before: Handshake | None) -> bool:
    if now is None or before is None or now is before:
        return now is before
    return (
        now.server_chain == before.server_chain
        and now.verified_paths == before.verified_paths
        and now.server_verified == before.server_verified
        and now.acceptable_cas == before.acceptable_cas
        and now.complete == before.complete
        and now.client_certificate_requested == before.client_certificate_requested
        and all(getattr(now, key) == getattr(before, key) for key in _AGREED)
    )
