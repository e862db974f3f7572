"""Keeps one `Credentials` per settings and reads files again only when they have changed.

An unchanged generation costs one stat call per file. A rotation half done is read again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from probe.credentials.context import Credentials
from probe.credentials.load import load_credentials
from probe.target import Target, TlsSettings

READS: Final = 3
"""How often files are read while they change under the reader."""

_Key = tuple[TlsSettings, bool]
_Fingerprint = tuple[tuple[int, ...], ...]


@dataclass(slots=True)
class _Held:
    paths: tuple[Path, ...]
    fingerprint: _Fingerprint
    credentials: Credentials


class CredentialStore:
    """The credentials of all targets; those with equal settings share one."""

    def __init__(self) -> None:
        """Start empty."""
        self.reloads = 0
        """How often files were read again because they had changed."""
        self._held: dict[_Key, _Held] = {}

    def __len__(self) -> int:
        """Return how many different settings are held."""
        return len(self._held)

    def get(self, target: Target) -> Credentials:
        """Return the credentials of `target` as its files are now.

        Raises:
            OSError: where the probe itself lacks file descriptors or memory.
        """
        key = _key(target)
        held = self._held.get(key)
        if held is None:
            paths = _paths(target.tls)
            self._held[key] = held = _Held(paths, *_load(key, paths))
            return held.credentials
        if _fingerprint(held.paths) == held.fingerprint:
            return held.credentials
        self.reloads += 1
        held.fingerprint, held.credentials = _load(key, held.paths)
        return held.credentials

    def retain(self, targets: Iterable[Target]) -> None:
        """Forget what none of `targets` uses."""
        used = {_key(target) for target in targets}
        self._held = {key: held for key, held in self._held.items() if key in used}


def _key(target: Target) -> _Key:
    return target.tls, "collector" in target.source_kinds()


def _paths(tls: TlsSettings) -> tuple[Path, ...]:
    return tuple(Path(file) for file in (tls.cert_file, tls.key_file, tls.ca_file) if file)


def _load(key: _Key, paths: tuple[Path, ...]) -> tuple[_Fingerprint, Credentials]:
    tls, collector = key
    source_kinds = ("collector",) if collector else ()
    # Where files still change at the last read, the fingerprint from before it makes the next call
    # read again.
    for _ in range(READS):
        fingerprint = _fingerprint(paths)
        credentials = load_credentials(tls, source_kinds=source_kinds)
        if _fingerprint(paths) == fingerprint:
            break
    return fingerprint, credentials


def _fingerprint(paths: Iterable[Path]) -> _Fingerprint:
    return tuple(map(_stat, paths))


def _stat(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError as error:
        return (error.errno or -1,)
    except ValueError:
        return (-2,)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
