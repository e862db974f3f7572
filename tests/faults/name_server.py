"""Names that faults can change: a name server on loopback, and a mount namespace that uses it.

glibc's getaddrinfo reads /etc/resolv.conf; in its own mount namespace the probe
sees another file there. That needs root; `unavailable` says what is missing.
"""

import os
import shutil
import socket
import subprocess
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

DOMAIN: Final = "faults.test"
_PORT: Final = 53
_TYPE_A: Final = 1
_RESPONSE: Final = 0x8180  # QR, RD, RA (RFC 1035, section 4.1.1)
_SERVFAIL: Final = 2
_NXDOMAIN: Final = 3


class NameServer:
    """Answers for the names that are set; over UDP only.

    A name's record is an IPv4 address, `nxdomain`, `servfail` or `silent`, and may be slow.
    """

    def __init__(self, address: str) -> None:
        """Listen on port 53 of `address`."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, _PORT))
        self.address = address
        self._records: dict[str, tuple[str, float]] = {}
        threading.Thread(target=self._run, daemon=True).start()

    def set(self, name: str, record: str, delay: float = 0.0) -> None:
        """Answer for `name` with `record` from now on, `delay` seconds after each question."""
        self._records[name.lower()] = (record, delay)

    def end(self) -> None:
        """Stop answering."""
        self._socket.close()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                question, peer = self._socket.recvfrom(4096)
                threading.Thread(target=self._answer, args=(question, peer), daemon=True).start()

    def _answer(self, question: bytes, peer: tuple[str, int]) -> None:
        name, kind, end = _asked(question)
        record, delay = self._records.get(name, ("nxdomain", 0.0))
        if record == "silent":
            return
        time.sleep(delay)
        code = {"servfail": _SERVFAIL, "nxdomain": _NXDOMAIN}.get(record, 0)
        answers = b""
        if not code and kind == _TYPE_A:
            address = socket.inet_aton(record)
            # A pointer to the question's name, type A, class IN, TTL 0.
            answers = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04" + address
        flags = (_RESPONSE | code).to_bytes(2, "big")
        counts = b"\x00\x01" + (b"\x00\x01" if answers else b"\x00\x00") + b"\x00" * 4
        with suppress(OSError):
            self._socket.sendto(question[:2] + flags + counts + question[12:end] + answers, peer)


def _asked(question: bytes) -> tuple[str, int, int]:
    """Return the name and type of the first question, and where it ends."""
    labels, at = [], 12
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode("ascii"))
        at += length + 1
    return ".".join(labels).lower(), int.from_bytes(question[at + 1 : at + 3]), at + 5


@cache
def unavailable() -> str:
    """Return why names cannot be changed here; empty where they can."""
    for program in ("unshare", "mount"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.77.0.53", _PORT))
    except OSError as error:
        return f"port {_PORT} of a loopback address: {error.strerror}"
    command = ["unshare", "-m", "mount", "--bind", "/dev/null", "/etc/resolv.conf"]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"a mount namespace: {tried.stderr.strip()}" if tried.returncode else ""


def asking(server: str, folder: Path) -> list[str]:
    """Return the prefix of a command that asks `server` for every name."""
    resolv, hosts, switch = (folder / name for name in ("resolv.conf", "hosts", "nsswitch.conf"))
    resolv.write_text(f"nameserver {server}\n")
    hosts.write_text("127.0.0.1 localhost\n")
    switch.write_text("hosts: files dns\n")
    mounts = [
        f"mount --bind {file} /etc/{file.name}"
        for file in (resolv, hosts, switch)
        if Path("/etc", file.name).exists()
    ]
    script = " && ".join([*mounts, 'exec "$@"'])
    return ["unshare", "-m", "sh", "-c", script, "sh"]


@cache
def rights_cannot_be_dropped() -> str:
    """Return why files cannot be made unreadable for the probe; empty where they can."""
    if os.geteuid() != 0:
        return ""
    if shutil.which("setpriv") is None:
        return "root reads every file, and setpriv is not installed"
    command = [*without_root_rights(), "cat", "/proc/self/status"]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"root reads every file, and setpriv: {tried.stderr.strip()}" if tried.returncode else ""


def without_root_rights() -> list[str]:
    """Return the prefix of a command that must obey file permissions."""
    if os.geteuid() != 0:
        return []
    dropped = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={dropped}", f"--inh-caps={dropped}"]
