"""Keeps one `Credentials` per settings and reads files again only when they have changed.

An unchanged generation costs one stat call per file. A rotation half done is read again.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
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
    paths: tuple[str, ...]
    fingerprint: _Fingerprint
    credentials: Credentials
    good: Credentials | None = None
    """The last that could be used."""

    def __post_init__(self) -> None:
        if not self.credentials.facts.faults:
            self.good = self.credentials

    def follow(self, key: "_Key") -> None:
        """Read what has changed; half of a rotation, or a broken file, leaves the last good pair.

        As the Collector's certificate reloader, which goes on with what it has.
        """
        self.fingerprint, read = _load(key, self.paths)
        if not read.facts.faults:
            self.credentials = self.good = read
        elif self.good is not None:
            self.credentials = self.good.kept_for(read.facts)
        else:
            self.credentials = read


class CredentialStore:
    """The credentials of all targets; those with equal settings share one."""

    def __init__(self) -> None:
        """Start empty."""
        self.reloads = 0
        """How often files were read again because they had changed."""
        self._held: dict[_Key, _Held] = {}
        # By identity first: comparing settings costs more than looking at the files.
        self._of: dict[str, tuple[Target, _Held]] = {}

    def __len__(self) -> int:
        """Return how many different settings are held."""
        return len(self._held)

    def get(self, target: Target) -> Credentials:
        """Return the credentials of `target` as its files are now.

        Raises:
            OSError: where the probe itself lacks file descriptors or memory.
        """
        known = self._of.get(target.name)
        if known is None or known[0] is not target:
            return self._first(target).credentials
        held = known[1]
        if _fingerprint(held.paths) != held.fingerprint:
            self.reloads += 1
            held.follow(_key(target))
        return held.credentials

    def _first(self, target: Target) -> _Held:
        """Find or read what `target` uses, and remember it by the target itself."""
        key = _key(target)
        held = self._held.get(key)
        if held is None:
            paths = _paths(target.tls)
            self._held[key] = held = _Held(paths, *_load(key, paths))
        elif _fingerprint(held.paths) != held.fingerprint:
            self.reloads += 1
            held.follow(key)
        self._of[target.name] = (target, held)
        return held

    def retain(self, targets: Iterable[Target]) -> None:
        """Forget what none of `targets` uses."""
        kept = {target.name: target for target in targets}
        used = {_key(target) for target in kept.values()}
        self._held = {key: held for key, held in self._held.items() if key in used}
        self._of = {name: known for name, known in self._of.items() if kept.get(name) is known[0]}


def _key(target: Target) -> _Key:
    return target.tls, "collector" in target.source_kinds()


def _paths(tls: TlsSettings) -> tuple[str, ...]:
    return tuple(file for file in (tls.cert_file, tls.key_file, tls.ca_file) if file)


def _load(key: _Key, paths: tuple[str, ...]) -> tuple[_Fingerprint, Credentials]:
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


def _fingerprint(paths: Iterable[str]) -> _Fingerprint:
    return tuple(map(_stat, paths))


def _stat(path: str) -> tuple[int, ...]:
    try:
        found = os.stat(path)  # noqa: PTH116 - a Path costs twice as much, at each attempt
    except OSError as error:
        return (error.errno or -1,)
    except ValueError:
        return (-2,)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
