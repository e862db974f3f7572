"""`check --since`: what changed since an attempt that was recorded with `--evidence`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from probe.cli.load_configuration import PathOf
from probe.text.safe_text import safe_text

if TYPE_CHECKING:
    from probe.model.evidence import Evidence
    from probe.service.pipeline import Observation

_LONGEST: Final = 16 << 20
"""Bytes of a file that are read."""

since_option = click.option(
    "--since",
    "since",
    type=PathOf(exists=True, path_type=Path),
    help="Say what changed since an attempt that went well: a file that `--evidence` wrote, or its "
    "folder.",
)


def read_attempts(path: Path) -> tuple[Evidence, ...]:
    """Return the attempts that a file, or each file of a folder, has recorded.

    Raises:
        ClickException: naming the file that cannot be read, or is not evidence.
    """
    from probe.model.evidence import from_json

    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    found = []
    for file in files:
        try:
            with file.open("rb") as opened:
                found.append(from_json(opened.read(_LONGEST)))
        except OSError as error:
            raise click.ClickException(f"--since {file}: {error.strerror}") from None
        except ValueError as error:
            raise click.ClickException(f"--since {file}: {error}") from None
    if not found:
        raise click.ClickException(f"--since {path}: no file of it ends in .json")
    return tuple(found)


def add_changes_since(
    observations: Sequence[Observation], before: Sequence[Evidence]
) -> Iterator[Observation]:
    """Yield each observation with what changed since the attempt of `before` at the same target.

    One attempt is compared with one, however its target was called then.
    """
    from msgspec.structs import replace

    from probe.changes.change_tracker import compare_attempts
    from probe.diagnosis.diagnose import diagnose

    known = {(one.target.name, one.target.address): one for one in before}
    for target, evidence, diagnosis in observations:
        earlier = known.get((evidence.target.name, evidence.target.address))
        if earlier is None and len(before) == len(observations) == 1:
            earlier = before[0]
        if earlier is None:
            name = safe_text(evidence.target.name)
            click.echo(f"--since has no attempt at {name}: nothing to compare it with", err=True)
            yield target, evidence, diagnosis
            continue
        compared = replace(evidence, changed=compare_attempts(earlier, evidence))
        yield target, compared, diagnose(compared)
