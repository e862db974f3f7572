"""What `inspect` found: a `Judgement` of one file as it grows, and the plain frozen report.

The time comes in as data; every text has passed safe_text().
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from probe.credentials.named_file import NamedFile
from probe.model.certificate import CertificateFacts, KeyFacts, NamedBlock
from probe.model.finding import Finding, Role
from probe.x509.lasting_path import choose_lasting, list_sent_paths
from probe.x509.validity import (
    CLOCK_TOLERANCE,
    describe_beginning,
    describe_expired,
    describe_expiry,
    expires_soon,
    is_expired,
    is_not_yet_valid,
)

CHECK_CLOCK = "compare the clock of this machine with the CA's: date -u"


@dataclass(slots=True)
class Judgement:
    """What judging one file adds up to: faults stop an exporter, remarks may, facts are good to know."""

    role: Role
    path: str
    faults: list[Finding] = field(default_factory=list)
    remarks: list[Finding] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)

    def add_fault(self, cause: str, fact: str, *fix: str) -> None:
        """Add what stops an exporter; `fact` continues a sentence that begins with the path."""
        self.faults.append(NamedFile(self.role, self.path).make_finding(fact, *fix, cause=cause))

    def add_remark(self, cause: str, fact: str, *fix: str) -> None:
        """Add what some exporters or backends do not accept."""
        self.remarks.append(NamedFile(self.role, self.path).make_finding(fact, *fix, cause=cause))

    def add(self, cause: str, fact: str, *fix: str, stops: bool) -> None:
        """Add a fault where it `stops` an exporter, else a remark."""
        (self.add_fault if stops else self.add_remark)(cause, fact, *fix)

    def judge_dates(
        self,
        chain: Sequence[CertificateFacts],
        now: float,
        side: Literal["client", "server"],
        fix: str,
    ) -> None:
        """Judge each certificate at `now`, as what an exporter or a backend (`side`) presents."""
        path = choose_lasting(list_sent_paths(chain), now) if chain else ()
        # A verifier has a root of its own, and may have an anchor above what the end entity rests on.
        needed = {*path[:1], *(one for one in path[1:2] if not one.self_signed)}
        for one in chain:
            stops = one in needed
            if is_expired(one, now):
                fact = f"holds an expired certificate: {describe_expired(one, now)}"
                self.add(f"{side}_cert_expired", fact, fix, stops=stops)
            elif is_not_yet_valid(one, now, CLOCK_TOLERANCE):
                fact = f"holds a certificate that is not valid yet: {describe_beginning(one, now)}"
                self.add(f"{side}_cert_not_yet_valid", fact, CHECK_CLOCK, stops=stops)
            elif expires_soon(one, now):
                fact = f"holds a certificate that expires soon: {describe_expiry(one, now)}"
                self.add_remark(f"{side}_cert_expired", fact, fix)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """One file: what it is, what is in it, and what is wrong with it for its role."""

    path: str
    role: str
    format: str
    what: str
    """The end of a sentence that begins with the path."""
    blocks: tuple[NamedBlock, ...] = ()
    certificates: tuple[CertificateFacts, ...] = ()
    keys: tuple[KeyFacts, ...] = ()
    facts: tuple[str, ...] = ()
    faults: tuple[Finding, ...] = ()
    remarks: tuple[Finding, ...] = ()
    targets: tuple[str, ...] = ()
    """The targets that use the file so; none where it was named on the command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """All files, judged at `at` (seconds since the Unix epoch)."""

    at: float
    files: tuple[FileReport, ...] = ()
    faults: tuple[Finding, ...] = ()
    """Those of the files, and those of settings that name none."""
