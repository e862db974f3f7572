"""Runs each real exporter against servers that take one thing only: `make exporters`.

`measured/narrow.tsv` has a line for each server of `narrow_servers.py` and a column for each
exporter: `o` where the export arrived, `c` where it did not.
"""

import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.lab.credentials import LabPki
from tests.lab.exporters.measured_facts import FOLDER
from tests.lab.exporters.programs import PROGRAMS
from tests.lab.exporters.run import ExporterProcess
from tests.lab.narrow_servers import NARROW, narrow_servers
from tests.support.builds import NotBuiltError

FILE: Final = FOLDER / "narrow.tsv"


def read_narrow() -> dict[str, dict[str, bool]]:
    """Return by exporter whether its export arrived at each server."""
    if not FILE.exists():
        return {}
    head, *rows = (line.split("\t") for line in FILE.read_text(encoding="utf-8").splitlines())
    columns = zip(*rows, strict=True)
    servers = next(columns)
    return {
        exporter: {server: cell == "o" for server, cell in zip(servers, cells, strict=True) if cell}
        for exporter, cells in zip(head[1:], columns, strict=True)
    }


def export_to_each(exporter: str, ports: dict[str, int], ca_file: Path) -> dict[str, bool]:
    """Return whether an export of the real `exporter` arrives at each server.

    Raises:
        NotBuiltError: where it cannot be had here.
    """
    arrived: dict[str, bool] = {}
    process = ExporterProcess(PROGRAMS[exporter])
    try:
        for server, port in ports.items():
            asked = {"id": server, "kind": "files", "cert": "", "key": "", "ca": str(ca_file)}
            answer = process.ask(asked | {"endpoint": f"https://localhost:{port}"})
            arrived[server] = answer.outcome == "ok"
            if answer.outcome in {"abort", "hang"}:
                process.close()
                process = ExporterProcess(PROGRAMS[exporter])
    finally:
        process.close()
    return arrived


def main() -> int:
    """Measure each exporter that can be had here; what was measured of others stays."""
    measured = read_narrow()
    with tempfile.TemporaryDirectory(prefix="narrow-") as name:
        pki = LabPki(Path(name))
        with narrow_servers(Path(name), pki) as ports:
            for exporter in PROGRAMS:
                try:
                    arrived = export_to_each(exporter, ports, pki.server_ca_file)
                except NotBuiltError as error:
                    sys.stdout.write(f"{exporter}: not measured: {error}\n")
                    continue
                measured[exporter] = arrived
                sys.stdout.write(f"{exporter}: {sum(arrived.values())} of {len(arrived)} arrive\n")
    order = [each for each in PROGRAMS if each in measured]
    rows = ["\t".join(("server", *order))]
    for server in NARROW:
        cells = (measured[each].get(server) for each in order)
        rows.append("\t".join((server, *("" if c is None else "co"[c] for c in cells))))
    FILE.write_text("\n".join([*rows, ""]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
