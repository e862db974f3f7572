"""Connects to the first of several addresses that takes a connection.

They are tried in order, and share the time that is left.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from probe.attempt.open_socket import dial
from probe.attempt.own_time import OwnTime
from probe.model.evidence import ConnectTry, Ending


@dataclass(frozen=True, slots=True)
class Connected:
    """A connected socket, the caller's to close, or why there is none."""

    outcome: socket.socket | Ending
    tries: tuple[ConnectTry, ...]
    address: str = ""
    """The address that took the connection."""
    round_trip: float = 0.0
    """Seconds that connecting to it took."""


async def connect_first(
    addresses: Sequence[str], port: int, deadline: float, own: OwnTime
) -> Connected:
    """Try `addresses` in order until one connects.

    Args:
        addresses: at least one.
        port: of all of them.
        deadline: monotonic seconds.
        own: measures what this process itself loses of its time.
    """
    tries: list[ConnectTry] = []
    failures: list[tuple[str, Ending]] = []
    for index, address in enumerate(addresses):
        share = (deadline - monotonic()) / (len(addresses) - index)
        began = monotonic()
        own.act()
        outcome = await dial(address, port, began + share)
        if isinstance(outcome, socket.socket):
            tries.append(ConnectTry(address=address))
            return Connected(outcome, tuple(tries), address, monotonic() - began)
        outcome = own.judge(outcome, shares=len(addresses))
        tries.append(ConnectTry(address=address, error=outcome.detail))
        failures.append((address, outcome))
    return Connected(_decisive(failures), tuple(tries))


def _decisive(failures: Sequence[tuple[str, Ending]]) -> Ending:
    """Return why no address connected: the last reason over IPv4, else the last.

    Where this process was the reason at one of them, that address was not tried.
    """
    ours = [ending for _, ending in failures if ending.kind == "probe_fault"]
    over_ipv4 = [ending for address, ending in failures if ":" not in address]
    return (ours or over_ipv4 or [ending for _, ending in failures])[-1]
