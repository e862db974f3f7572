"""Where receivers listen: what of it can be connected to from next to them, and who else can.

Pure. Go's net.Listen takes 0.0.0.0, [::] and no host at all for every address of both families.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from probe.model.finding import Finding
from probe.model.target import Endpoint
from probe.text.host_port import join_host_port, split_host_port
from probe.text.safe_text import safe_text

ANY_HOST: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  # read, not bound
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_LOOPBACK: Final = "127.0.0.1"
_IN_A_POD: Final = "KUBERNETES_SERVICE_HOST"
"""The kubelet sets it in every container."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One address that a component of a Collector listens on."""

    owner: str
    """What it is of, like `receivers.otlp.protocols.grpc`."""
    where: str
    """File and line of its endpoint."""
    host: str
    port: int

    @property
    def endpoint(self) -> Endpoint:
        """What a client on the same host connects to."""
        return Endpoint(_LOOPBACK if self.host in ANY_HOST else self.host, self.port)

    @property
    def is_local(self) -> bool:
        """Whether only clients on the same host (in a pod: of the same pod) reach it."""
        return self.host in _LOOPBACK_NAMES or self.host.startswith("127.")


def parse_listener(owner: str, where: str, text: str) -> Listener:
    """Read what a receiver listens on.

    Raises:
        ValueError: with the reason, where a Collector cannot listen on it.
    """
    host, port = split_host_port(text)
    # Go's net.Listen takes no blank around a port.
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65535):
        raise ValueError("is not host:port, which a receiver listens on")
    if host not in ANY_HOST:
        Endpoint.parse(join_host_port(host, port if int(port) else "1"))
    return Listener(owner, where, host.lower(), int(port))


def find_port_conflict(listener: Listener, others: Sequence[Listener]) -> Listener | None:
    """Return the first of `others` that cannot listen next to `listener`; None where all can."""
    if not listener.port:
        return None
    for other in others:
        if other is listener or other.port != listener.port:
            continue
        hosts = {_LOOPBACK if one == "localhost" else one for one in (listener.host, other.host)}
        if len(hosts) == 1 or hosts & ANY_HOST:
            return other
    return None


def remark_on_local(listener: Listener, environ: Mapping[str, str]) -> tuple[Finding, ...]:
    """Return the finding that a receiver in a pod listens for that pod alone."""
    if not listener.is_local or not environ.get(_IN_A_POD):
        return ()
    address = safe_text(join_host_port(listener.host, listener.port))
    return (
        Finding(
            cause="tcp_refused",
            fact=(
                f"{listener.where}: {listener.owner} listens on {address}, so only containers of "
                "the same pod reach it: exporters elsewhere are refused a connection"
            ),
            fix=(
                f"Write endpoint: ${{env:MY_POD_IP}}:{listener.port} (with MY_POD_IP from "
                f"status.podIP), or endpoint: 0.0.0.0:{listener.port}.",
                "If only this pod's containers export to it: nothing is to be done.",
            ),
        ),
    )
