"""`SourceContent`: what one reading of a file, a list or the environment gave. Plain data."""

from dataclasses import dataclass, replace

from probe.config.errors import ConfigurationError, Mistakes
from probe.config.sources.collector.receiver import ServedCertificate
from probe.model.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceContent:
    """The targets, and what could not become one."""

    targets: tuple[Target, ...] = ()
    """Those included that have `faults`: each of them fails by itself."""
    errors: tuple[ConfigurationError, ...] = ()
    """Entries that could not become a target at all, for they have no endpoint."""
    empty: str = ""
    """Why there are no targets; empty where there are some, or where the source says `[]`."""
    warnings: tuple[str, ...] = ()
    served: tuple[ServedCertificate, ...] = ()
    """What the receivers of a Collector on this host serve."""

    def usable(self) -> "SourceContent":
        """Return it, unless nothing of it became a target because of mistakes.

        Raises:
            ConfigurationError: those mistakes together.
        """
        if self.errors and not self.targets:
            raise together(self.errors)
        return self

    def with_targets(self, targets: tuple[Target, ...]) -> "SourceContent":
        """Return it with `targets` in the place of its own."""
        return replace(self, targets=targets)


def together(errors: tuple[ConfigurationError, ...]) -> ConfigurationError:
    """Return all of `errors`, of which there is one at least, as one report."""
    mistakes = Mistakes()
    for error in errors:
        mistakes.add(error)
    try:
        mistakes.tell()
    except ConfigurationError as first:
        return first
    raise AssertionError("there is no error to report")
