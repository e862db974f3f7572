"""Reads one credential file without ever blocking on it, or says as a fault why it cannot.

What the file system answers is a fault of the target, except where the probe itself has run out
of something: that is raised.
"""

import errno
import posixpath
import stat
from collections.abc import Iterator
from typing import Final

from probe.credentials.content import SIZE_LIMIT, read_content
from probe.credentials.named_file import INLINE, NamedFile, begin_step
from probe.model.certificate import ServedFile
from probe.model.finding import Finding
from probe.model.target import ServerCertificateFile
from probe.surroundings.file_view import HOST_FILES, FileView, IrregularFileError, ViewError
from probe.system.own_limits import EXHAUSTED, is_own_lack
from probe.text.description import (
    PATH_MAX,
    describe_path,
    is_description,
    is_plausible_path,
    placeholder_kind,
)
from probe.text.safe_text import quote_path, safe_text
from probe.x509.parse import parse_certificate, read_der
from probe.x509.path import Located

FOLDER_FILES: Final = 50
FOLDER_FILE_SIZE: Final = 256 * 1024

_UNPACK: Final = {
    "PEM text": "write the text",
    "base64 of PEM text": "decode the text (base64 -d) and write it",
    "base64 of DER": "decode the text (base64 -d), make PEM of it (openssl, -inform DER) and write it",
    "PEM text with escaped line breaks": "make line breaks of each \\n (printf %b) and write the text",
}
_HAVE_INLINE: Final = frozenset({"cert_file", "key_file", "ca_file"})
_KINDS: Final = (
    (stat.S_ISDIR, "is a directory, not a file"),
    (stat.S_ISFIFO, "is a FIFO, not a file"),
    (stat.S_ISSOCK, "is a socket, not a file"),
    (stat.S_ISCHR, "is a device, not a file"),
    (stat.S_ISBLK, "is a device, not a file"),
)


def read_file(
    file: NamedFile, *, limit: int = SIZE_LIMIT, view: FileView = HOST_FILES
) -> bytes | Finding:
    """Return the content of `file`, `limit` bytes at most, or the fault that keeps it from being read.

    Args:
        file: what a setting names.
        limit: bytes.
        view: the files of the place where the exporter runs.

    Raises:
        OSError: where the probe itself lacks file descriptors or memory.
        ViewError: where the probe cannot see what the exporter does.
    """
    path = file.path
    if is_description(path) or not is_plausible_path(path):
        return _describe_non_path(file)
    try:
        raw = view.read(path, limit + 1)
    except IrregularFileError as error:
        return _describe_irregular(file, error.mode)
    except PermissionError:
        return _describe_forbidden(file, view)
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise
        return _describe_missing(file, error.errno or 0, view)
    if len(raw) > limit:
        fact = f"is larger than {limit} bytes, and no certificate or key file is"
        return file.make_finding(fact, f"check {_name_place(file)}: this is some other file")
    return raw


def read_folder(path: str, view: FileView = HOST_FILES) -> Iterator[Located]:
    """Yield the certificates of the `*.pem` and `*.crt` files in the folder of `path`.

    Raises:
        OSError: where the probe itself lacks file descriptors or memory.
    """
    try:
        files = [
            entry.path
            for entry in view.list_folder(posixpath.dirname(path) or ".")
            if entry.name.endswith((".pem", ".crt"))
            and entry.name != posixpath.basename(path)
            and entry.is_file
            and entry.size <= FOLDER_FILE_SIZE
        ]
    except (OSError, ValueError) as error:
        if is_own_lack(error):
            raise
        return
    except ViewError:
        return
    for file in files[:FOLDER_FILES]:
        for der in _read_ders(file, limit=FOLDER_FILE_SIZE, view=view):
            certificate = parse_certificate(der)
            if certificate is not None:
                yield file, certificate


def read_served_file(named: ServerCertificateFile, view: FileView = HOST_FILES) -> ServedFile:
    """Return what the file holds that a backend's certificate is served from.

    Without certificates where it cannot be read: then it compares with nothing. Its key is another
    file, and is not opened.

    Raises:
        OSError: where the probe itself lacks file descriptors or memory.
    """
    held = _read_ders(named.path, view=view)
    try:
        modified = view.look_at(named.path).modified
    except (OSError, ValueError):
        modified = 0.0
    return ServedFile(
        path=safe_text(named.path, PATH_MAX),
        receiver=safe_text(named.receiver),
        reload_interval=named.reload_interval,
        modified=modified,
        settings_file=safe_text(named.settings_file, PATH_MAX),
        key_file=safe_text(named.key_file, PATH_MAX),
        client_ca_file=safe_text(named.client_ca_file, PATH_MAX),
        client_ca_file_reload=named.client_ca_file_reload,
        chain=tuple(map(read_der, held)),
    )


def _read_ders(path: str, *, limit: int = SIZE_LIMIT, view: FileView) -> tuple[bytes, ...]:
    file = NamedFile("cert", path)
    raw = read_file(file, limit=limit, view=view)
    return () if isinstance(raw, Finding) else read_content(raw, file).certificates


def _describe_non_path(file: NamedFile) -> Finding:
    """Say what stands where the path belongs; the text itself, perhaps the key, is not shown."""
    role, settings = file.role, file.settings
    shown = describe_path(file.path)
    kind = placeholder_kind(shown)
    what = shown[1:-1] if kind else "nothing"
    setting = settings.name(role)
    fix = [
        f"{_UNPACK.get(kind, 'write the text')} to a file that only the {settings.reader} "
        f"may read, and give that file's path in {settings.name_for_anyone(role)}",
    ]
    if kind in _UNPACK:
        # A receiver has no key for client CAs given inline.
        if not settings.variables and settings.name(role) in _HAVE_INLINE:
            fix.append(
                f"or give the text as {INLINE[role]} in place of {setting}: a Collector and this "
                "probe have that key, an SDK's variables do not"
            )
        if role == "key":
            fix.append(
                "a key that stood in a variable or a configuration may have been read by others: "
                "request a certificate for a new key if it did"
            )
    return Finding(
        cause=file.malformed,
        role=role,
        path=safe_text(shown),
        fact=safe_text(
            f"{setting} holds {what}; the {settings.reader} wants the path of a file there"
        ),
        fix=tuple(map(begin_step, fix)),
    )


def _name_place(file: NamedFile) -> str:
    """Name what the reader corrects: the variable, or the path wherever it stands."""
    return file.settings.name(file.role) if file.settings.variables else "the path"


def _describe_irregular(file: NamedFile, mode: int) -> Finding:
    kind = next((phrase for is_kind, phrase in _KINDS if is_kind(mode)), "is not a regular file")
    fix = [f"set {_name_place(file)} to the file itself, not to {quote_path(file.path)}"]
    if stat.S_ISDIR(mode):
        fix.append(
            "a container runtime makes a directory where the file to mount is not on the host: "
            "remove the directory, create the file, start again"
        )
    return file.make_finding(kind, *fix)


def _describe_missing(file: NamedFile, number: int, view: FileView) -> Finding:
    name = errno.errorcode.get(number, str(number))
    if number not in {errno.ENOENT, errno.ENOTDIR}:
        fact = f"cannot be read ({name})"
    elif link := view.read_link(file.path):
        fact = f"is a symbolic link to {safe_text(link, 80)}, which does not exist ({name})"
    else:
        fact = f"does not exist ({name}){safe_text(view.explain_absence(file.path))}"
    return file.make_finding(
        fact,
        f"put the file at {quote_path(file.path)}, or correct {_name_place(file)}",
        "in a container: check that the volume is mounted, and that the Secret has a key of that name",
        cause="server_ca_file_missing" if file.role == "ca" else "client_file_missing",
    )


def _describe_forbidden(file: NamedFile, view: FileView) -> Finding:
    try:
        found = view.look_at(file.path)
    except OSError:
        closed = view.find_closed_folder(file.path)
        what = f"the directory {safe_text(closed, 80)} on the way to it is closed"
        fix: tuple[str, ...] = (
            f"let the user that runs the {file.settings.reader} enter the directory: "
            f"chmod o+x {quote_path(closed)}",
        )
    else:
        mode = stat.S_IMODE(found.mode)
        what = f"its mode is {mode:04o}, its owner {found.uid}:{found.gid}"
        fix = _allow_reading(file, mode, found.gid, view) if view.takes_commands else ()
    return file.make_finding(
        f"may not be read: {what}, and {view.describe_reader()}",
        *fix,
        "in Kubernetes: set securityContext.fsGroup, or the volume's defaultMode",
        cause="server_ca_file_permission" if file.role == "ca" else "client_file_permission",
    )


def _allow_reading(file: NamedFile, mode: int, group: int, view: FileView) -> tuple[str, ...]:
    """Return the step that lets the user of the exporter read a file.

    A certificate is public. A key's group is changed only where it gives nobody the right.
    """
    path = quote_path(file.path)
    if file.role != "key":
        return (f"let everybody read it, because a certificate is public: chmod 0644 {path}",)
    if mode & stat.S_IRGRP:
        return (
            f"add the user that runs the {file.settings.reader} to group {group}, which may read "
            f"{path}",
        )
    assumed = " where that is the probe's" if view is HOST_FILES else ""
    return (
        f"let the group of the {file.settings.reader}'s user read it, {view.gid}{assumed}: "
        f"chgrp {view.gid} {path} && chmod 0640 {path}",
    )
