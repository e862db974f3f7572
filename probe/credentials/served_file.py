"""Reads the file on this host that a backend's certificate is served from.

What it holds, or that it cannot be read, never raises: a file that says nothing compares with
nothing. Its key is another file, and is not opened (law 11).
"""

import os

from probe.credentials.content import read_content
from probe.credentials.read_file import read_file
from probe.model.certificate import ServedFile
from probe.model.finding import Finding
from probe.model.target import ServerCertificateFile
from probe.text.safe_text import safe_text
from probe.x509.parse import read_facts


def read_served(named: ServerCertificateFile) -> ServedFile:
    """Return what the file holds by now; without certificates where it cannot be read.

    Raises:
        OSError: where the probe itself lacks file descriptors or memory.
    """
    found = read_file(named.path, "cert")
    held = (
        ()
        if isinstance(found, Finding)
        else read_content(found, "cert", named.path, go=True).certificates
    )
    return ServedFile(
        path=safe_text(named.path),
        receiver=safe_text(named.receiver),
        reload_interval=named.reload_interval,
        modified=_modified(named.path),
        chain=tuple(map(read_facts, held)),
    )


def _modified(path: str) -> float:
    try:
        return os.stat(path).st_mtime  # noqa: PTH116 - a Path raises on a NUL byte only later
    except (OSError, ValueError):
        return 0.0
