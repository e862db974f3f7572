"""`SourceContent`: what one reading of a file, a list or the environment gave. Plain data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from probe.config.errors import ConfigurationError
from probe.model.finding import Finding
from probe.model.target import Secret, Target

if TYPE_CHECKING:
    from probe.config.sources.collector.receiver import ServedCertificate


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
    unprobed: tuple[str, ...] = ()
    """Exporters of which something is known where they run alone, and what that is."""
    secrets: tuple[Secret, ...] = ()
    """What else was read that nobody may see: of a process, the values of its variables."""
    """What the receivers of a Collector on this host serve."""


def report_ignored(fact: str, *fix: str) -> Finding:
    """Return the finding that a setting has no effect, or another one than it reads like."""
    return Finding(cause="exporter_setting_ignored", fact=fact, fix=fix)


def add_faults(target: Target, errors: Iterable[ConfigurationError]) -> Target:
    """Return `target` with a fault for each of `errors`, and without what it could not send.

    Without any errors it is returned as it is.
    """
    faults = tuple(fault for error in errors for fault in list_findings(error))
    if not faults:
        return target
    settings = replace(
        target.tls,
        min_version="",
        max_version="",
        cipher_suites=(),
        curve_preferences=(),
        server_name_override="",
    )
    return replace(
        target, tls=settings, headers=(), proxy_url=None, faults=tuple(dict.fromkeys(faults))
    )


def list_findings(error: ConfigurationError) -> Iterator[Finding]:
    """Yield the fault of each error that `error` holds."""
    for one in (error, *error.more):
        where = one.file if one.line is None else f"{one.file}:{one.line}"
        fact = ": ".join(part for part in (where, one.key, one.reason) if part)
        if one.found is not None:
            fact += f" (found: {one.found})"
        yield Finding(cause="exporter_configuration_invalid", fact=fact, fix=(_make_fix(one),))


def _make_fix(error: ConfigurationError) -> str:
    what = error.key or "the settings"
    place = "" if error.file == "environment" else f" in {error.file or 'its configuration'}"
    if place and error.line is not None:
        place += f", line {error.line}"
    step = f"Correct {what}{place}"
    if error.nearest is not None:
        step += f": did you mean {error.nearest}?"
    elif error.allowed:
        step += f": allowed are {', '.join(error.allowed)}."
    else:
        step += "."
    if error.file == "environment":
        step += " An environment changes with a restart of its process only."
    return step
