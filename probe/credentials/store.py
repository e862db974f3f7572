"""Keeps one `Credentials` per settings, and reads files again only when they have changed.

An unchanged generation costs one stat call per file. A rotation that is half done is read again.
An exporter that reads its files once, at its start, still has what they held then: that is
reported as a rotation. Times of day are for people; ages are of the monotonic clock.
"""

import math
import time
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Final, Literal, NamedTuple
from weakref import WeakValueDictionary

from msgspec.structs import replace

from probe.credentials.load import load_credentials
from probe.credentials.named_file import FileSettings
from probe.credentials.read_file import read_served_file
from probe.credentials.receiver_files import list_receiver_paths, read_receiver_files
from probe.credentials.system_roots import SystemRoots, open_roots
from probe.credentials.tls_context import Credentials
from probe.model.certificate import (
    CertificateFacts,
    CredentialFacts,
    ReceiverFiles,
    Rotation,
    ServedFile,
)
from probe.model.collector_receiver import Receiver
from probe.model.surroundings import RunningProcess, Surroundings
from probe.model.target import ServerCertificateFile, Target, TlsSettings
from probe.surroundings.file_view import FileView
from probe.surroundings.open_view import open_view
from probe.text.description import is_plausible_path
from probe.text.safe_text import safe_text

_COSTLY: Final = 16 * 1024
"""Bytes of files that take some ten milliseconds to read for every runtime; 128 KiB take thirty."""
_SIZE: Final = 2
"""The place of the size in a fingerprint."""
READS: Final = 3
"""How often files are read while they change under the reader."""

_FileStates = tuple[tuple[int, ...], ...]
_Chain = tuple[CertificateFacts, ...]


class _Key(NamedTuple):
    """Targets with equal ones share their credentials."""

    tls: TlsSettings
    exporter: str
    served: ServerCertificateFile | None
    settings: FileSettings
    runs_in: Surroundings | None
    receiver: Receiver | None = None


class CredentialFiles:
    """The files of one settings value: what they hold now, and what they held before.

    Targets with equal settings share it. It is dropped with the last target that holds it.
    """

    def __init__(self, key: _Key, paths: tuple[str, ...], store: "CredentialStore") -> None:
        """Read nothing yet; `store` has the clocks, and counts what is read again."""
        self._key = key
        self._paths = paths
        self._store = store
        self._view = open_view(key.runs_in)
        self._roots = open_roots(key.runs_in, self._view, key.exporter)
        self._lock = Lock()
        self._states: _FileStates | None = None
        self._credentials: Credentials | None = None
        self._good: Credentials | None = None
        """The last that could be used."""
        self._first: CredentialFacts | None = None
        """The first that could be used: what an exporter that started then still has."""
        self._rotated: tuple[Rotation, ...] = ()
        self._served: ServedFile | None = None
        """What the backend's file held when it was last read."""
        self._served_since = 0.0
        """Since when the backend's file holds what it holds, monotonic seconds."""
        self._receiver: ReceiverFiles | None = None
        """What a receiver's files held when they were last read."""
        self._client_cas_since = 0.0
        """Since when client_ca_file holds what it holds, monotonic seconds."""
        self._first_client_cas: _Chain | None = None
        """What it held first: what a receiver that started then, and does not reload, trusts."""
        self._checked = -math.inf
        """When the files were last checked, monotonic seconds."""

    @property
    def may_block(self) -> bool:
        """Whether reading them may take long, however small they are: no event loop should wait."""
        return self._view.may_block

    def read_unless_costly(self) -> Credentials | None:
        """Return what `read` does; None where an event loop should not wait for that.

        Raises:
            OSError: where the probe itself lacks file descriptors or memory.
        """
        states = _stat_files(self._paths, self._view)
        known = self._credentials
        if known is not None and states == self._states:
            self._checked = self._store.clock()
            return known
        sizes = sum(state[_SIZE] for state in states if len(state) > _SIZE)
        return None if sizes > _COSTLY else self.read()

    def read(self) -> Credentials:
        """Return the credentials as the files are now. May be called from any thread.

        Half of a rotation, or a broken file, leaves the last good pair, as the Collector's
        certificate reloader does.

        Raises:
            OSError: where the probe itself lacks file descriptors or memory.
        """
        with self._lock:
            return self._read()

    def _read(self) -> Credentials:
        known, now = self._credentials, self._store.clock()
        if known is not None and _stat_files(self._paths, self._view) == self._states:
            self._checked = now
            return known
        self._store.reloads += known is not None
        at = self._store.wall_clock()
        self._states, read = _load(self._key, self._paths, self._view, self._roots, at)
        served = read.facts.served
        if served is not None and (self._served is None or self._served.chain != served.chain):
            # Its own date may be of another clock; it came after the last check of it in any case.
            self._served_since = now - min(max(at - served.modified, 0.0), now - self._checked)
        receiver = self._remember_client_cas(read.facts.receiver, now, at)
        read = read.with_facts(replace(read.facts, receiver=receiver))
        self._served, self._receiver, self._checked = served, receiver, now
        if not read.facts.faults:
            self._first = self._first or read.facts
            self._rotated = _find_rotations(
                self._first, read.facts, self._key.tls, at, self._rotated
            )
            read = self._good = read.with_facts(replace(read.facts, rotated=self._rotated))
        elif self._good is not None:
            read = self._good.keep_despite(read.facts)
        self._credentials = read
        return read

    def _remember_client_cas(
        self, receiver: ReceiverFiles | None, now: float, at: float
    ) -> ReceiverFiles | None:
        """Return `receiver` with what its client_ca_file held first, where that differs."""
        if receiver is None:
            return None
        held = receiver.client_cas
        if self._receiver is None or self._receiver.client_cas != held:
            age = max(at - receiver.client_ca_modified, 0.0)
            self._client_cas_since = now - min(age, now - self._checked)
        if self._first_client_cas is None and held:
            self._first_client_cas = held
        first = self._first_client_cas
        return replace(receiver, client_cas_before=first) if first not in (None, held) else receiver

    def facts(self) -> CredentialFacts:
        """Return what the files held at the last `read`, with their age by now."""
        assert self._credentials is not None
        facts = self._credentials.facts
        if facts.served is not None:
            age = self._store.clock() - self._served_since
            facts = replace(facts, served=replace(facts.served, held_for=age))
        if facts.receiver is not None:
            age = self._store.clock() - self._client_cas_since
            facts = replace(facts, receiver=replace(facts.receiver, client_ca_held_for=age))
        return facts

    def forget_rotations(self) -> None:
        """Take what is in use for what the exporter has: it has just been started."""
        self._first_client_cas = None
        if self._good is not None and self._credentials is not None:
            self._first, self._rotated = self._good.facts, ()
            facts = replace(self._credentials.facts, rotated=())
            self._credentials = self._credentials.with_facts(facts)


class CredentialStore:
    """Gives out the files of targets: one object for equal settings, for as long as it is held."""

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
        self.wall_clock = wall_clock
        self.clock = clock
        self.reloads = 0
        """How often files were read again because they had changed."""
        self._open: WeakValueDictionary[_Key, CredentialFiles] = WeakValueDictionary()

    def __len__(self) -> int:
        """Return how many different settings are in use."""
        return len(self._open)

    def open(self, target: Target) -> CredentialFiles:
        """Return the files of `target`, to be held for as long as it is probed; reads none."""
        key = _Key(
            target.tls,
            target.exporter,
            target.server_certificate_file,
            FileSettings.of_target(target),
            target.runs_in,
            target.receiver,
        )
        files = self._open.get(key)
        if files is None:
            self._open[key] = files = CredentialFiles(key, find_credential_files(target), self)
        return files

    def forget_rotations(self) -> None:
        """Assume that every exporter has just been started: rotations so far are over."""
        for files in self._open.values():
            files.forget_rotations()


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
    named: tuple[str | None, ...] = (tls.cert_file, tls.key_file, tls.ca_file)
    named += (served.path,) if served else ()
    if target.receiver is not None:
        named += list_receiver_paths(target.receiver)
    return tuple(file for file in dict.fromkeys(named) if file and is_plausible_path(file))


def _load(
    key: _Key, paths: tuple[str, ...], view: FileView, roots: SystemRoots, now: float
) -> tuple[_FileStates, Credentials]:
    # Where files still change at the last read, the states from before it makes the next call
    # read again.
    for _ in range(READS):
        states = _stat_files(paths, view)
        credentials = load_credentials(
            key.tls, exporter=key.exporter, settings=key.settings, view=view, roots=roots
        )
        served = read_served_file(key.served) if key.served else None
        receiver = read_receiver_files(key.receiver, now, view) if key.receiver else None
        if _stat_files(paths, view) == states:
            break
    facts = replace(credentials.facts, read_at=now, served=served, receiver=receiver)
    if isinstance(key.runs_in, RunningProcess):
        facts = replace(
            facts,
            root=view.find_root(),
            cert_modified=_find_date(key.tls.cert_file, view),
            ca_modified=_find_date(key.tls.ca_file, view),
        )
    credentials = credentials.with_facts(facts)
    if view.may_block:
        # Here, since no event loop should wait for that.
        credentials.find_anchors()
        credentials.find_other_anchors()
    return states, credentials


def _find_date(path: str | None, view: FileView) -> float:
    if not path or not is_plausible_path(path):
        return 0.0
    try:
        return view.look_at(path).modified
    except OSError:
        return 0.0


def _stat_files(paths: Iterable[str], view: FileView) -> _FileStates:
    return tuple(map(view.read_fingerprint, paths))
