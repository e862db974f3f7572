"""An OTLP/gRPC backend on grpc-core (C++, BoringSSL) through its Python binding.

Usage: grpc_core_server.py [CERT_FILE KEY_FILE [CLIENT_CA_FILE]]; without files it serves without TLS.
It prints its port and answers every call with an empty message, as an Export response is.
"""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc


class EveryMethod(grpc.GenericRpcHandler):
    """Answers whatever is called."""

    def service(self, _call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """Return a handler of bytes: a request that it does not read, a response of no fields."""
        return grpc.unary_unary_rpc_method_handler(lambda _request, _context: b"")


def credentials(files: Sequence[str]) -> grpc.ServerCredentials:
    """Return the credentials that `files` make: certificate, key and client CA."""
    certificate, key, *trust = (Path(file).read_bytes() for file in files)
    return grpc.ssl_server_credentials(
        [(key, certificate)],
        root_certificates=trust[0] if trust else None,
        require_client_auth=bool(trust),
    )


def listen(server: grpc.Server, files: Sequence[str]) -> int:
    """Open a port of the system's choice and return it."""
    if not files:
        return int(server.add_insecure_port("127.0.0.1:0"))
    return int(server.add_secure_port("127.0.0.1:0", credentials(files)))


if __name__ == "__main__":
    backend = grpc.server(ThreadPoolExecutor(2), handlers=[EveryMethod()])
    port = listen(backend, sys.argv[1:])
    backend.start()
    sys.stdout.write(f"port {port}\n")
    sys.stdout.flush()
    backend.wait_for_termination()
