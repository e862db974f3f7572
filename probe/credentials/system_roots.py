"""The system's own trust anchors, found where Go looks for them (crypto/x509: root_unix.go).

Exporters in other languages may hold roots of their own, which this host does not show: theirs are
taken to be the system's too.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from probe.credentials.formats.pem import scan_pem
from probe.system.file_fingerprint import Fingerprint, read_fingerprint
from probe.system.own_limits import EXHAUSTED
from probe.x509.anchors import MAX_ANCHORS, NO_ANCHORS, AnchorPool

FILES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""The first that can be read counts (root_linux.go, certFiles)."""
FOLDERS: Final = ("/etc/ssl/certs", "/etc/pki/tls/certs")
"""All are read besides (certDirectories)."""
MAX_FILES: Final = 2000
MAX_BYTES: Final = 8 * 1024 * 1024
"""Of one file."""


class SystemRoots:
    """The system's roots as DER; read again when a file or folder has changed."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        """Read nothing yet; SSL_CERT_FILE and SSL_CERT_DIR replace the usual places."""
        self._environ = environ
        self._states: tuple[Fingerprint, ...] = ()
        self._roots: tuple[bytes, ...] = ()
        self._pool = NO_ANCHORS

    def read_pool(self) -> AnchorPool:
        """Return the roots as anchors: one object for all that trust nothing besides.

        Raises:
            OSError: where the probe itself lacks file descriptors or memory.
        """
        self.read()
        return self._pool

    def read(self) -> tuple[bytes, ...]:
        """Return each root's DER, once.

        Raises:
            OSError: where the probe itself lacks file descriptors or memory.
        """
        file, folder = self._environ.get("SSL_CERT_FILE"), self._environ.get("SSL_CERT_DIR")
        files = (file,) if file else FILES
        folders = tuple(folder.split(":")) if folder else FOLDERS
        states = tuple(map(read_fingerprint, (*files, *folders)))
        if states != self._states:
            ders = dict.fromkeys(_read_all(files, folders))
            self._roots = tuple(ders)[:MAX_ANCHORS]
            self._pool, self._states = AnchorPool(self._roots), states
        return self._roots


SYSTEM_ROOTS: Final = SystemRoots()
"""Those of this process's environment; credentials of every target share them."""


def _read_all(files: tuple[str, ...], folders: tuple[str, ...]) -> Iterator[bytes]:
    for path in files:
        raw = _read(path)
        if raw is not None:
            yield from _list_certificates(raw)
            break
    for folder in folders:
        for path in _list_files(folder):
            yield from _list_certificates(_read(path) or b"")


def _read(path: str) -> bytes | None:
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in EXHAUSTED:
            raise
        return None


def _list_files(folder: str) -> list[str]:
    """Return the files of a folder, without links to others of it (isSameDirSymlink)."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda one: one.name)[:MAX_FILES]
        return [
            entry.path
            for entry in entries
            if entry.is_file() and not (entry.is_symlink() and "/" not in os.readlink(entry.path))  # noqa: PTH115 - a string is what scandir gives
        ]
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in EXHAUSTED:
            raise
        return []


def _list_certificates(raw: bytes) -> Iterator[bytes]:
    return (
        block.der
        for block in scan_pem(raw).blocks
        if block.label == "CERTIFICATE" and not block.encrypted
    )
