"""What the exporter makes of a server's certificates as of another moment than the attempt's.

The certificates are those that the server sent in the attempt; only the dates are judged anew.
"""

from probe.model.certificate import CertificateFacts
from probe.model.path_fault import PathFault
from probe.model.record import Record


class RuntimePath(Record, frozen=True):
    """What another kind of exporter makes of the server's certificates: trusted without a fault."""

    runtime: str
    faults: tuple[PathFault, ...] = ()


class LaterJudgement(Record, frozen=True):
    """The judgement of a server's certificates as of `at`, as a handshake then would record it."""

    at: float
    """Epoch seconds; it may be before the attempt, too."""
    attempted_at: float
    """When the attempt itself began."""
    path_faults: tuple[PathFault, ...] = ()
    server_verified: bool = False
    verified_paths: tuple[tuple[str, ...], ...] = ()
    used_anchors: tuple[CertificateFacts, ...] = ()
    other_paths: tuple[RuntimePath, ...] = ()
    """What exporters of other runtimes make of them, where it differs."""
    seen: bool = False
    """Whether the server sent any certificate: otherwise nothing was judged."""
