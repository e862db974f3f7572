"""The files that a service of a compose file sees: bind mounts, configs and secrets. Pure but for readers."""

import posixpath
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from probe.config.sources.manifest.objects import Node
from probe.model.surroundings import Container, MountedFile, UnknownMount
from probe.text.description import describe_path

_MOST_FILES = 200
_LARGEST = 1024 * 1024
_DEEPEST = 3


@dataclass(slots=True)
class HostFiles:
    """Files of the host by the paths that a compose file gives."""

    directory: str
    """Of the compose file: relative paths begin there."""
    read_file: Callable[[str], bytes]
    """Raises OSError or ValueError."""
    list_directory: Callable[[str], Sequence[str]]
    """Raises OSError."""
    left: int = field(default=_MOST_FILES)

    def locate(self, path: str) -> str:
        """Return the path as the host knows it."""
        return posixpath.normpath(posixpath.join(self.directory, path))

    def list_below(self, path: str, depth: int = 0) -> Iterator[tuple[str, bytes]]:
        """Yield the files at or below `path`, by what follows it in their paths."""
        if self.left <= 0 or depth > _DEEPEST:
            return
        try:
            content = self.read_file(path)
        except FileNotFoundError:
            return
        except (OSError, ValueError):
            with suppress(OSError):
                for name in sorted(self.list_directory(path)):
                    for below, found in self.list_below(f"{path}/{name}", depth + 1):
                        yield f"/{name}{below}", found
            return
        self.left -= 1
        if len(content) <= _LARGEST:
            yield "", content


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
        mounts.append(target)
        for below, content in files.list_below(host):
            origin = describe_path(f"{host}{below}")
            found.append(MountedFile(path=f"{target}{below}", origin=origin, content=content))
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
                contents = [content for below, content in files.list_below(host) if not below]
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
