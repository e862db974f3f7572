"""What `inspect` found, as plain frozen values: one `FileReport` per file, and all faults.

Laws 7 and 10: `at` came in as data, every text has passed safe_text().
"""

from dataclasses import dataclass, field

from probe.credentials.whole_file import KeyFacts, NamedBlock
from probe.model.certificate import CertificateFacts
from probe.model.finding import Finding

__all__ = ["FileReport", "Findings", "Inspection", "KeyFacts", "NamedBlock"]


@dataclass(slots=True)
class Findings:
    """What one judgement adds: faults stop an exporter, remarks may, facts are good to know."""

    faults: list[Finding] = field(default_factory=list)
    remarks: list[Finding] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)

    def add(self, other: "Findings") -> None:
        """Take over what `other` holds."""
        self.faults += other.faults
        self.remarks += other.remarks
        self.facts += other.facts


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
