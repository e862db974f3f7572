"""A target whose settings no exporter could work with: it stays a target, and fails by itself.

Pure. Such a target is never connected to: what its settings would send is not known, or cannot be
sent at all.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from probe.config.errors import ConfigurationError
from probe.model.finding import Finding
from probe.model.target import Target

CAUSE: Final = "exporter_configuration_invalid"


def add_faults(target: Target, errors: Iterable[ConfigurationError]) -> Target:
    """Return `target` with a fault for each of `errors`, and without what it could not send.

    Without any errors it is returned as it is.
    """
    faults = tuple(fault for error in errors for fault in _faults(error))
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


def _faults(error: ConfigurationError) -> Iterator[Finding]:
    for one in (error, *error.more):
        where = one.file if one.line is None else f"{one.file}:{one.line}"
        fact = ": ".join(part for part in (where, one.key, one.reason) if part)
        if one.found is not None:
            fact += f" (found: {one.found})"
        yield Finding(cause=CAUSE, fact=fact, fix=(_step(one),))


def _step(error: ConfigurationError) -> str:
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
