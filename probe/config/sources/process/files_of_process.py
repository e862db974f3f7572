"""Reads configuration as a process finds it: below its root, from its directory, with its rights."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from probe.config.yaml_document import MAX_BYTES
from probe.model.surroundings import RunningProcess
from probe.surroundings.file_view import IrregularFileError, ViewError
from probe.surroundings.open_view import open_view

_SLACK: Final = 2.0
"""Seconds: the start is known to a hundredth, and clocks are corrected."""


def find_changed_files(process: RunningProcess, paths: Iterable[str]) -> tuple[str, ...]:
    """Return which of `paths` were changed after the process began."""
    changed = []
    for path in paths:
        with suppress(OSError, ViewError):
            if open_view(process).look_at(path).modified > process.started + _SLACK:
                changed.append(path)
    return tuple(changed)


def read_process_file(process: RunningProcess, path: str) -> bytes:
    """Return the first bytes of a file, one more than the limit of a longer one.

    Raises:
        OSError: as the process gets it.
        ValueError: where the probe cannot look, or it is not a regular file.
    """
    try:
        return open_view(process).read(path, MAX_BYTES + 1)
    except IrregularFileError:
        raise ValueError("it is not a regular file") from None
    except ViewError as error:
        raise ValueError(error.detail) from None
