"""Every hostile peer of the table in one process: each on a port of its own, until it is stopped.

Usage: python -m tests.lab.hostile_peers FOLDER, which holds server.pem, server-key.pem and the
chains of tests.lab.hostile_certificates. It prints one line of JSON: the port of each by name.
"""

import json
import socket
import ssl
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.lab.hostile_certificates import CHAINS, authorities, write_chain
from tests.lab.hostile_speech import BEHAVIOURS, LONGEST, Behaviour

HOST: Final = "127.0.0.1"
TICKETS: Final = "tls-tickets"
AUTHORITIES: Final = "tls-authorities"
"""It names as many acceptable authorities as fit into a CertificateRequest."""
_SEND_BUFFER: Final = 65_536


def context(cert_file: Path, key_file: Path, alpn: str, *, tls12: bool = False) -> ssl.SSLContext:
    """Return a server's context for one application protocol."""
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.set_ciphers("DEFAULT:@SECLEVEL=0")
    found.load_cert_chain(cert_file, key_file)
    found.set_alpn_protocols([alpn])
    if tls12:
        found.maximum_version = ssl.TLSVersion.TLSv1_2
    return found


def serve(behaviour: Behaviour, tls: ssl.SSLContext | None) -> int:
    """Serve `behaviour` in threads of this process; return its port."""
    server = socket.create_server((HOST, 0), backlog=128)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)

    def one(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.settimeout(LONGEST)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True)
            connection.recv(65536)
            behaviour.speak(connection)
        with suppress(OSError):
            connection.close()

    def accept() -> None:
        while True:
            connection, _ = server.accept()
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(server.getsockname()[1])


def serve_all(folder: Path) -> dict[str, int]:
    """Serve every behaviour and every hostile chain; return their ports."""
    pair = folder / "server.pem", folder / "server-key.pem"
    ports: dict[str, int] = {}
    for behaviour in BEHAVIOURS:
        alpn = "http/1.1" if behaviour.http1 else "h2"
        inside = behaviour.over in {"tls", "tls1.2"}
        tls = context(*pair, alpn, tls12=behaviour.over == "tls1.2") if inside else None
        ports[behaviour.name] = serve(behaviour, tls)
    silent = next(one for one in BEHAVIOURS if one.name == "tls-silent")
    for kind in CHAINS:
        ports[f"certificates-{kind}"] = serve(silent, context(*write_chain(kind, folder), "h2"))
    many = context(*pair, "h2")
    many.num_tickets = 5000
    ports[TICKETS] = serve(silent, many)
    asks = context(*pair, "h2")
    asks.load_verify_locations(cadata=b"".join(authorities()).decode())
    asks.verify_mode = ssl.CERT_OPTIONAL
    ports[AUTHORITIES] = serve(silent, asks)
    return ports


if __name__ == "__main__":
    sys.stdout.write(json.dumps(serve_all(Path(sys.argv[1]))) + "\n")
    sys.stdout.flush()
    threading.Event().wait()
