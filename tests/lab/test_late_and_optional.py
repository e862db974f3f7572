"""nginx and Apache httpd that do not ask for the certificate in the handshake, or do not insist on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import which

import pytest

from tests.lab.credentials import LabPki
from tests.lab.nginx import run_nginx
from tests.lab.observation import observe, target
from tests.lab.servers import accepting, process
from tests.support.ports import reserved_port
from tests.support.required_tools import missing

MODULES = Path("/usr/lib/apache2/modules")
LOADED = ("mpm_event", "authz_core", "ssl", "http2")


@contextmanager
def run_httpd(folder: Path, pki: LabPki, port: int, inside: str) -> Iterator[None]:
    """Run Apache httpd with `inside` in its virtual host."""
    program = which("apache2", path="/usr/sbin:/usr/bin")
    if program is None or not all((MODULES / f"mod_{name}.so").exists() for name in LOADED):
        missing("Apache httpd with mod_ssl is not installed")
    modules = "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in LOADED)
    (folder / "page").mkdir()
    file = folder / "httpd.conf"
    file.write_text(
        f"ServerRoot {folder}\nServerName localhost\nPidFile {folder}/pid\n"
        f"ErrorLog {folder}/error.log\n{modules}Listen 127.0.0.1:{port}\nUser daemon\n"
        f"DocumentRoot {folder}/page\n<VirtualHost *:{port}>\nSSLEngine on\n"
        f"SSLCertificateFile {pki.server.cert_file}\nSSLCertificateKeyFile {pki.server.key_file}\n"
        f"SSLCACertificateFile {pki.client_ca_file}\n{inside}\n</VirtualHost>\n",
        encoding="utf-8",
    )
    with process([program, "-f", str(file), "-DFOREGROUND"], folder / "httpd.log") as log:
        accepting(port, log)
        yield


def test_httpd_asks_for_a_location_alone(tmp_path: Path, pki: LabPki) -> None:
    """In TLS 1.3 it says so in a 403; Python's exporter sends its certificate then, and passes."""
    inside = "<Location /v1>\nSSLVerifyClient require\n</Location>"
    with reserved_port() as port, run_httpd(tmp_path, pki, port, inside):
        watched = target(pki, port, pki.client, protocol="http/protobuf")
        evidence, found = observe(watched)
        assert (found.cause, found.certain) == ("client_cert_by_renegotiation", True), found
        assert evidence.handshake is not None
        assert evidence.handshake.version == "1.3"

        evidence, found = observe(replace(watched, exporter="python-http"))
        assert found.cause == "otlp_not_served", found  # there is no OTLP behind it
        assert evidence.handshake is not None
        assert evidence.handshake.client_certificate_sent


def test_httpd_over_http2_demands_http1(tmp_path: Path, pki: LabPki) -> None:
    """HTTP/2 has no way to ask later."""
    inside = "Protocols h2\n<Location />\nSSLVerifyClient require\n</Location>"
    with reserved_port() as port, run_httpd(tmp_path, pki, port, inside):
        _, found = observe(target(pki, port, pki.client))
        assert found.cause == "client_cert_by_renegotiation", found
        assert found.also == ("connection_closed",)


@pytest.mark.parametrize(
    ("client", "cause"), [("none", "client_cert_not_sent"), ("other", "client_ca_untrusted")]
)
def test_httpd_that_looks_at_the_result_of_the_verification(
    tmp_path: Path, pki: LabPki, client: str, cause: str
) -> None:
    """`Require ssl-verify-client` answers 403 to who sent none, and to a CA that it does not list."""
    inside = "SSLVerifyClient optional_no_ca\n<Location />\nRequire ssl-verify-client\n</Location>"
    with reserved_port() as port, run_httpd(tmp_path, pki, port, inside):
        pair = None if client == "none" else pki.stranger
        _, found = observe(target(pki, port, pair, protocol="http/protobuf"))
        assert found.cause == cause, found


def test_nginx_that_verifies_takes_no_request_for_another_name(tmp_path: Path, pki: LabPki) -> None:
    """The handshake asked for localhost, the request names 127.0.0.1: 421."""
    with reserved_port() as port:
        http = "".join(
            f"server {{ listen 127.0.0.1:{port} ssl; server_name {name};\n"
            f"ssl_certificate {pki.server.cert_file}; ssl_certificate_key {pki.server.key_file};\n"
            f"ssl_client_certificate {pki.client_ca_file}; ssl_verify_client on;\n"
            "location / { return 204; } }\n"
            for name in ("localhost", "127.0.0.1")
        )
        with run_nginx(tmp_path, port, http=http):
            _, found = observe(target(pki, port, pki.client, protocol="http/protobuf"))
            assert (found.cause, found.certain) == ("server_name_unrecognized", True), found


def test_nginx_with_an_optional_certificate_and_a_rule(tmp_path: Path, pki: LabPki) -> None:
    """What Kubernetes's ingress makes of auth-tls-verify-client: optional, with a rule of one's own."""
    with reserved_port() as port:
        http = (
            f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {pki.server.cert_file};\n"
            f"ssl_certificate_key {pki.server.key_file}; ssl_client_certificate {pki.client_ca_file};\n"
            "ssl_verify_client optional;\n"
            "location / { if ($ssl_client_verify != SUCCESS) { return 403; } return 204; } }"
        )
        with run_nginx(tmp_path, port, http=http):
            watched = target(pki, port, pki.client, protocol="http/protobuf")
            assert observe(watched)[1].outcome == "confirmed"
            _, found = observe(target(pki, port, None, protocol="http/protobuf"))
            assert (found.cause, found.certain) == ("client_cert_not_sent", False), found
