"""CPU of one attempt, by program: the probe, a bare attempt, `openssl s_time`, and the exporters.

One nginx, a hundred attempts a second, each program alone in its turn, in every round; the figure
is the median of the rounds' CPU of the whole process by the connections that nginx took meanwhile,
a ratio the median of the rounds' ratios.
At this rate caches are cold between attempts, as they are in a service. A program begins anew in
each round and runs for a while before it is measured, because the probe may not be suspended: its
first attempts ask more than those that follow (experiments, what is kept of a target).
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from operator import truediv
from pathlib import Path
from typing import Final

from tests.bench.backends import Site, nginx_site
from tests.bench.figures import Figure, Settings, show
from tests.bench.meters import cpu_seconds
from tests.bench.peers import RATE, Peer, choose_peers

ROUNDS: Final = 4
SECONDS: Final = 8.0
QUICK_ROUNDS: Final = 2
QUICK_SECONDS: Final = 3.0
WARM: Final = 6.0
LEAST: Final = 0.95 * RATE
"""Attempts a second below which a round does not count."""
OURS: Final = "mtls-probe, HTTP/1.1"
LIMITS: Final = {
    "bare attempt, HTTP/1.1": 1.25,
    "openssl s_time": 1.9,
    "blackbox_exporter, HTTP/1.1": 0.75,
    "blackbox_exporter, TLS": 0.95,
    "ssl_exporter, TLS": 1.05,
}
"""What an attempt may cost at most, as a multiple of the peer's."""


def measure_round(site: Site, peer: Peer, seconds: float, least: float = LEAST) -> float:
    """Return the CPU seconds of one attempt.

    Raises:
        SystemExit: where fewer than `least` attempts were made in a second.
    """
    with ExitStack() as stack:
        pid = peer(site, stack)
        time.sleep(WARM)
        spent, taken, began = -cpu_seconds(pid), -site.connections(), time.monotonic()
        time.sleep(seconds)
        spent += cpu_seconds(pid)
        taken += site.connections()
        if taken < least * (time.monotonic() - began):
            sys.exit(f"{taken} attempts in {seconds:g} s: the machine is too busy to measure")
    return spent / taken


def measure(settings: Settings) -> Iterator[Figure]:
    """Yield CPU by program, those of the peers with the ratio of ours to theirs."""
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if settings.quick else (ROUNDS, SECONDS)
    peers = choose_peers(settings)
    spent: dict[str, list[float]] = {name: [] for name in peers}
    with tempfile.TemporaryDirectory() as folder, nginx_site(Path(folder)) as site:
        for _ in range(rounds):
            for name, peer in peers.items():
                spent[name].append(measure_round(site, peer, seconds))
    for name, costs in spent.items():
        ratio = statistics.median(map(truediv, spent[OURS], costs)) if name in LIMITS else None
        sides = f"{OURS} : this" if ratio else ""
        yield Figure(name, statistics.median(costs) * 1e6, "us", sides, ratio, LIMITS.get(name))


if __name__ == "__main__":
    sys.exit(show(measure))
