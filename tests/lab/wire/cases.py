"""Exporter settings that decide what a backend sees: endpoints, names, paths, headers, versions."""

from typing import Any, Final

from tests.lab.credentials import LabPki
from tests.lab.wire.collector_exporters import Case

ENDPOINTS: Final[dict[str, str]] = {
    "otlp_grpc/scheme": "https://localhost:{tls}",
    "otlp_grpc/stripped": "http://localhost:{tls}",
    "otlp_grpc/dns": "dns:///localhost:{tls}",
    "otlp_grpc/dns in capitals": "DNS:///localhost:{tls}",
    "otlp_grpc/passthrough": "passthrough://x/localhost:{tls}",
    "otlp_grpc/capitals": "LOCALHOST:{tls}",
    "otlp_grpc/no host": ":{tls}",
    "otlp_grpc/address": "127.0.0.1:{tls}",
    "otlp_http/scheme in capitals": "HTTPS://localhost:{tls}",
    "otlp_http/plain in mixed case": "HtTp://localhost:{plain}",
    "otlp_http/capitals": "https://LOCALHOST:{tls}",
    "otlp_http/space": "https://localhost:{tls}/a b",
    "otlp_http/encoded": "https://localhost:{tls}/a%20b%2Fc",
    "otlp_http/not ascii": "https://localhost:{tls}/ä",
    "otlp_http/query": "https://localhost:{tls}/x?token=1",
    "otlp_http/fragment": "https://localhost:{tls}/x#fragment",
    "otlp_http/dots": "https://localhost:{tls}/a/../b/./c//d",
    "otlp_http/signs": "https://localhost:{tls}/a;b=c&d|e^f{g}h'i\"j<k>l`m[n]",
    "otlp_http/user": "https://us%20er:pa%3Ass@localhost:{tls}/",
}
SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "otlp_grpc/authority": {"endpoint": "127.0.0.1:{tls}", "authority": "localhost:99"},
    "otlp_http/http1": {"force_attempt_http2": False},
    "otlp_http/http2 after all": {
        "force_attempt_http2": False,
        "http2_read_idle_timeout": "10s",
    },
    "otlp_http/no keep-alive": {"disable_keep_alives": True},
    "otlp_grpc/waits": {"wait_for_ready": True, "balancer_name": "pick_first"},
}
TLS: Final[dict[str, dict[str, Any]]] = {
    "otlp_grpc/name with port": {"server_name_override": "localhost:4317"},
    "otlp_grpc/name is address": {"server_name_override": "127.0.0.1"},
    "otlp_grpc/unverified": {"server_name_override": "a.example", "insecure_skip_verify": True},
    "otlp_http/name": {"server_name_override": "localhost"},
    "otlp_http/old": {"max_version": "1.2"},
    "otlp_http/new": {"min_version": "1.3"},
    "otlp_grpc/groups": {"curve_preferences": ["P384", "P256"]},
    "otlp_grpc/suites": {
        "max_version": "1.2",
        "cipher_suites": ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"],
    },
}
HEADERS: Final[dict[str, Any]] = {
    "two of one name": [{"name": "X-A", "value": "1"}, {"name": "x-a", "value": "2"}],
    "binary": {"x-data-bin": "aGk="},
    "media type": {"Content-Type": "text/plain", "User-Agent": "other/1"},
    "grpc": {"grpc-foo": "x", "grpc-timeout": "1S", "grpc-previous-rpc-attempts": "3"},
    "host": {"Host": "other.example"},
    "host in small letters": {"host": "other.example:12"},
    "connection": {"Connection": "close", "Keep-Alive": "timeout=5", "Proxy-Connection": "y"},
    "framing": {"Transfer-Encoding": "chunked", "Trailer": "X", "TE": "x"},
    "cookie": {"Cookie": "a=b; c=d"},
    "spaces": {"x-sp": "  a b  ", "x-empty": ""},
    "expect": {"Expect": "100-continue", "Date": "y", "HTTP2-Settings": "z"},
}
"""Each is sent over gRPC, over HTTP/2 and over HTTP/1.1."""


def list_cases(pki: LabPki) -> list[Case]:
    """Return every case; each has a client certificate, but where there is no TLS."""
    pair = {"cert_file": str(pki.client.cert_file), "key_file": str(pki.client.key_file)}
    tls = {"ca_file": str(pki.server_ca_file), **pair}

    def default(id_: str) -> dict[str, Any]:
        host = "localhost:{tls}"
        return {"endpoint": f"https://{host}" if id_.startswith("otlp_http") else host, "tls": tls}

    cases = [Case(id_, {"endpoint": text, "tls": tls}) for id_, text in ENDPOINTS.items()]
    cases += [Case(id_, {**default(id_), **more}) for id_, more in SETTINGS.items()]
    cases += [Case(id_, {**default(id_), "tls": {**tls, **more}}) for id_, more in TLS.items()]
    for name, headers in HEADERS.items():
        for id_, more in (
            (f"otlp_grpc/{name}", {}),
            (f"otlp_http/{name}", {}),
            (f"otlp_http/1 {name}", {"force_attempt_http2": False}),
        ):
            cases.append(Case(id_, {**default(id_), "headers": headers, **more}))
    # The Collector takes no space in an id.
    return [Case(case.id.replace(" ", "_"), case.settings) for case in cases]
