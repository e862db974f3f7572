"""The files of a container that runs nowhere yet: what a manifest's Secrets and ConfigMaps hold.

They are in memory. A path within a mount that is known whole, and not among its files, does not
exist; any other path is unknown, which says nothing of the exporter.
"""

import errno
import os
import posixpath
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from probe.model.surroundings import Container, MountedFile
from probe.model.target import Target
from probe.surroundings.file_view import (
    FileStatus,
    FileView,
    FolderEntry,
    IrregularFileError,
    ViewError,
)
from probe.system.file_fingerprint import Fingerprint
from probe.text.description import is_plausible_path
from probe.text.safe_text import quote_path, safe_text

MOST_NAMED: Final = 6
"""Files of a mount that a sentence lists."""
_DATA: Final = "..data"
"""The link next to the files of a Secret's mount, which leads to the directory that holds them."""


@dataclass(frozen=True, slots=True)
class UnknownFile:
    """A file that a target needs, and of which the manifest does not say what it holds."""

    setting: str
    """The key of the settings: cert_file, key_file, ca_file; or the variable SSL_CERT_FILE."""
    path: str
    reason: str
    """What is missing, safe to show."""


class UnknownFileError(ViewError):
    """What a path of a container holds is not in the manifest."""


class ContainerFiles(FileView):
    """The files of a `Container`."""

    takes_commands = False

    def __init__(self, container: Container) -> None:
        """Take the files; the later one of a path counts, as the later mount does."""
        self._container = container
        self._files = {_normalize(file.path): file for file in container.files}
        self._mounts = tuple(map(_normalize, container.mounts))
        self._unknown = {_normalize(one.path): one.reason for one in container.unknown}
        self._folders = frozenset(
            above for path in (*self._files, *self._mounts) for above in _list_parents(path)
        ) | frozenset(self._mounts)

    def describe_reader(self) -> str:
        """Name the container and its user, as far as the manifest says."""
        container = self._container
        user = "" if container.uid is None else f" as user {container.uid}"
        if container.uid is None and container.runs_as_root is False:
            user = " as another user than root"
        return f"{safe_text(container.name)} reads it{user}"

    @property
    def gid(self) -> int:
        """The first group that the manifest gives its user."""
        return next(iter(self._container.groups or ()), 0)

    def read(self, path: str, limit: int) -> bytes:
        """Return what the object's key holds."""
        file = self._find(path)
        if not self._may_read(file):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return file.content[:limit]

    def look_at(self, path: str) -> FileStatus:
        """Return a status with the size; a manifest has no dates."""
        file = self._find(path)
        return FileStatus(stat.S_IFREG | file.mode, 0, file.group, len(file.content), 0.0)

    def _may_read(self, file: MountedFile) -> bool:
        """Return whether the user may read a file of root's; of an unknown user nothing is said."""
        groups = self._container.groups
        if self._container.runs_as_root is not False or file.mode & stat.S_IROTH:
            return True
        return bool(file.mode & stat.S_IRGRP) and (groups is None or file.group in groups)

    def read_fingerprint(self, path: str) -> Fingerprint:
        """Return a digest of the content: another manifest may give the file another one."""
        try:
            content = self._find(path).content
        except OSError as error:
            return (error.errno or -1,)
        except ViewError:
            return (-1,)
        digest = int.from_bytes(sha256(content).digest()[:8])
        return 0, 0, len(content), digest, 0

    def list_folder(self, path: str) -> Iterator[FolderEntry]:
        """Yield the files of a known mount or directory below one."""
        folder = _normalize(path)
        if folder not in self._folders:
            self._find(path)
        for file, held in sorted(self._files.items()):
            above, name = posixpath.split(file)
            if above == folder:
                yield FolderEntry(name, file, is_file=True, size=len(held.content))

    def find_closed_folder(self, path: str) -> str:
        """Return the directory: none is closed."""
        return posixpath.dirname(path)

    def read_link(self, path: str) -> str:  # noqa: ARG002 - none of them is a link that one meets
        """Return nothing: the links of a mount are followed."""
        return ""

    def explain_absence(self, path: str) -> str:
        """Name the files that are mounted there, and from where."""
        mount = self._find_place(self._mounts, _normalize(path))
        held = [file for path, file in sorted(self._files.items()) if _is_below(path, mount)]
        if not held:
            return f"; {safe_text(mount)} is mounted, and nothing is in it"
        named = [f"{safe_text(file.path)} ({safe_text(file.origin)})" for file in held[:MOST_NAMED]]
        more = f" and {len(held) - MOST_NAMED} more" if len(held) > MOST_NAMED else ""
        return f"; mounted there: {', '.join(named)}{more}"

    def explain_unknown(self, path: str) -> str:
        """Say why nothing is known of `path`; nothing where it is known, or known to be absent."""
        try:
            self._find(path)
        except UnknownFileError as error:
            return error.detail
        except OSError:
            return ""
        return ""

    def _find(self, path: str) -> MountedFile:
        name = self._container.name
        if not path.startswith("/"):
            raise UnknownFileError(
                f"{safe_text(path)} is relative, and the working directory of {safe_text(name)} is "
                "that of its image, which the manifest does not have"
            )
        wanted = _normalize(path)
        unknown = self._find_place(tuple(self._unknown), wanted)
        mount = self._find_place(self._mounts, wanted)
        file = self._files.get(wanted)
        if file is not None and len(unknown) <= len(mount):
            return file
        if wanted in self._folders:
            raise IrregularFileError(stat.S_IFDIR | 0o755)
        # The innermost mount decides.
        if mount and len(mount) > len(unknown):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if file is not None:
            return file
        if unknown:
            reason = self._unknown[unknown]
        else:
            reason = f"no volume of {safe_text(name)} has it, so it is a file of the image"
        raise UnknownFileError(f"what {quote_path(path)} holds is not known: {safe_text(reason)}")

    @staticmethod
    def _find_place(places: tuple[str, ...], path: str) -> str:
        """Return the innermost of `places` that `path` is, or is below; empty where there is none."""
        return max((one for one in places if _is_below(path, one)), key=len, default="")


def find_unknown_files(target: Target) -> tuple[UnknownFile, ...]:
    """Return the files of `target` of which its manifest does not say what they hold.

    A target with any cannot be judged. Empty for one that runs anywhere else.
    """
    if not isinstance(target.runs_in, Container):
        return ()
    files, tls = ContainerFiles(target.runs_in), target.tls
    named = [("cert_file", tls.cert_file), ("key_file", tls.key_file), ("ca_file", tls.ca_file)]
    if not (tls.ca_file or tls.ca_pem) or tls.include_system_ca_certs_pool:
        named.append(("SSL_CERT_FILE", target.runs_in.ssl_cert_file))
    return tuple(
        UnknownFile(setting, safe_text(path), reason)
        for setting, path in named
        if path and is_plausible_path(path) and (reason := files.explain_unknown(path))
    )


def _normalize(path: str) -> str:
    """Return `path` without `.`, `..`, doubled slashes and the `..data` of a mount."""
    parts = [part for part in posixpath.normpath(path).split("/") if part not in {"", _DATA}]
    return "/" + "/".join(parts)


def _list_parents(path: str) -> Iterator[str]:
    while path not in {"", "/"}:
        path = posixpath.dirname(path)
        yield path


def _is_below(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place.rstrip('/')}/")
