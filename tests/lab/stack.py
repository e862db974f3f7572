"""The TLS stacks that backends really run: how each is started, and what its clients can see.

A `Stack` declares what is known of it (which faults it accepts, which it can't distinguish
from others); the tests compare the probe with that, in both directions.
"""

import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from probe.model.target import Depth, Protocol
from tests.lab.credentials import Pair

TlsVersion = Literal["1.2", "1.3"]
VERSIONS: Final[tuple[TlsVersion, ...]] = ("1.2", "1.3")


FAR_FROM_ITS_EDGE: Final = (
    "what it sends has no reason, and a clock is among the candidates only within seven days of "
    "the certificate's edge: backend_ten_days_ahead has that"
)
"""Why `backend_ahead` does not run with stacks that send no reason."""


CLOCK_OR_ANCHOR: Final = {
    "expired_root_unseen": "certificate_expired (45) does not tell the end of a root of the "
    "backend's own from a clock that is ahead"
}
"""What stacks leave undecided that report expiry without saying of which certificate."""


@dataclass(frozen=True, slots=True)
class Serving:
    """The settings of one server: its certificate, the authorities that it trusts, and its clock."""

    tls: TlsVersion
    """The only version that it speaks."""
    server: Pair
    """Its own certificate, with the intermediates behind it, and key."""
    client_ca_file: Path | None
    """It demands a certificate of one of these authorities; None: it demands none."""
    clock: str = ""
    """The argument of faketime: `+60d`; empty: the machine's own clock."""
    crl_file: Path | None = None
    """Certificates revoked by the client CA (PEM)."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One TLS stack as a server."""

    name: str
    start: Callable[[Path, Serving], AbstractContextManager[int]]
    """Start a server in an empty folder, and yield its port once it accepts."""
    missing: Callable[[], str]
    """Return what this machine lacks to run it; empty where nothing."""
    protocol: Protocol = "http/protobuf"
    depth: Depth = "otlp"
    """`tls` for servers that answer no OTLP request."""
    answers: bool = True
    """False: it sends no proof of success; a correct client is `unconfirmed`."""
    lets_in: frozenset[str] = frozenset()
    """Scenarios whose fault this stack accepts."""
    undecided: Mapping[str, str] = field(default_factory=dict)
    """Scenarios where nothing that this stack sends shows the true cause, each with the reason;
    `NAME@1.2` for one version only."""
    shows_one: Mapping[str, str] = field(default_factory=dict)
    """Scenarios with several causes of which this stack shows only one, each with the reason."""
    skips: Mapping[str, str] = field(default_factory=dict)
    """Scenarios that cannot be staged with it, each with the reason."""
    versions: tuple[TlsVersion, ...] = VERSIONS
    speaks_both: bool = False
    """It always speaks TLS 1.3 too: for 1.2, the client's max_version is set to 1.2."""


def lacking(*programs: str) -> Callable[[], str]:
    """Return a check that names those of `programs` that are not installed."""

    def missing() -> str:
        absent = [name for name in programs if shutil.which(name) is None]
        return f"not installed: {', '.join(absent)}" if absent else ""

    return missing


def lacking_modules(*modules: str) -> Callable[[], str]:
    """Return a check that names those of `modules` that this Python cannot import."""

    def missing() -> str:
        absent = [name for name in modules if find_spec(name) is None]
        return f"not installed: {', '.join(absent)}" if absent else ""

    return missing


def with_clock(command: list[str], clock: str) -> list[str]:
    """Return `command` run with its time of day moved; its monotonic clock goes on as it is."""
    if not clock:
        return command
    # -m: every thread sees the same; DONT_FAKE_MONOTONIC: timers still fire.
    return ["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-m", "-f", clock, *command]


def days_ahead(clock: str) -> int:
    """Return what `clock` is in days, for runtimes whose clock is moved by a setting of theirs.

    Raises:
        ValueError: where it is not a difference in whole days.
    """
    if not clock:
        return 0
    if not clock.endswith("d"):
        raise ValueError(f"{clock} is not a difference in whole days")
    return int(clock[:-1])
