"""What `inspect` found: a `Judgement` of one file as it grows, and the plain frozen report.

The time comes in as data; every text has passed safe_text().
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from probe.credentials.named_file import NamedFile
from probe.diagnosis.readings.file_dates import list_date_findings
from probe.model.certificate import CertificateFacts, KeyFacts, NamedBlock
from probe.model.finding import Finding, Role


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
        for one in list_date_findings(chain, now, side):
            self.add(one.cause, one.fact, one.fix or fix, stops=one.stops)


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
