"""`Origin`: where the variables of an SDK were read, and how they are written there. Plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from probe.model.target import Protocol, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A file whose content stands for variables; without one, the environment itself."""

    file: str = "environment"
    lines: Mapping[str, int] = field(default_factory=dict)
    """By variable, the line that sets it."""
    written: Mapping[str, str] = field(default_factory=dict)
    """By variable, its name in the file, where that is another."""
    properties: bool = False
    """Whether names there are Java's, like `otel.exporter.otlp.endpoint`."""
    default_protocol: Protocol | None = None
    """What the only program that reads the file takes where none is set."""
    reader: str = ""
    """That program, for notes."""
    runtime_known: bool = False
    """Whether only one runtime reads them: what others would make of them is then of no interest."""
    java: bool = False
    """Whether Java's verdict counts, whose SDK refuses what others take."""

    @property
    def source(self) -> Source:
        """What targets name as theirs."""
        return Source("sdk", self.file)

    @property
    def is_environment(self) -> bool:
        """Whether no file stands for the variables."""
        return self.file == ENVIRONMENT.file

    def spell(self, variable: str) -> str:
        """Return the name of `variable` as the reader of a message finds or writes it."""
        if variable in self.written:
            return self.written[variable]
        return variable.lower().replace("_", ".") if self.properties else variable


ENVIRONMENT = Origin()
