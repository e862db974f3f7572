"""The files that a service of a compose file sees: bind mounts, configs and secrets. Pure but for readers."""

import posixpath
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from probe.config.errors import explain_unreadable
from probe.config.sources.manifest.objects import Node
from probe.model.surroundings import Container, MountedFile, UnknownMount
from probe.text.description import describe_path

_MOST_FILES = 500
_MOST_BYTES = 32 * 1024 * 1024
_LARGEST = 1024 * 1024
_DEEPEST = 3


@dataclass(frozen=True, slots=True)
class Listing:
    """What is known of a file or directory of the host."""

    files: tuple[tuple[str, bytes], ...] = ()
    """The content of each file, by what follows the path in its own."""
    unread: tuple[tuple[str, str], ...] = ()
    """Why the probe cannot read what is there."""
    whole: bool = True
    """Whether these are all: a source tree may hold more than is read of a mount."""


@dataclass(slots=True)
class HostFiles:
    """Files of the host by the paths that a compose file gives."""

    directory: str
    """Of the compose file: relative paths begin there."""
    read_file: Callable[[str], bytes]
    """Raises OSError or ValueError."""
    list_directory: Callable[[str], Sequence[str]]
    """Raises OSError."""
    room: int = field(default=_MOST_BYTES)
    """Bytes that may still be kept, of all services together."""
    known: dict[str, Listing] = field(default_factory=dict)

    def locate(self, path: str) -> str:
        """Return the path as the host knows it."""
        return posixpath.normpath(posixpath.join(self.directory, path))

    def list_below(self, path: str) -> Listing:
        """Return the files at or below `path`, those of each directory before what is below it."""
        if path not in self.known:
            self.known[path] = self._read_below(path)
        return self.known[path]

    def _read_below(self, path: str) -> Listing:
        files: list[tuple[str, bytes]] = []
        unread: list[tuple[str, str]] = []
        waiting, whole = deque([("", 0)]), True
        while waiting:
            below, depth = waiting.popleft()
            if len(files) >= _MOST_FILES or self.room <= 0:
                return Listing(tuple(files), tuple(unread), whole=False)
            try:
                content = self.read_file(f"{path}{below}")
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                names = self._list(f"{path}{below}")
                if names is None:
                    unread.append((below, explain_unreadable(error)))
                elif depth < _DEEPEST:
                    waiting.extend((f"{below}/{name}", depth + 1) for name in names)
                else:
                    whole = whole and not names
                continue
            if len(content) > _LARGEST:
                whole = False
                continue
            self.room -= len(content)
            files.append((below, content))
        return Listing(tuple(files), tuple(unread), whole=whole)

    def _list(self, path: str) -> list[str] | None:
        """Return the names in a directory; None where it is none, or closed."""
        try:
            return sorted(self.list_directory(path))
        except OSError:
            return None


def make_container(title: str, service: Node, top: Node, files: HostFiles) -> Container:
    """Return the container of a service, with what its volumes, configs and secrets hold."""
    found: list[MountedFile] = []
    unknown: list[UnknownMount] = []
    mounts: list[str] = []
    for source, target in _list_binds(service):
        if not source.startswith(("/", ".", "~")):
            reason = f"the volume {source} is not in the compose file"
            unknown.append(UnknownMount(path=target, reason=reason))
            continue
        host = files.locate(source)
        listing = files.list_below(host)
        for below, content in listing.files:
            origin = describe_path(f"{host}{below}")
            found.append(MountedFile(path=f"{target}{below}", origin=origin, content=content))
        for below, why in listing.unread:
            reason = f"{describe_path(f'{host}{below}')} cannot be read: {why}"
            unknown.append(UnknownMount(path=f"{target}{below}", reason=reason))
        if listing.whole:
            mounts.append(target)
        else:
            reason = (
                f"of {describe_path(host)} the probe reads {_MOST_FILES} files of at most 1 MiB, in "
                f"directories {_DEEPEST} deep"
            )
            unknown.append(UnknownMount(path=target, reason=reason))
    for kind, folder in (("secrets", "/run/secrets/"), ("configs", "/")):
        for one in service[kind].items():
            name = one.value if isinstance(one.value, str) else one["source"].text
            given = "" if isinstance(one.value, str) else one["target"].text
            target = given if given.startswith("/") else f"{folder}{given or name}"
            held = top[kind][name] if top[kind] else top[kind]
            if held and held["content"]:
                text = held["content"].text.encode()
                found.append(MountedFile(path=target, origin=f"{kind} {name}", content=text))
            elif held and held["file"]:
                host = files.locate(held["file"].text)
                origin = describe_path(host)
                contents = [content for below, content in files.list_below(host).files if not below]
                found += (MountedFile(path=target, origin=origin, content=one) for one in contents)
                if not contents:
                    reason = f"{origin}, which it is made of, cannot be read"
                    unknown.append(UnknownMount(path=target, reason=reason))
            else:
                reason = f"what {kind} {name} holds is not in the compose file"
                unknown.append(UnknownMount(path=target, reason=reason))
    return Container(name=title, files=tuple(found), unknown=tuple(unknown), mounts=tuple(mounts))


def _list_binds(service: Node) -> Iterator[tuple[str, str]]:
    """Yield source and target of each volume."""
    for one in service["volumes"].items():
        if isinstance(one.value, str):
            source, colon, rest = one.value.partition(":")
            if colon and rest:
                yield source, rest.partition(":")[0].rstrip("/")
        elif one["source"] and one["target"]:
            yield one["source"].text, one["target"].text.rstrip("/")
