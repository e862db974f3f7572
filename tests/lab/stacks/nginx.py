"""nginx: over HTTP it judges the certificate above TLS and answers 400; as a stream it closes."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from tests.lab.nginx import run_nginx
from tests.lab.servers import HOST
from tests.lab.stack import FAR_FROM_ITS_EDGE, Serving, Stack, lacking
from tests.support.ports import reserved_port

STREAM_MODULE: Final = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
_OTLP: Final = "default_type application/x-protobuf; return 200;"
# The empty message of gRPC is a file of five zero bytes; the answer to a POST is what it stands in
# for a 405, which is a GET of it.
_GRPC: Final = (
    "default_type application/grpc; location / {{ root {folder}; try_files /message =500; "
    "error_page 405 =200 /message; add_trailer grpc-status 0 always; }}"
)


def _tls(serving: Serving) -> str:
    lines = [
        f"ssl_certificate {serving.server.cert_file}",
        f"ssl_certificate_key {serving.server.key_file}",
        f"ssl_protocols TLSv{serving.tls}",
    ]
    if serving.client_ca_file is not None:
        lines += [
            f"ssl_client_certificate {serving.client_ca_file}",
            "ssl_verify_client on",
            "ssl_verify_depth 3",
        ]
    if serving.crl_file is not None:
        lines.append(f"ssl_crl {serving.crl_file}")
    return "".join(f"{line};\n" for line in lines)


def _http(
    answer: str, *, http2: bool = True
) -> Callable[[Path, Serving], AbstractContextManager[int]]:
    @contextmanager
    def start(folder: Path, serving: Serving) -> Iterator[int]:
        with reserved_port() as port:
            (folder / "message").write_bytes(bytes(5))
            listen = f"listen {HOST}:{port} ssl{' http2' if http2 else ''};"
            server = f"server {{ {listen} {_tls(serving)} {answer.format(folder=folder)} }}"
            with run_nginx(folder, port, http=server, clock=serving.clock):
                yield port

    return start


@contextmanager
def _stream(folder: Path, serving: Serving) -> Iterator[int]:
    with reserved_port() as port:
        behind = f"unix:{folder}/http.sock"
        stream = (
            f"stream {{ server {{ listen {HOST}:{port} ssl; ssl_alpn http/1.1; {_tls(serving)} "
            f"proxy_pass {behind}; }} }}"
        )
        load = f"load_module {STREAM_MODULE};\n" if STREAM_MODULE.exists() else ""
        server = f"server {{ listen {behind}; {_OTLP} }}"
        with run_nginx(folder, port, http=server, top=load + stream, clock=serving.clock):
            yield port


def _missing_stream() -> str:
    absent = lacking("nginx")()
    return absent or ("" if STREAM_MODULE.exists() else "not installed: libnginx-mod-stream")


_SILENT: Final = "it closes without an alert"
_LISTED: Final = "the list has names alone, and what nginx answers gives no reason"
_UNDECIDED: Final = {
    "rekeyed_ca": _LISTED,
    "rekeyed_ca_without_key_ids": _LISTED,
    "revoked": _LISTED,
    "expired_root_unseen": _LISTED,
}
_LETS_IN: Final = frozenset({"ca_as_end_entity"})  # OpenSSL's purposes let a CA be a client

NGINX_HTTP: Final = Stack(
    name="nginx-http",
    start=_http(_OTLP),
    missing=lacking("nginx"),
    lets_in=_LETS_IN,
    undecided=_UNDECIDED,
)
NGINX_HTTP1: Final = Stack(
    name="nginx-http1",
    start=_http(_OTLP, http2=False),
    missing=lacking("nginx"),
    lets_in=_LETS_IN,
    undecided=_UNDECIDED,
)
NGINX_GRPC: Final = Stack(
    name="nginx-grpc",
    start=_http(_GRPC),
    missing=lacking("nginx"),
    protocol="grpc",
    lets_in=_LETS_IN,
    undecided=_UNDECIDED,
)
NGINX_STREAM: Final = Stack(
    name="nginx-stream",
    start=_stream,
    missing=_missing_stream,
    lets_in=_LETS_IN,
    undecided={
        "rekeyed_ca": _LISTED,
        "rekeyed_ca_without_key_ids": _LISTED,
        "revoked": _SILENT,
        "expired_root_unseen": _SILENT,
        "backend_ten_days_ahead": _SILENT,
    },
    skips={"backend_ahead": FAR_FROM_ITS_EDGE},
)
