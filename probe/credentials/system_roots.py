"""The system's own trust anchors, found where Go looks for them (crypto/x509: root_unix.go).

The system is that of the place where the exporter runs: this host, or the root of its process. Of a
container that runs nowhere yet, only mounted ones are known; the image's are taken to be this host's.
Exporters in other languages may hold roots of their own, which nothing shows: theirs are taken to be
the system's too.
"""

import os
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from probe.credentials.formats.pem import scan_pem
from probe.model.runtime import CURL, DOTNET, GO_BASED, RUST
from probe.model.surroundings import Container, Surroundings
from probe.surroundings.container_files import UnknownFileError
from probe.surroundings.file_view import HOST_FILES, FileView
from probe.system.file_fingerprint import Fingerprint
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
MOST_BYTES: Final = 64 * 1024 * 1024
"""Of all files together; a whole system's take two."""


_READ_VARIABLES: Final = frozenset(one.id for one in (*GO_BASED, *RUST, DOTNET, CURL))
"""The runtimes whose roots SSL_CERT_FILE and SSL_CERT_DIR replace: Go, rustls-native-certs, and OpenSSL
where it has no other bundle. Java, Node and Python's libraries bring theirs along."""


class SystemRoots:
    """The system's roots as DER; read again when a file or folder has changed."""

    def __init__(
        self, environ: Mapping[str, str] = os.environ, view: FileView = HOST_FILES
    ) -> None:
        """Read nothing yet; SSL_CERT_FILE and SSL_CERT_DIR replace the usual places."""
        self._environ = environ
        self._view = view
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
        states = tuple(map(self._view.read_fingerprint, (*files, *folders)))
        if states != self._states:
            ders = dict.fromkeys(_read_all(files, folders, self._view))
            self._roots = tuple(ders)[:MAX_ANCHORS]
            self._pool, self._states = AnchorPool(self._roots), states
        return self._roots


SYSTEM_ROOTS: Final = SystemRoots()
"""Those of this process's environment; credentials of every target on this host share them."""


def open_roots(runs_in: Surroundings | None, view: FileView, exporter: str) -> SystemRoots:
    """Return the roots of the place that `view` shows, as the runtime `exporter` finds them."""
    if runs_in is None:
        return SYSTEM_ROOTS
    named = {"SSL_CERT_FILE": runs_in.ssl_cert_file, "SSL_CERT_DIR": runs_in.ssl_cert_dir}
    roots = SystemRoots(named if exporter in _READ_VARIABLES else {}, view)
    if isinstance(runs_in, Container) and not roots.read():
        return SYSTEM_ROOTS
    return roots


def _read_all(files: tuple[str, ...], folders: tuple[str, ...], view: FileView) -> Iterator[bytes]:
    left = MOST_BYTES
    for path in files:
        raw = _read(path, view)
        if raw is not None:
            left -= len(raw)
            yield from _list_certificates(raw)
            break
    for folder in folders:
        for path in _list_files(folder, view):
            if left <= 0:
                return
            raw = _read(path, view) or b""
            left -= len(raw)
            yield from _list_certificates(raw)


def _read(path: str, view: FileView) -> bytes | None:
    try:
        return view.read(path, MAX_BYTES)
    except UnknownFileError:
        return None
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in EXHAUSTED:
            raise
        return None


def _list_files(folder: str, view: FileView) -> list[str]:
    """Return the files of a folder, without links to others of it (isSameDirSymlink)."""
    try:
        entries = list(islice(view.list_folder(folder), MAX_FILES))
    except UnknownFileError:
        return []
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in EXHAUSTED:
            raise
        return []
    return [entry.path for entry in entries if entry.is_file and not entry.is_local_link]


def _list_certificates(raw: bytes) -> Iterator[bytes]:
    return (
        block.der
        for block in scan_pem(raw).blocks
        if block.label == "CERTIFICATE" and not block.encrypted
    )
