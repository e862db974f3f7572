"""Sends one OTLP request per case as Python's OTLP exporters do, and answers what came of it.

Reads what chains-server writes, JSON lines {"id", "anchors", "name", "port"}; answers
{"id", "outcome", "text"}. `http` is opentelemetry-exporter-otlp-proto-http's transport over
requests, `grpc` is grpcio's secure channel, both given the anchors as a `certificate_file`.
Only where they connect to is changed: the case's port on this machine.
"""

import argparse
import base64
import concurrent.futures
import ipaddress
import json
import os
import re
import ssl
import sys
import tempfile
from pathlib import Path
from typing import Any

Case = dict[str, Any]
Answer = tuple[str, str]
_TIMEOUT_SECONDS = 8


def _pem(case: Case) -> bytes:
    """Return the case's anchors as an exporter's file holds them."""
    ders = [base64.b64decode(anchor) for anchor in case["anchors"]]
    return "".join(ssl.DER_cert_to_PEM_cert(der) for der in ders).encode()


def _bracketed(name: str) -> str:
    try:
        return f"[{name}]" if ipaddress.ip_address(name).version == 6 else name
    except ValueError:
        return name


def send_over_http(case: Case) -> Answer:
    """Post with the transport of Python's OTLP/HTTP exporter."""
    from opentelemetry.exporter.http.transport._requests import RequestsHTTPTransport

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ca.pem"
        file.write_bytes(_pem(case))
        transport = RequestsHTTPTransport(verify=str(file))
        result = transport.request(
            "POST",
            f"https://{_bracketed(case['name'])}:{case['port']}/v1/traces",
            headers={"Content-Type": "application/x-protobuf"},
            timeout=_TIMEOUT_SECONDS,
            data=b"",
        )
        transport.close()
    if result.error is None:
        return "accepted", ""
    return "refused", _innermost(result.error)


def _innermost(error: BaseException) -> str:
    found: list[str] = re.findall(r"Error\((?:\d+, )?[\"'](.*?)[\"']\)", str(error))
    return found[-1] if found else str(error)[:300]


def connect_to_this_machine() -> None:
    """Let urllib3 connect to this machine, whatever the name, and trust nothing but `verify`."""
    # requests prefers these variables to a session's own `verify`.
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        os.environ.pop(variable, None)
    from urllib3.util import connection

    connect = connection.create_connection

    def redirected(address: tuple[str, int], *rest: Any, **options: Any) -> Any:
        return connect(("127.0.0.1", address[1]), *rest, **options)

    connection.create_connection = redirected  # type: ignore[assignment]


def send_over_grpc(case: Case) -> Answer:
    """Call with a channel as Python's OTLP/gRPC exporter makes it."""
    import grpc

    # The name that is judged takes the same way through grpc-core as one that was resolved.
    options = [("grpc.ssl_target_name_override", case["name"]), ("grpc.enable_retries", 0)]
    credentials = grpc.ssl_channel_credentials(_pem(case))
    with grpc.secure_channel(f"127.0.0.1:{case['port']}", credentials, options) as channel:
        call = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        try:
            call(b"", timeout=_TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            text = str(error.details())  # type: ignore[attr-defined]
            return "refused", re.sub(r"ipv4:127\.0\.0\.1:\d+: ", "", text)[:400]
    return "accepted", ""


def main() -> None:
    """Answer each case of standard input, in any order."""
    parser = argparse.ArgumentParser()
    parser.add_argument("client", choices=["http", "grpc"])
    parser.add_argument("--versions", action="store_true")
    arguments = parser.parse_args()
    if arguments.versions:
        sys.stdout.write(json.dumps(versions()) + "\n")
        return
    if arguments.client == "http":
        connect_to_this_machine()
    send = send_over_http if arguments.client == "http" else send_over_grpc
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        pending = ((case["id"], pool.submit(send, case)) for case in map(json.loads, sys.stdin))
        window: list[tuple[str, concurrent.futures.Future[Answer]]] = []
        for entry in pending:
            window.append(entry)
            if len(window) >= 8:
                _print(*window.pop(0))
        for entry in window:
            _print(*entry)


def versions() -> dict[str, str]:
    """Return what was measured."""
    from importlib.metadata import version

    names = ["opentelemetry-exporter-otlp-proto-http", "requests", "urllib3", "grpcio"]
    found = {name: version(name) for name in names}
    return {"python": sys.version.split()[0], "openssl": ssl.OPENSSL_VERSION, **found}


def _print(case_id: str, answer: concurrent.futures.Future[Answer]) -> None:
    outcome, text = answer.result()
    answer_line = json.dumps({"id": case_id, "outcome": outcome, "text": text})
    sys.stdout.write(answer_line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
