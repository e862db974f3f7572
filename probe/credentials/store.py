"""Keeps one `Credentials` per settings, and reads files again only when they have changed.

An unchanged generation costs one stat call per file. A rotation that is half done is read again.
An exporter that reads its files once, at its start, still has what they held then: that is
reported as a rotation. Times of day are for people; ages are of the monotonic clock.
"""

import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from msgspec.structs import replace

from probe.credentials.load import load_credentials
from probe.credentials.named_file import FileSettings
from probe.credentials.read_file import read_served_file
from probe.credentials.tls_context import Credentials
from probe.model.certificate import CertificateFacts, CredentialFacts, Rotation, ServedFile
from probe.model.target import ServerCertificateFile, Target, TlsSettings
from probe.text.description import is_plausible_path
from probe.text.safe_text import safe_text

READS: Final = 3
"""How often files are read while they change under the reader."""

_FileStates = tuple[tuple[int, ...], ...]
_Chain = tuple[CertificateFacts, ...]


class _Key(NamedTuple):
    """Targets with equal ones share their credentials."""

    tls: TlsSettings
    collector: bool
    served: ServerCertificateFile | None
    settings: FileSettings


@dataclass(slots=True)
class _Held:
    key: _Key
    paths: tuple[str, ...]
    states: _FileStates | None = None
    """None before the first reading."""
    credentials: Credentials = field(init=False)
    good: Credentials | None = None
    """The last that could be used."""
    first: CredentialFacts | None = None
    """The first that could be used: what an exporter that started then still has."""
    rotated: tuple[Rotation, ...] = ()
    served: ServedFile | None = None
    """What the backend's file held when it was last read."""
    served_since: float = 0.0
    """Since when the backend's file holds what it holds, monotonic seconds."""
    checked: float = -math.inf
    """When the files were last checked, monotonic seconds."""

    def read(self, at: float, now: float) -> None:
        """Read the files; half of a rotation, or a broken file, leaves the last good pair.

        The Collector's certificate reloader does the same. `at` is epoch seconds, `now` monotonic
        ones.
        """
        self.states, found = _load(self.key, self.paths, at)
        served = found.facts.served
        if served is not None and (self.served is None or self.served.chain != served.chain):
            # Its own date may be of another clock; it came after the last check of it in any case.
            age = min(max(at - served.modified, 0.0), now - self.checked)
            self.served_since = now - age
        self.served, self.checked = served, now
        if not found.facts.faults:
            self.first = self.first or found.facts
            self.rotated = _find_rotations(self.first, found.facts, self.key.tls, at, self.rotated)
            facts = replace(found.facts, rotated=self.rotated)
            self.credentials = self.good = found.with_facts(facts)
        elif self.good is not None:
            self.credentials = self.good.keep_despite(found.facts)
        else:
            self.credentials = found

    def restart(self) -> None:
        """Take what is in use for what the exporter has: it has just been started."""
        if self.good is not None:
            self.first, self.rotated = self.good.facts, ()
            facts = replace(self.credentials.facts, rotated=())
            self.credentials = self.credentials.with_facts(facts)


class CredentialStore:
    """The credentials of all targets; those with equal settings share one."""

    def __init__(
        self,
        wall_clock: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start empty.

        Args:
            wall_clock: epoch seconds, which say when files were read.
            clock: monotonic seconds.
        """
        self._wall_clock = wall_clock
        self._clock = clock
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
        held = known[1] if known is not None and known[0] is target else self._find(target)
        now = self._clock()
        if _stat_files(held.paths) != held.states:
            self.reloads += held.states is not None
            held.read(self._wall_clock(), now)
        held.checked = now
        return held.credentials

    def facts(self, target: Target) -> CredentialFacts:
        """Return what the files of `target` held at its last `get`, with their age by now."""
        held = self._of[target.name][1]
        facts = held.credentials.facts
        if facts.served is None:
            return facts
        age = self._clock() - held.served_since
        return replace(facts, served=replace(facts.served, held_for=age))

    def _find(self, target: Target) -> _Held:
        """Return what `target` uses, perhaps not read yet, and remember it by the target itself."""
        key = _make_key(target)
        held = self._held.setdefault(key, _Held(key, find_credential_files(target)))
        self._of[target.name] = (target, held)
        return held

    def forget_rotations(self) -> None:
        """Assume that every exporter has just been started: rotations so far are over."""
        for held in self._held.values():
            held.restart()

    def release(self, name: str) -> None:
        """Forget which credentials the target called `name` has; what was read stays."""
        self._of.pop(name, None)

    def retain(self, targets: Iterable[Target]) -> None:
        """Forget what none of `targets` uses."""
        kept = {target.name: target for target in targets}
        used = {_make_key(target) for target in kept.values()}
        self._held = {key: held for key, held in self._held.items() if key in used}
        self._of = {name: known for name, known in self._of.items() if kept.get(name) is known[0]}


def _find_rotations(
    first: CredentialFacts,
    now: CredentialFacts,
    tls: TlsSettings,
    at: float,
    earlier: tuple[Rotation, ...],
) -> tuple[Rotation, ...]:
    """Return what differs between the first reading and that of `at`, each with when it was seen."""
    known = {rotation.role: rotation.at for rotation in earlier}
    roles: tuple[tuple[Literal["cert", "ca"], str | None, _Chain, _Chain], ...] = (
        ("cert", tls.cert_file, first.client_chain, now.client_chain),
        ("ca", tls.ca_file, first.ca_bundle, now.ca_bundle),
    )
    return tuple(
        Rotation(role=role, path=safe_text(path), at=known.get(role, at), before=before)
        for role, path, before, after in roles
        if path and before and before != after
    )


def find_credential_files(target: Target) -> tuple[str, ...]:
    """Return the paths of every file that the credentials of `target` are read from."""
    tls, served = target.tls, target.server_certificate_file
    named = (tls.cert_file, tls.key_file, tls.ca_file, served.path if served else None)
    return tuple(file for file in named if file and is_plausible_path(file))


def _make_key(target: Target) -> _Key:
    kinds = target.source_kinds()
    return _Key(
        target.tls,
        "collector" in kinds,
        target.server_certificate_file,
        FileSettings.of_target(target),
    )


def _load(key: _Key, paths: tuple[str, ...], at: float) -> tuple[_FileStates, Credentials]:
    source_kinds = ("collector",) if key.collector else ()
    # Where files still change at the last read, the states from before it makes the next call
    # read again.
    for _ in range(READS):
        states = _stat_files(paths)
        credentials = load_credentials(key.tls, source_kinds=source_kinds, settings=key.settings)
        served = read_served_file(key.served) if key.served else None
        if _stat_files(paths) == states:
            break
    facts = replace(credentials.facts, read_at=at, served=served)
    return states, credentials.with_facts(facts)


def _stat_files(paths: Iterable[str]) -> _FileStates:
    return tuple(map(_stat, paths))


def _stat(path: str) -> tuple[int, ...]:
    try:
        found = os.stat(path)  # noqa: PTH116 - a Path costs twice as much, at each attempt
    except OSError as error:
        return (error.errno or -1,)
    except ValueError:
        return (-2,)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
