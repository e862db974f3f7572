"""Answers of a real nginx, in front of or instead of a backend, after an accepted handshake."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from probe.model.target import Endpoint, Secret
from tests.lab import peers
from tests.lab.credentials import LabPki
from tests.lab.nginx import run_nginx
from tests.lab.observation import observe, target
from tests.lab.servers import HOST
from tests.lab.stack import lacking
from tests.support.ports import reserved_port
from tests.support.required_tools import missing

UNKNOWN_NAME: Final = """
server {{ listen {host}:{port} ssl default_server; ssl_reject_handshake on; }}
"""
MISSING_CERTIFICATE: Final = """
server {{ listen {host}:{port} ssl; ssl_certificate {folder}/$ssl_server_name.crt;
  ssl_certificate_key {folder}/$ssl_server_name.key; }}
"""
ANSWER: Final = """
server {{ listen {host}:{port} ssl http2; ssl_certificate {pki.server.cert_file};
  ssl_certificate_key {pki.server.key_file}; ssl_client_certificate {pki.client_ca_file};
  ssl_verify_client on; default_type {media}; return {status} "{text}"; }}
"""
ONLY_ONE_NAME: Final = """
server {{ listen {host}:{port} ssl http2; ssl_certificate {pki.server.cert_file};
  ssl_certificate_key {pki.server.key_file}; ssl_client_certificate {pki.client_ca_file};
  ssl_verify_client on; if ($ssl_client_s_dn != "CN=gateway") {{ return 403; }} return 200; }}
"""
IN_CLEAR: Final = """
server {{ listen {host}:{port}; return 200; }}
"""


@pytest.fixture
def nginx(tmp_path: Path, pki: LabPki) -> Iterator["Nginx"]:
    """A function that runs nginx with one server and returns its port."""
    if absent := lacking("nginx")():
        missing(absent)
    with Nginx(tmp_path, pki).running() as one:
        yield one


class Nginx:
    """An nginx of one process, whose server is configured later."""

    def __init__(self, folder: Path, pki: LabPki) -> None:
        """Keep everything in `folder`."""
        self.folder = folder
        self.pki = pki
        self._running = ExitStack()

    @contextmanager
    def running(self) -> Iterator["Nginx"]:
        """End what `serve` started when the test is over."""
        with self._running:
            yield self

    def serve(self, server: str, **values: object) -> int:
        """Run nginx with `server` in its http section; return the port."""
        port = self._running.enter_context(reserved_port())
        values = {"host": HOST, "port": port, "folder": self.folder, "pki": self.pki, **values}
        text = server.format(**values)
        self._running.enter_context(run_nginx(self.folder, port, http=text))
        return port


@pytest.mark.parametrize(
    ("status", "text", "cause"),
    [
        (401, "who are you", "otlp_unauthenticated"),
        (404, "no such path", "otlp_not_served"),
        (405, "not this method", "otlp_not_served"),
        (429, "too many", "otlp_throttled"),
        (503, "come back later", "otlp_unavailable"),
        (400, "cannot parse the request", "otlp_rejected"),
        (500, "open /var/lib/otel/data: no space left on device", "otlp_storage_failure"),
        (500, "mkdir /data: read-only file system", "otlp_storage_failure"),
    ],
)
def test_an_answer_without_success_has_its_cause(
    nginx: Nginx, pki: LabPki, status: int, text: str, cause: str
) -> None:
    """TLS and the certificate are proven; the HTTP status and its words say what is wrong."""
    port = nginx.serve(ANSWER, status=status, text=text, media="text/plain")
    _, diagnosis = observe(target(pki, port, pki.client, protocol="http/protobuf"))
    assert (diagnosis.cause, diagnosis.stage) == (cause, "export"), diagnosis


def test_a_refused_token_with_a_good_certificate(nginx: Nginx, pki: LabPki) -> None:
    """403 to a client with a token and a certificate: nginx does not say which of them it refuses."""
    port = nginx.serve(ANSWER, status=403, text="not you", media="text/plain")
    watched = replace(
        target(pki, port, pki.client, protocol="http/protobuf"),
        headers=(("authorization", Secret("Bearer t0ken")),),
    )
    _, diagnosis = observe(watched)
    assert (diagnosis.cause, diagnosis.certain) == ("otlp_permission_denied", False), diagnosis
    assert "client_san_rejected" in diagnosis.also


def test_the_right_answer_is_confirmed(nginx: Nginx, pki: LabPki) -> None:
    """The same server with status 200 and OTLP's media type."""
    port = nginx.serve(ANSWER, status=200, text="", media="application/x-protobuf")
    _, diagnosis = observe(target(pki, port, pki.client, protocol="http/protobuf"))
    assert diagnosis.outcome == "confirmed", diagnosis


def test_a_web_page_is_not_otlp(nginx: Nginx, pki: LabPki) -> None:
    """A load balancer's welcome page is 200, and nothing was exported."""
    port = nginx.serve(ANSWER, status=200, text="<h1>It works</h1>", media="text/html")
    _, diagnosis = observe(target(pki, port, pki.client, protocol="http/protobuf"))
    assert diagnosis.cause == "otlp_not_served", diagnosis


def test_a_name_that_is_not_served(nginx: Nginx, pki: LabPki) -> None:
    """Nginx's default server rejects the handshake: unrecognized_name."""
    port = nginx.serve(UNKNOWN_NAME)
    _, diagnosis = observe(target(pki, port, pki.client))
    assert (diagnosis.cause, diagnosis.certain) == ("server_name_unrecognized", True), diagnosis


def test_a_backend_that_cannot_read_its_own_certificate(nginx: Nginx, pki: LabPki) -> None:
    """The certificate of this name is not on nginx's disk: internal_error is its own fault."""
    port = nginx.serve(MISSING_CERTIFICATE)
    _, diagnosis = observe(target(pki, port, pki.client))
    assert diagnosis.cause == "backend_fault", diagnosis


def test_a_policy_on_client_names_above_tls(nginx: Nginx, pki: LabPki) -> None:
    """403 after a verified certificate: a policy refuses this client, by name or otherwise."""
    port = nginx.serve(ONLY_ONE_NAME)
    _, diagnosis = observe(target(pki, port, pki.client, protocol="http/protobuf"))
    assert "client_san_rejected" in {diagnosis.cause, *diagnosis.also}, diagnosis
    assert diagnosis.outcome == "failed"


def test_an_exporter_that_sends_plaintext(nginx: Nginx, pki: LabPki) -> None:
    """The settings switch TLS off, and the backend accepts plaintext: confirmed, with a finding."""
    port = nginx.serve(IN_CLEAR)
    watched = target(pki, port, None, protocol="http/protobuf", insecure=True, ca_file=None)
    _, diagnosis = observe(watched)
    assert diagnosis.outcome == "confirmed", diagnosis
    assert [finding.cause for finding in diagnosis.findings] == ["tls_off"]


def test_a_server_that_is_not_a_proxy_opens_no_tunnel(nginx: Nginx, pki: LabPki) -> None:
    """proxy_url names a web server, which answers CONNECT with an error."""
    port = nginx.serve(IN_CLEAR)
    watched = replace(target(pki, 4317, pki.client), proxy_url=Secret(f"http://{HOST}:{port}"))
    _, diagnosis = observe(watched)
    assert diagnosis.cause == "proxy_failure", diagnosis


@pytest.mark.parametrize("behaviour", ["close_later", "reset_later", "garbage", "silent"])
def test_a_proxy_that_misbehaves_is_not_the_backend(
    tcp_peer: Callable[[peers.Behaviour], int], pki: LabPki, behaviour: peers.Behaviour
) -> None:
    """It closes, resets, sends bytes that are not HTTP, or nothing: the backend was never reached."""
    proxy = Secret(f"http://{HOST}:{tcp_peer(behaviour)}")
    _, diagnosis = observe(replace(target(pki, 4317, pki.client, timeout=2.0), proxy_url=proxy))
    assert (diagnosis.cause, diagnosis.stage) == ("proxy_failure", "connect"), diagnosis


def test_a_dead_proxy_is_named_with_its_own_port(refused_port: int, pki: LabPki) -> None:
    """Nothing listens on the proxy's port; the backend's is in no fact about it."""
    proxy = Secret(f"http://{HOST}:{refused_port}")
    _, diagnosis = observe(replace(target(pki, 4317, pki.client), proxy_url=proxy))
    assert (diagnosis.cause, diagnosis.certain) == ("proxy_failure", True), diagnosis
    assert diagnosis.facts == (f"the proxy at {HOST} port {refused_port}: ECONNREFUSED",)
    assert any(f"sport = :{refused_port}" in step for step in diagnosis.fix)


def test_a_proxy_whose_name_does_not_resolve(pki: LabPki) -> None:
    """The endpoint's name is not looked up at all: the proxy's is."""
    proxy = Secret("http://proxy.invalid:3128")
    _, diagnosis = observe(replace(target(pki, 4317, pki.client), proxy_url=proxy))
    assert (diagnosis.cause, diagnosis.stage) == ("proxy_failure", "resolve"), diagnosis
    assert "getent hosts proxy.invalid" in diagnosis.fix[0]


def test_a_name_that_does_not_resolve(pki: LabPki) -> None:
    """.invalid never resolves (RFC 6761)."""
    watched = replace(target(pki, 4317, pki.client), endpoint=Endpoint("collector.invalid", 4317))
    _, diagnosis = observe(watched)
    assert diagnosis.cause == "dns_failure", diagnosis
