"""Records what the clients of Node, bun, deno and Rust print for every fault.

`python -m tests.lab.messages.javascript.record CLIENTS FAULTS.json CORPUS_FOLDER [NAME …]`

CLIENTS is a folder outside the repository in which npm has installed what `CLIENTS` below names,
each in its own folder; `messages` there is the program that cargo makes of `rust/`.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
TIMEOUT: Final = 12.0
MOST: Final = 4000


@dataclass(frozen=True)
class Client:
    """One client: its corpus, its name with version, how it is started, and its exporter's id.

    `home` is the folder with its node_modules. Where it speaks HTTP/2, a backend with h2 is right.
    """

    corpus: str
    name: str
    command: Sequence[str]
    home: str
    runtime: str = ""
    http2: bool = False
    opaque: str = ""
    """What it prints of every fault of the connection alike, which is not kept."""


NODE24: Final = "node24/node_modules/node/bin/node"
NODE22: Final = "node22/node_modules/node/bin/node"
NODE20: Final = "node"
BUN: Final = "bun/node_modules/bun/bin/bun.exe"
DENO: Final = "deno/node_modules/deno/deno"
DENO_RUN: Final = (DENO, "run", "-A", "--no-lock", "--node-modules-dir=manual")

CLIENTS: Final = (
    Client("node_https", "node 24.21.0 https", (NODE24, "node_https.js", ""), "node24"),
    Client(
        "node_https",
        "node 24.21.0 https, uncaught",
        (NODE24, "node_https.js", "uncaught"),
        "node24",
    ),
    Client("node_https", "node 22.23.3 https", (NODE22, "node_https.js", ""), "node24"),
    Client("node_https", "node 20.20.2 https", (NODE20, "node_https.js", ""), "node24"),
    Client(
        "node_fetch",
        "undici 8.13.1 fetch on node 24",
        (NODE24, "node_fetch.js", ""),
        "undici8",
        http2=True,
    ),
    Client(
        "node_fetch",
        "undici 8.13.1 request on node 24",
        (NODE24, "node_fetch.js", "request"),
        "undici8",
        http2=True,
    ),
    Client("node_fetch", "undici 7.30.2 fetch on node 20", (NODE20, "node_fetch.js", ""), "node24"),
    Client("node_fetch", "undici 7.30.2, messages", (NODE22, "node_fetch.js", "message"), "node24"),
    Client("node_http2", "node 24.21.0 http2", (NODE24, "node_http2.js", ""), "node24", http2=True),
    Client(
        "grpc_js", "grpc-js 1.14.7 on node 24", (NODE24, "grpc_js.js", ""), "node24", http2=True
    ),
    Client(
        "grpc_js",
        "grpc-js 1.14.7 on node 20, message",
        (NODE20, "grpc_js.js", "message"),
        "node24",
        http2=True,
    ),
    Client("grpc_js", "grpc-js 1.14.7 on bun 1.4.5", (BUN, "grpc_js.js", ""), "node24", http2=True),
    Client("node_libraries", "axios 1.x on node 24", (NODE24, "libraries.js", "axios"), "otel"),
    Client(
        "node_libraries", "axios 1.x, message", (NODE20, "libraries.js", "axios-message"), "otel"
    ),
    Client(
        "node_libraries", "node-fetch 2 on node 24", (NODE24, "libraries.js", "node-fetch"), "otel"
    ),
    Client("node_libraries", "got 14 on node 24", (NODE24, "libraries.js", "got"), "otel"),
    Client(
        "otlp_node",
        "OTLP http/protobuf 0.223.1 on node 24",
        (NODE24, "otlp.js", "proto"),
        "otel",
        "node-http",
    ),
    Client(
        "otlp_node",
        "OTLP http/protobuf 0.223.1 on node 20",
        (NODE20, "otlp.js", "proto"),
        "otel",
        "node-http",
    ),
    Client(
        "otlp_node",
        "OTLP grpc 0.223.1 on node 24",
        (NODE24, "otlp.js", "grpc"),
        "otel",
        "node-grpc",
        http2=True,
    ),
    Client(
        "otlp_node",
        "OTLP grpc 0.223.1 on node 20",
        (NODE20, "otlp.js", "grpc"),
        "otel",
        "node-grpc",
        http2=True,
    ),
    Client(
        "otlp_node", "OTLP http/protobuf 0.223.1 on bun 1.4.5", (BUN, "otlp.js", "proto"), "otel"
    ),
    Client(
        "otlp_node", "OTLP grpc 0.223.1 on bun 1.4.5", (BUN, "otlp.js", "grpc"), "otel", http2=True
    ),
    Client("bun", "bun 1.4.5 fetch", (BUN, "bun_fetch.ts", ""), "node24"),
    Client("bun", "bun 1.4.5 https", (BUN, "node_https.js", ""), "node24"),
    Client("deno", "deno 2.9.6 fetch", (*DENO_RUN, "deno_fetch.mts", ""), "node24", http2=True),
    Client(
        "deno",
        "deno 2.9.6 fetch, uncaught",
        (*DENO_RUN, "deno_fetch.mts", "uncaught"),
        "node24",
        http2=True,
    ),
    Client(
        "temporal",
        "temporal 1.24.0 (tonic) on node 24",
        (NODE24, "temporal.js", ""),
        "temporal",
        http2=True,
    ),
    Client(
        "rust",
        "opentelemetry-otlp 0.33.1, tonic",
        ("messages", "tonic"),
        "",
        "rust-tonic",
        http2=True,
    ),
    Client(
        "rust",
        "opentelemetry-otlp 0.33.1, reqwest",
        ("messages", "reqwest"),
        "",
        "rust-reqwest",
        opaque="HTTP export failed: network error",
    ),
    Client("rust", "reqwest 0.13.5, rustls 0.23.46", ("messages", "rustls"), ""),
    Client("rust", "reqwest 0.13.5, native-tls 0.2.18", ("messages", "native"), ""),
)


def run(client: Client, fault: Mapping[str, Any], clients: Path) -> str:
    """Return what `client` prints when it meets `fault`."""
    home = clients / client.home
    program, *rest = client.command
    command = [str(clients / program) if (clients / program).exists() else program]
    endpoint = fault["url"].rstrip("/")
    files = [endpoint, fault["ca"], fault["cert"], fault["key"]]
    if program == "messages":
        command += [*rest, *files]
    else:
        *options, driver, way = rest
        # Node looks for modules next to the driver.
        driver_copy = home / driver
        driver_copy.write_text((HERE / driver).read_text())
        command += [*options, str(driver_copy), *files, way]
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=False,
            cwd=home,
            env={
                "PATH": os.environ["PATH"],
                "HOME": "/nonexistent",
                "NO_COLOR": "1",
                "DENO_DIR": "/tmp/deno",
            },
            user="nobody" if fault["as_another_user"] else None,
        )
    except subprocess.TimeoutExpired as late:
        return clean((late.output or b"").decode(errors="replace"), clients)
    return clean(ended.stdout, clients)


def clean(text: str, clients: Path) -> str:
    """Return `text` without the paths of this machine."""
    for folder in (str(clients), str(HERE), str(clients.parent)):
        text = re.sub(
            re.escape(folder) + r"(?:/(?:node24|undici8|otel|temporal|faults))?(?=/)",
            "/srv/app",
            text,
        )
    return text.strip()[:MOST]


def records(
    client: Client, faults: Mapping[str, Any], clients: Path
) -> Iterator[Mapping[str, Any]]:
    """Give one record of `client` per fault that it notices."""
    for name, fault in faults.items():
        if name == "ok" or (name == "alpn_h2" and client.http2):
            continue
        text = run(client, fault, clients)
        if (
            not text
            or re.search(r"^answer |ExportSucceeded", text, re.MULTILINE)
            or (client.opaque and client.opaque in text)
        ):
            sys.stderr.write(f"  {name}: {text[:60] or 'nothing'}\n")
            continue
        yield {
            "id": f"{client.name} {name}",
            "client": client.name,
            "runtime": client.runtime,
            "fault": name,
            "side": "exporter",
            "cause": fault["cause"],
            "also": fault["also"],
            "text": text,
        }


def main() -> None:
    """Record the clients whose corpus is named, or all."""
    clients, faults, folder, *named = sys.argv[1:]
    listed = json.loads(Path(faults).read_text())
    for corpus in dict.fromkeys(client.corpus for client in CLIENTS):
        if named and corpus not in named:
            continue
        with (Path(folder) / f"{corpus}.jsonl").open("w") as written:
            for client in CLIENTS:
                if client.corpus == corpus:
                    sys.stderr.write(f"{client.name}\n")
                    for record in records(client, listed, Path(clients)):
                        written.write(json.dumps(record, ensure_ascii=False) + "\n")
                        written.flush()


if __name__ == "__main__":
    main()
