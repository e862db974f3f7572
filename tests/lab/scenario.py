"""A scenario of the lab: a decorated function whose docstring says what is wrong.

The function takes the `Workshop` and returns the `Staging`: the files of both sides. One scenario
runs against every stack, at TLS 1.2 and 1.3. The expected verdict follows from its `truth` and from
what the stack is known to accept or to leave undecided.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.lab.credentials import LabPki, Pair
from tests.lab.stack import Serving, TlsVersion

CONFIRMED: Final = "confirmed"


@dataclass(frozen=True, slots=True)
class Staging:
    """What a scenario needs: the client's files, and how the backend differs from a correct one."""

    client: Pair | None
    server: Pair | None = None
    """None: the right one."""
    client_ca_file: Path | None = None
    """None: the right client CA."""
    asks: bool = True
    """Whether the backend demands a client certificate at all."""
    clock: str = ""
    """The backend's clock, as faketime's argument."""
    crl_file: Path | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    """Fields of the client's TlsSettings that differ."""

    def serving(self, pki: LabPki, tls: TlsVersion) -> Serving:
        """Return the settings of the backend."""
        ca_file = self.client_ca_file or pki.client_ca_file
        return Serving(
            tls=tls,
            server=self.server or pki.server,
            client_ca_file=ca_file if self.asks else None,
            clock=self.clock,
            crl_file=self.crl_file,
        )


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fault (or none), staged by `build`; `truth` are the causes that it really has.

    Where there are several, each would stop the exporter by itself: any of them may be primary,
    as the stack's alert has it, and the others are in `also`.
    """

    name: str
    says: str
    truth: tuple[str, ...]
    build: Callable[[LabPki], Staging]
    versions: tuple[TlsVersion, ...]
    once: bool
    """The stack does not matter: it runs with the first one that is installed."""


SCENARIOS: Final[dict[str, Scenario]] = {}
"""By name, in the order of declaration; filled by importing tests.lab.scenarios."""


def scenario(
    *truth: str, versions: tuple[TlsVersion, ...] = ("1.2", "1.3"), once: bool = False
) -> Callable[[Callable[[LabPki], Staging]], Callable[[LabPki], Staging]]:
    """Declare the decorated function a scenario whose true causes are `truth`."""

    def declare(build: Callable[[LabPki], Staging]) -> Callable[[LabPki], Staging]:
        name = build.__name__
        assert build.__doc__, f"scenario {name} must say what is wrong"
        assert name not in SCENARIOS, f"two scenarios are called {name}"
        SCENARIOS[name] = Scenario(
            name, build.__doc__, truth or (CONFIRMED,), build, versions, once
        )
        return build

    return declare
