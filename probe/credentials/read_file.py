"""Reads one credential file without ever blocking on it, or says as a fault why it cannot.

What the file system answers is a fault of the target, except where the probe itself has run out
of something: that is raised.
"""

import errno
import os
import stat
from pathlib import Path
from typing import Final

from probe.credentials.content import SIZE_LIMIT, make_fault, malformed
from probe.credentials.convert import INLINE
from probe.credentials.file_settings import KEYS, FileSettings
from probe.credentials.fix_steps import begin_step
from probe.model.finding import Finding, Role
from probe.system.own_limits import EXHAUSTED
from probe.text.description import (
    describe_path,
    is_description,
    is_plausible_path,
    placeholder_kind,
)
from probe.text.safe_text import safe_text

_UNPACK: Final = {
    "PEM text": "write the text",
    "base64 of PEM text": "decode the text (base64 -d) and write it",
    "base64 of DER": "decode the text (base64 -d), make PEM of it (openssl, -inform DER) and write it",
    "PEM text with escaped line breaks": "make line breaks of each \\n (printf %b) and write the text",
}

_KINDS: Final = (
    (stat.S_ISDIR, "is a directory, not a file"),
    (stat.S_ISFIFO, "is a FIFO, not a file"),
    (stat.S_ISSOCK, "is a socket, not a file"),
    (stat.S_ISCHR, "is a device, not a file"),
    (stat.S_ISBLK, "is a device, not a file"),
)


def read_file(
    path: str, role: Role, *, limit: int = SIZE_LIMIT, settings: FileSettings = KEYS
) -> bytes | Finding:
    """Return the content of `path`, or the fault that keeps it from being read.

    Args:
        path: what the setting holds.
        role: what the file is configured as.
        limit: how many bytes are read.
        settings: what the settings are called, for facts and steps.

    Raises:
        OSError: where the probe itself lacks file descriptors or memory.
    """
    if is_description(path) or not is_plausible_path(path):
        return _no_path(path, role, settings)
    try:
        # Looked at first, because opening a device can set it going; and again once it is open.
        mode = Path(path).stat().st_mode
        if not stat.S_ISREG(mode):
            return _not_regular(path, role, mode, settings)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                return _not_regular(path, role, mode, settings)
            raw = file.read(limit + 1)
    except PermissionError:
        return _forbidden(path, role)
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise
        return _missing(path, role, error.errno or 0, settings)
    if len(raw) > limit:
        fact = f"is larger than {limit} bytes, and no certificate or key file is"
        return make_fault(
            role, path, fact, (f"check {_the_path(role, settings)}: this is some other file",)
        )
    return raw


def _no_path(text: str, role: Role, settings: FileSettings) -> Finding:
    """Say what stands where the path belongs; the text itself, perhaps the key, is not shown."""
    shown = describe_path(text)
    kind = placeholder_kind(shown)
    what = shown[1:-1] if kind else "nothing"
    setting = settings.name(role)
    fact = f"{setting} holds {what}; the exporter wants the path of a file there"
    fix = [
        f"{_UNPACK.get(kind, 'write the text')} to a file that only the exporter "
        f"may read, and give that file's path in {settings.name_for_anyone(role)}",
    ]
    if not settings.variables:
        fix.append(
            f"or give the text as {INLINE[role]} in place of {setting}: a Collector and this probe "
            "have that key, an SDK's variables do not"
        )
    if role == "key":
        fix.append(
            "a key that stood in a variable or a configuration may have been read by others: "
            "request a certificate for a new key if it did"
        )
    return Finding(
        cause=malformed(role),
        role=role,
        path=safe_text(shown),
        fact=safe_text(fact),
        fix=tuple(map(begin_step, fix if kind in _UNPACK else fix[:1])),
    )


def _the_path(role: Role, settings: FileSettings) -> str:
    """Name what the reader corrects: the variable, or the path wherever it stands."""
    return settings.name(role) if settings.variables else "the path"


def _not_regular(path: str, role: Role, mode: int, settings: FileSettings) -> Finding:
    kind = next((phrase for is_kind, phrase in _KINDS if is_kind(mode)), "is not a regular file")
    fix = [f"set {_the_path(role, settings)} to the file itself, not to {safe_text(path)}"]
    if stat.S_ISDIR(mode):
        fix.append(
            "a container runtime makes a directory where the file to mount is not on the host: "
            "remove the directory, create the file, start again"
        )
    return make_fault(role, path, kind, tuple(fix), malformed(role))


def _missing_cause(role: Role) -> str:
    return "server_ca_file_missing" if role == "ca" else "client_file_missing"


def _missing(path: str, role: Role, number: int, settings: FileSettings) -> Finding:
    name = errno.errorcode.get(number, str(number))
    if number not in {errno.ENOENT, errno.ENOTDIR}:
        fact = f"cannot be read ({name})"
    elif Path(path).is_symlink():
        fact = f"is a symbolic link to {safe_text(_link(path), 80)}, which does not exist ({name})"
    else:
        fact = f"does not exist ({name}){_nearest(path)}"
    fix = (
        f"put the file at {safe_text(path)}, or correct {_the_path(role, settings)}",
        "in a container: check that the volume is mounted, and that the Secret has a key of that name",
    )
    return make_fault(role, path, fact, fix, _missing_cause(role))


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return "nowhere"


def _nearest(path: str) -> str:
    """Name the first directory on the way that is not there, where it is not the file alone."""
    parent = Path(path).parent
    try:
        if parent.is_dir():
            return ""
        while parent != parent.parent and not parent.parent.is_dir():
            parent = parent.parent
    except OSError:
        return ""
    return f"; nor does the directory {safe_text(str(parent), 80)}"


def _forbidden(path: str, role: Role) -> Finding:
    cause = "server_ca_file_permission" if role == "ca" else "client_file_permission"
    try:
        found = Path(path).stat()
    except OSError:
        what = "a directory on the way to it is closed"
    else:
        mode = stat.S_IMODE(found.st_mode)
        what = f"its mode is {mode:04o}, its owner {found.st_uid}:{found.st_gid}"
    fact = f"may not be read: {what}, and the probe runs as {os.geteuid()}:{os.getegid()}"
    group = "0640" if role == "key" else "0644"
    fix = (
        f"let the process that uses {safe_text(path)} read it: its group, and mode {group}",
        "in Kubernetes: set securityContext.fsGroup, or the volume's defaultMode",
    )
    return make_fault(role, path, fact, fix, cause)
