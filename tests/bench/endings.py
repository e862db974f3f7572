"""CPU of an attempt by how it ends, against one that succeeds, in the running service.

Refused by an alert; refused silently, by a close, which makes the attempt a second handshake at TLS
1.2; and dead: nothing listens. The rate and the rounds are those of the comparison. Experiments,
which are hourly, are off.
"""

import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from operator import truediv
from pathlib import Path
from typing import Final

from tests.bench.backends import HOST, NAME, serving
from tests.bench.figures import Figure, Settings, show
from tests.bench.meters import cpu_seconds, get
from tests.bench.peers import RATE, run_targets
from tests.support.ports import reserved_port

ROUNDS: Final = 4
SECONDS: Final = 8.0
QUICK_ROUNDS: Final = 1
QUICK_SECONDS: Final = 3.0
WARM: Final = 3.0
LIMITS: Final = {"refused by an alert": 1.3, "refused silently": None, "dead": 0.2}
_ATTEMPTS: Final = re.compile(rb"^mtls_probe_attempts_total\{[^}]*\} ([0-9.e+]+)", re.MULTILINE)


def count_attempts(port: int) -> float:
    """Return how many attempts the service on `port` has made."""
    return sum(map(float, _ATTEMPTS.findall(get(port, "/metrics"))))


def measure_round(folder: Path, port: int, client: str, seconds: float, success: int) -> float:
    """Return the CPU seconds of an attempt at `port` with a client's files."""
    target = {
        "endpoint": f"https://{HOST}:{port}",
        "protocol": "grpc",
        "interval": "1s",
        "tls": {
            "ca_file": str(folder / "ca.crt"),
            "cert_file": str(folder / f"{client}.crt"),
            "key_file": str(folder / f"{client}.key"),
            "server_name_override": NAME,
        },
    }
    targets = [target | {"name": f"backend-{number}"} for number in range(RATE)]
    with ExitStack() as stack:
        pid, web = run_targets(stack, folder, targets, success=success, experiments=False)
        time.sleep(WARM)
        made = -count_attempts(web)
        spent = -cpu_seconds(pid)
        time.sleep(seconds)
        spent += cpu_seconds(pid)
        made += count_attempts(web)
    return spent / made


def measure(settings: Settings) -> Iterator[Figure]:
    """Yield CPU by ending."""
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if settings.quick else (ROUNDS, SECONDS)
    spent: dict[str, list[float]] = {name: [] for name in ("success", *LIMITS)}
    with ExitStack() as stack:
        accepting, closing = (
            Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in "12"
        )
        port, _ = stack.enter_context(serving(accepting))
        silent, _ = stack.enter_context(serving(closing, "grpc_core"))
        dead = stack.enter_context(reserved_port())
        for _ in range(rounds):
            for name, folder, where, client in (
                ("success", accepting, port, "tls"),
                ("refused by an alert", accepting, port, "stranger"),
                ("refused silently", closing, silent, "stranger"),
                ("dead", accepting, dead, "tls"),
            ):
                success = int(name == "success")
                spent[name].append(measure_round(folder, where, client, seconds, success))
    yield Figure("attempt: success", statistics.median(spent["success"]) * 1e6, "us")
    for name, limit in LIMITS.items():
        ratio = statistics.median(map(truediv, spent[name], spent["success"]))
        cost = statistics.median(spent[name]) * 1e6
        yield Figure(f"attempt: {name}", cost, "us", "this : success", ratio, limit)


if __name__ == "__main__":
    sys.exit(show(measure))
