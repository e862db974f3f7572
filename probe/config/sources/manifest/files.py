"""Which files a `manifest` source names: a file, a directory, or a pattern. It looks at the file system."""

from collections.abc import Iterator, Sequence
from glob import has_magic
from pathlib import Path
from typing import Final

from probe.config.file_reader import STDIN

SUFFIXES: Final = (".json", ".yaml", ".yml")
"""Of files that a directory or a pattern names."""


def manifest_fault(name: str) -> str | None:
    """Say why `name` cannot be followed, or None."""
    if not name:
        return "names a file without a name"
    if "\0" in name:
        return "a path holds no NUL"
    path = Path(name)
    if has_magic(str(path.parent)) or "**" in path.name:
        return "the path of a manifest may hold a * in its last part only"
    return None


def list_manifest_files(names: Sequence[str]) -> tuple[str, ...]:
    """Return the files that `names` mean now, each once; what is neither pattern nor directory stays.

    Raises:
        OSError: where a directory cannot be listed.
    """
    return tuple(dict.fromkeys(file for name in names for file in _list(name)))


def list_watched(names: Sequence[str]) -> Iterator[str]:
    """Yield the directories in which a new file may be one of `names`, as a watcher takes them."""
    for name in names:
        if has_magic(name):
            yield f"{Path(name).parent}/"
        elif Path(name).is_dir():
            yield f"{name.rstrip('/')}/"


def _list(name: str) -> tuple[str, ...]:
    path = Path(name)
    if name == STDIN:
        return (name,)
    if has_magic(name):
        found = path.parent.glob(path.name)
    elif path.is_dir():
        found = path.iterdir()
    else:
        return (name,)
    return tuple(sorted(str(one) for one in found if one.suffix.lower() in SUFFIXES))
