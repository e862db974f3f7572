"""`ConfigurationError`: what is wrong in a configuration, where, and what would be right.

Every fact passes safe_text() here. What was found, the key and the file pass `described_value`: a
value that may be a secret is described there, never quoted.
"""

import re
from collections.abc import Iterable
from typing import Final

from probe.text.description import describe_key, describe_path, describe_value
from probe.text.safe_text import safe_text

KeyPath = tuple[str | int, ...]
"""The way to a value in a document: mapping keys and list positions."""

_PLAIN_KEY: Final = re.compile(r"[\w/*-]+", re.ASCII)
_LONGEST_REASON: Final = 1024
MOST_ERRORS: Final = 20
"""How many errors one report holds."""


class ConfigurationError(Exception):
    """A configuration that cannot be used; its facts are attributes, all safe to show.

    Attributes:
        reason: What is wrong, as one clause.
        file: The file's path as the user gave it, or `environment`; empty where there is none.
        line: The line in `file`, from 1; None where it is not known.
        key: The path of the key, like `targets[0].tls.ca_file`, or a variable's name.
        found: What was found, described where it may be a secret; None where there is nothing.
        allowed: What would be right.
        nearest: Whichever of `allowed` is closest to what was found.
        more: Further errors of the same file, found in the same reading.
        omitted: How many others the report leaves out.
        files: Every file that the whole reading took: a change in one may fix it.
    """

    more: tuple["ConfigurationError", ...] = ()
    omitted: int = 0
    files: tuple[str, ...] = ()

    def __init__(
        self,
        reason: str,
        *,
        file: str = "",
        line: int | None = None,
        key: str = "",
        found: str | None = None,
        allowed: Iterable[str] = (),
        nearest: str | None = None,
    ) -> None:
        """Keep the facts."""
        super().__init__(reason)
        self.reason = safe_text(reason, _LONGEST_REASON)
        self.file = safe_text(_safe_file(file))
        self.line = line
        self.key = safe_text(key)
        self.allowed = tuple(map(safe_text, allowed))
        self.found = (
            None if found is None else safe_text(describe_value(found, self.allowed, self.key))
        )
        self.nearest = None if nearest is None else safe_text(nearest)

    def __eq__(self, other: object) -> bool:
        """Two errors are equal when they read the same."""
        return isinstance(other, ConfigurationError) and str(self) == str(other)

    def __hash__(self) -> int:
        """Hash by what is shown."""
        return hash(str(self))

    def __str__(self) -> str:
        """Say where, what is wrong, then each fact on a line of its own."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        lines = [": ".join(part for part in (where, self.key, self.reason) if part)]
        if self.found is not None:
            lines.append(f"  found:   {self.found}")
        if self.allowed:
            lines.append(f"  allowed: {', '.join(self.allowed)}")
        if self.nearest is not None:
            lines.append(f"  nearest: {self.nearest}")
        lines += map(str, self.more)
        if self.omitted:
            lines.append(f"and {self.omitted} more")
        return "\n".join(lines)


class NothingToProbeError(ConfigurationError):
    """A configuration without a mistake, and without a target, a source or a module."""


class UnreadableFileError(ConfigurationError):
    """A file that is not there or may not be read: nothing is known of what it says."""


class NotProbedError(Exception):
    """An exporter that is right as it is, but which cannot be probed; the text says why."""


class UnknownSettingError(NotProbedError):
    """What a setting says is known where the exporter runs, and not here; the text says why."""


def explain_unreadable(error: OSError | ValueError) -> str:
    """Return why a file could not be read as text, as one clause."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, UnicodeError):
        return "it is not UTF-8 text"
    return str(error) or type(error).__name__


class ErrorList:
    """Collects the errors of one reading, so that the user sees all of them at once.

    Attributes:
        omitted: How many errors are not held, because the list is full.
    """

    def __init__(self, errors: Iterable[ConfigurationError] = ()) -> None:
        """Hold `errors`."""
        self._held: list[ConfigurationError] = []
        self.omitted = 0
        for error in errors:
            self.add(error)

    @property
    def is_full(self) -> bool:
        """Whether a further error would only be counted."""
        return len(self._held) >= MOST_ERRORS

    def add(self, error: ConfigurationError) -> None:
        """Hold `error` and its `more`, or count them where the list is full."""
        added = (error, *error.more)
        taken = added[: MOST_ERRORS - len(self._held)]
        self._held += taken
        self.omitted += error.omitted + len(added) - len(taken)
        error.more, error.omitted = (), 0

    def raise_any(self) -> None:
        """Raise the first error with the others as its `more`, where there is any.

        Raises:
            ConfigurationError: where there is any error.
        """
        if self._held:
            first, *more = self._held
            first.more, first.omitted = tuple(more), self.omitted
            raise first


def render_key(path: KeyPath) -> str:
    """Return `path` as people write it: `targets[0].tls.ca_file`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            held = describe_key(part)
            shown = held if _PLAIN_KEY.fullmatch(held) or held != part else f'"{part}"'
            text += f".{shown}" if text else shown
    return text


def _safe_file(file: str) -> str:
    """Return the file's name, or the URL of a list without its query, else what it is."""
    plain_url = file.startswith(("http://", "https://")) and not re.search(r"[?#@\s]", file)
    return file if plain_url else describe_path(file)


def find_nearest(found: str, allowed: Iterable[str]) -> str | None:
    """Return whichever of `allowed` is closest to `found`, or None where none is close."""
    from difflib import get_close_matches

    near = get_close_matches(found[:256], list(allowed), n=1)
    return near[0] if near else None
