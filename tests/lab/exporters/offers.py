"""Records the ClientHello of each real exporter: what the models of `exporters/` are compared with.

`measured/offers.json` has all of them with versions; `probe/exporters/recorded_offers.py` those that
have no rule of their own, written from it. Both come from `make exporters`.
"""

import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from probe.model.runtime import EXPORTERS
from probe.tls.client_hello import ClientHello, read_client_hello
from tests.lab.exporters.measured_facts import FOLDER
from tests.lab.exporters.programs import PROGRAMS
from tests.lab.exporters.run import ExporterProcess, clean_environment
from tests.support.builds import NotBuiltError

FILE: Final = FOLDER / "offers.json"
MODULE: Final = Path(__file__).parents[3] / "probe" / "exporters" / "recorded_offers.py"
TIMEOUT: Final = 30.0
GO: Final = ("collector", "collector-http", "go-grpc", "go-http")
"""Those whose offer follows from Go's rules; they are recorded to be compared with them."""
WIDTH: Final = 96

_READ_SIZE: Final = 65536


def record_hello(connect: Callable[[int], object]) -> ClientHello:
    """Return the ClientHello that `connect` sends to the port that it is given.

    Raises:
        TimeoutError: where none comes.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT)
        worker = threading.Thread(target=connect, args=(listener.getsockname()[1],), daemon=True)
        worker.start()
        connection, _ = listener.accept()
        data = b""
        with connection:
            connection.settimeout(TIMEOUT)
            while True:
                data += connection.recv(_READ_SIZE)
                try:
                    hello = read_client_hello(data)
                except ValueError:
                    if data[:1] != b"\x16" or len(data) > _READ_SIZE:
                        raise
                    continue
                break
    worker.join(TIMEOUT)
    return hello


def record_program(exporter: str) -> tuple[dict[str, str], ClientHello]:
    """Return the versions of a program of the lab and what it offers.

    Raises:
        NotBuiltError: where it cannot be had here.
    """
    process = ExporterProcess(PROGRAMS[exporter])

    def export(port: int) -> None:
        endpoint = f"https://localhost:{port}"
        process.ask(
            {"id": "offer", "kind": "files", "cert": "", "key": "", "ca": "", "endpoint": endpoint}
        )

    try:
        return process.versions, record_hello(export)
    finally:
        process.close()


def record_curl() -> tuple[dict[str, str], ClientHello]:
    """Return the version of the curl command and what it offers.

    Raises:
        NotBuiltError: where there is none.
    """
    curl = shutil.which("curl")
    if curl is None:
        raise NotBuiltError("curl is not installed")
    said = subprocess.run([curl, "--version"], capture_output=True, check=True, text=True).stdout
    words = said.split()
    openssl = next((word for word in words if word.startswith("OpenSSL/")), "")

    def connect(port: int) -> None:
        command = [curl, "-s", "-m", "10", f"https://localhost:{port}/"]
        subprocess.run(command, env=clean_environment(), stdout=subprocess.DEVNULL, check=False)

    return {"curl": words[1], "openssl": openssl.partition("/")[2]}, record_hello(connect)


RECORDERS: Final[Mapping[str, Callable[[], tuple[dict[str, str], ClientHello]]]] = {
    **{each: (lambda each=each: record_program(each)) for each in PROGRAMS},  # type: ignore[misc]
    "curl": record_curl,
}


def read_measured() -> dict[str, Any]:
    """Return what was recorded, by exporter: `versions`, `offer`, `alpn` and `size`."""
    if not FILE.exists():
        return {}
    measured: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return measured


def describe_hello(versions: Mapping[str, str], hello: ClientHello) -> dict[str, Any]:
    """Return what the file has of one exporter."""
    offer = msgspec.to_builtins(hello.offer)
    lists = {key: " ".join(value) for key, value in offer.items() if not isinstance(value, str)}
    return {
        "versions": dict(versions),
        "offer": offer | lists,
        "alpn": " ".join(hello.alpn),
        "size": hello.size,
    }


def write_module(measured: Mapping[str, Any]) -> None:
    """Write the offers that follow from no rule of ours into the product."""
    parts: dict[tuple[str, ...], str] = {}
    records = []
    for exporter, one in measured.items():
        if exporter in GO or exporter not in EXPORTERS:
            continue
        versions = ", ".join(f"{name} {version}" for name, version in one["versions"].items())
        fields = []
        for key, value in one["offer"].items():
            if key.endswith("version"):
                fields.append(f'{key}="{value}"')
                continue
            names = tuple(value.split())
            name = parts.setdefault(names, f"_{key.upper()}_{len(parts) + 1}")
            fields.append(f"{key}={name}")
        alpn = "".join(f'"{name}", ' for name in one["alpn"].split())
        records.append((exporter, versions, fields, f"({alpn.rstrip()})"))
    lines = [_HEAD]
    for names, name in parts.items():
        lines += [f"{name}: Final = (", *_wrap(names), ")  # fmt: skip"]
    lines += ["", "RECORDED: Final = {"]
    for exporter, versions, fields, _ in records:
        lines += [f"    # {versions}", f'    "{exporter}": ClientOffer(']
        lines += [*(f"        {field}," for field in fields), "    ),"]
    lines += ["}", '"""By runtime."""', "RECORDED_ALPN: Final[dict[str, tuple[str, ...]]] = {"]
    lines += [f'    "{exporter}": {alpn},' for exporter, _, _, alpn in records]
    lines += ["}", '"""By runtime, the application protocols."""', ""]
    MODULE.write_text("\n".join(lines), encoding="utf-8")


_HEAD: Final = '''"""What exporters that are not written in Go offered on the wire; `make exporters` writes this.

Recorded with the real ones. A test compares it with what was measured.
"""

from typing import Final

from probe.model.client_offer import ClientOffer
'''


def _wrap(names: tuple[str, ...]) -> list[str]:
    lines, line = [], "   "
    for name in names:
        if len(line) + len(name) + 4 > WIDTH:
            lines.append(line)
            line = "   "
        line += f' "{name}",'
    return [*lines, line]


def main() -> int:
    """Record each exporter that can be had here; what was recorded of others stays."""
    measured = read_measured()
    for exporter, record in RECORDERS.items():
        try:
            measured[exporter] = describe_hello(*record())
        except (NotBuiltError, TimeoutError) as error:
            sys.stdout.write(f"{exporter}: not recorded: {error}\n")
        else:
            sys.stdout.write(f"{exporter}: {measured[exporter]['size']} bytes\n")
    order = [each for each in RECORDERS if each in measured]
    kept = {each: measured[each] for each in order}
    FILE.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    write_module(kept)
    return 0


if __name__ == "__main__":
    sys.exit(main())
