"""A Collector's command line: which configuration it was started with.

Pure. `--config` may be repeated, each is one location, and every `--set` counts after all of them
(otelcol, flags.go). A location without a colon is a file; otherwise it begins with the provider's
scheme (confmap, NewResolver).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from probe.text.safe_text import safe_text

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)
_DRIVE: Final = re.compile(r"[A-Za-z]:")
MOST_LOCATIONS: Final = 256
"""Of --config, and of --set: more than anybody writes, and little enough to be merged."""
_CONFIG: Final = ("--config", "-config")
"""The second is how releases before 0.50 had it."""


@dataclass(frozen=True, slots=True)
class CollectorLocations:
    """What the command line names, in the order of merging."""

    paths: tuple[str, ...]
    """Files; or the names of `texts`."""
    texts: Mapping[str, str]
    """What is not in a file: of variables and of the command line itself."""
    unread: tuple[str, ...]
    """Locations of providers that the probe has not, as they may be shown: their scheme."""
    missing: tuple[str, ...] = ()
    """Variables that a location names, and that are not set."""


def read_collector_arguments(
    arguments: Sequence[str], environ: Mapping[str, str]
) -> CollectorLocations:
    """Return which configuration a Collector with these arguments has."""
    configs = _find_values(arguments, _CONFIG)[:MOST_LOCATIONS]
    sets = _find_values(arguments, ("--set",))[:MOST_LOCATIONS]
    paths: list[str] = []
    texts: dict[str, str] = {}
    unread: list[str] = []
    missing: list[str] = []
    for position, location in enumerate(configs, start=1):
        located = None if _DRIVE.match(location) else _SCHEME.fullmatch(location)
        scheme, rest = located.groups() if located else ("file", location)
        if scheme == "file":
            paths.append(rest)
        elif scheme == "yaml":
            _add(paths, texts, f"--config number {position}", rest)
        elif scheme == "env":
            name, default, fallback = rest.partition(":-")
            if name not in environ and not default:
                missing.append(safe_text(name))
            _add(paths, texts, f"variable {safe_text(name)}", environ.get(name, fallback))
        else:
            unread.append(safe_text(scheme, 32))
    for position, text in enumerate(sets, start=1):
        before, equals, after = text.partition("=")
        if equals:
            keys = before.replace(".", "::").strip()
            _add(paths, texts, f"--set number {position}", f"{keys}: {after.strip()}")
    return CollectorLocations(tuple(paths), texts, tuple(unread), tuple(missing))


def names_configuration(arguments: Sequence[str]) -> bool:
    """Return whether the command line has `--config`, as that of a Collector does."""
    return bool(_find_values(arguments, _CONFIG))


def _add(paths: list[str], texts: dict[str, str], name: str, text: str) -> None:
    paths.append(name)
    texts[name] = text


def _find_values(arguments: Sequence[str], names: tuple[str, ...]) -> list[str]:
    """Return the values of one option, as `--name=value` or in the next argument."""
    found: list[str] = []
    rest = iter(arguments[1:])
    for argument in rest:
        if argument == "--":
            break
        name, equals, value = argument.partition("=")
        if name in names:
            found.append(value if equals else next(rest, ""))
    return found
