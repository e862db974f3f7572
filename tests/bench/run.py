"""`make bench`: every part in a process of its own, one after another, and one table at the end.

ONLY="fleet soak" chooses parts, QUICK=1 is a short form of two minutes, BLACKBOX= and
SSL_EXPORTER= name the peers' programs. Exit code 1: a figure is over its limit; 2: a part failed.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from tests.bench.figures import COLLECT, Figure, table

PARTS: Final = {
    "comparison": "CPU of an attempt against the peers', on the same work",
    "floor": "CPU of a bare attempt, by how bytes reach OpenSSL, and of the product's next to it",
    "steps": "instructions, Python calls, system calls and wake-ups of an attempt",
    "endings": "CPU of attempts that are refused, silently too, or find nobody",
    "footprint": "memory and start of a sidecar",
    "fleet": "10,000 targets in one process",
    "soak": "growth of memory over very many attempts",
    "telemetry_cost": "CPU of the probe's own spans",
}
"""The parts, and what each measures."""
ONLY_WHOLE: Final = ("fleet", "soak")
"""Parts that take longer than a short run may."""


def chosen() -> list[str]:
    """Return the parts to run.

    Raises:
        SystemExit: where ONLY names a part that does not exist.
    """
    only = os.environ.get("ONLY", "").split()
    if unknown := set(only) - set(PARTS):
        sys.exit(f"ONLY={' '.join(unknown)}: the parts are {', '.join(PARTS)}")
    quick = os.environ.get("QUICK", "0") not in {"", "0"}
    every = [part for part in PARTS if not (quick and part in ONLY_WHOLE)]
    return only or [part for part in every if Path(__file__).with_name(f"{part}.py").exists()]


def main() -> int:
    """Run the parts and print what they found."""
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        collected = Path(folder) / "figures.jsonl"
        collected.touch()
        for part in chosen():
            print(f"{part}: {PARTS[part]}", file=sys.stderr, flush=True)
            before = collected.read_bytes()
            command = [sys.executable, "-m", f"tests.bench.{part}"]
            environ = os.environ | {COLLECT: str(collected)}
            # The service within a part may log thousands of lines there.
            with (Path(folder) / "stderr").open("w+b") as log:
                ended = subprocess.run(command, env=environ, stderr=log, check=False).returncode
                if ended and collected.read_bytes() == before:
                    failed.append(part)
                    log.seek(0)
                    print(log.read()[-3000:].decode(errors="replace"), file=sys.stderr)
        figures = [
            msgspec.json.decode(line, type=Figure) for line in collected.read_bytes().splitlines()
        ]
    print(table(figures))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
        return 2
    return 0 if all(each.is_ok for each in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
