"""Writes what attempts saw as files, one a target: for `diagnose`, and to attach to a bug report.

Law 11 holds for every file: evidence has no key bytes and no header values.
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from probe.model.evidence import Evidence, to_json

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ODD: Final = re.compile(r"[^A-Za-z0-9._-]+")


def write_evidence(folder: Path, attempts: Iterable[Evidence]) -> tuple[Path, ...]:
    """Write each of `attempts` to `folder`, made where it is missing; return the files.

    Raises:
        OSError: where a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for evidence in attempts:
        path = folder / file_name(evidence.target.name)
        path.write_bytes(to_json(evidence) + b"\n")
        written.append(path)
    return tuple(written)


def file_name(target: str) -> str:
    """Return the file's name for a target: its own where that is plain, else made so and unique."""
    if _PLAIN.fullmatch(target):
        return f"{target}.json"
    digest = hashlib.sha256(target.encode(errors="surrogatepass")).hexdigest()[:8]
    readable = _ODD.sub("-", target).strip("-.")[:80]
    return f"{readable or 'target'}-{digest}.json"
