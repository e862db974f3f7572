"""What one kind of exporter makes of the certificates that a server sends: the models' contract.

Each runtime's module puts its model into the registry that `verify_path` is given; a model is
pure, total on whatever a peer sends, and bounded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from probe.model.path_fault import PathFault


class Anchors(Protocol):
    """Trust anchors, by content: equal digests mean the same anchors (x509/anchors.py)."""

    @property
    def digest(self) -> str:
        """Names what is held."""
        ...


@dataclass(frozen=True, slots=True)
class PathRequest:
    """What is to be judged: a chain as it was sent, by whose anchors, for which name, when."""

    chain: tuple[bytes, ...]
    """DER, in the server's order; the end entity is the first."""
    anchors: Anchors
    reference: str
    """The reference identifier: a DNS name, or an IP address without brackets."""
    at: float
    """Epoch seconds."""
    of_client: bool = False
    """Whether it is a client's chain that a server judges: then no name counts. Only Go's model
    has that side."""


@dataclass(frozen=True, slots=True)
class PathVerdict:
    """What a runtime decides: trusted where there is no fault."""

    faults: tuple[PathFault, ...] = ()
    """The first is the one that the runtime reports; further ones would each stop it as well."""
    paths: tuple[tuple[str, ...], ...] = ()
    """Each verified path by the SHA-256 of its certificates' DER, in hex, the end entity first."""
    anchored: tuple[str, ...] = ()
    """SHA-256 of the anchors that the verified paths end in."""
    constant_until: float = 0.0
    """Epoch seconds until which the verdict cannot change by time alone."""


Verifier = Callable[[PathRequest], PathVerdict]


def verify_path(
    verifiers: Mapping[str, Verifier], runtime: str, request: PathRequest
) -> PathVerdict:
    """Return what `runtime` decides about `request`.

    Raises:
        KeyError: where there is no model of `runtime`.
    """
    return verifiers[runtime](request)
