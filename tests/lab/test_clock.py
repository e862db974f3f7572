"""Clocks that are really wrong: backends under faketime, and the probe itself."""

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.lab import servers
from tests.lab.credentials import LabPki, Pair
from tests.lab.nginx import run_nginx
from tests.lab.observation import observe, target
from tests.lab.stack import VERSIONS, Serving, TlsVersion, with_clock
from tests.lab.stacks.openssl import S_SERVER
from tests.support.ntp_server import Says, ntp_server
from tests.support.ports import reserved_port
from tests.support.required_tools import missing

DAY = 86_400.0
YEAR = 365 * DAY
TOKEN = "s3cr3t-t0ken"

Check = Callable[..., tuple[dict[str, Any], int]]
"""Runs the real command; see the fixture."""

_NGINX = """
log_format asked "$request_method $request_uri [$http_authorization] $http_user_agent";
server {{
  access_log {folder}/access.log asked;
  listen {host}:{port} ssl{http2};
  ssl_certificate {cert}; ssl_certificate_key {key}; ssl_protocols TLSv{version};
  ssl_client_certificate {ca}; ssl_verify_client on;
  default_type application/x-protobuf;
  location / {{ return 200; }}
}}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    """A running nginx that demands a client certificate and answers 200."""

    port: int
    folder: Path

    def asked(self) -> list[str]:
        """Return its access log."""
        return (self.folder / "access.log").read_text(encoding="utf-8").splitlines()


@contextmanager
def nginx_running(
    folder: Path, pki: LabPki, *, clock: str = "", version: TlsVersion = "1.3", http2: bool = False
) -> Iterator[Nginx]:
    """Run nginx with its clock moved by `clock`."""
    server = pki.server
    with reserved_port() as port:
        configuration = _NGINX.format(
            folder=folder,
            host=servers.HOST,
            port=port,
            http2=" http2" if http2 else "",
            cert=server.cert_file,
            key=server.key_file,
            version=version,
            ca=pki.client_ca_file,
        )
        with run_nginx(folder, port, http=configuration, clock=clock):
            yield Nginx(port, folder)


@pytest.fixture
def faketime() -> None:
    """The faketime command."""
    if shutil.which("faketime") is None:
        missing("faketime is not installed")


@pytest.fixture
def nginx(
    faketime: None, pki: LabPki, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Nginx]]:
    """A function that starts nginx, which ends with the test."""
    if shutil.which("nginx") is None:
        missing("nginx is not installed")
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(
            nginx_running(tmp_path_factory.mktemp("nginx"), pki, **options)
        )


@pytest.fixture
def check(faketime: None, pki: LabPki, tmp_path: Path) -> Callable[..., tuple[dict[str, Any], int]]:
    """A function that runs the real command with its clock moved; the result and exit code."""

    def run(
        port: int,
        clock: str,
        *sources: dict[str, str],
        protocol: str = "http/protobuf",
        client: Pair | None = None,
    ) -> tuple[dict[str, Any], int]:
        client = client or pki.client
        tls = {
            "ca_file": str(pki.server_ca_file),
            "cert_file": str(client.cert_file),
            "key_file": str(client.key_file),
            "server_name_override": "localhost",
        }
        watched = {
            "endpoint": f"https://{servers.HOST}:{port}",
            "protocol": protocol,
            "headers": {"authorization": f"Bearer {TOKEN}"},
            "tls": tls,
        }
        # Every JSON document is a YAML document.
        file = tmp_path / "probe.yml"
        file.write_text(json.dumps({"targets": [watched], "clock": {"sources": list(sources)}}))
        command = [sys.executable, "-m", "probe", "check", "--config", str(file)]
        done = subprocess.run(
            with_clock([*command, "--output", "json"], clock),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout, done.stderr
        (result,) = json.loads(done.stdout)["results"]
        return result, done.returncode

    return run


@contextmanager
def health_check(ahead: float) -> Iterator[str]:
    """Run a real HTTP server whose Date is `ahead` seconds off, and yield its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate((timestamp or time.time()) + ahead, usegmt=True)

        def log_message(self, *_args: object) -> None:
            return

    with ThreadingHTTPServer((servers.HOST, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{servers.HOST}:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_backend_60_days_ahead_is_bounded(
    faketime: None, pki: LabPki, tmp_path: Path, version: TlsVersion
) -> None:
    """It refuses a certificate with 30 days left: so it is at least 30 days ahead."""
    if reason := S_SERVER.missing():
        missing(reason)
    serving = Serving(version, pki.server, pki.client_ca_file, clock="+60d")
    with S_SERVER.start(tmp_path, serving) as port:
        evidence, found = observe(target(pki, port, pki.thirty_days, protocol="http/protobuf"))

    # A CA certificate of the backend that has expired is possible too.
    assert (found.cause, found.certain) == ("clock_skew", False)
    assert found.also == ("client_cert_expired",)
    left = evidence.credentials.client_chain[0].not_after - evidence.at
    bound = f"the backend's clock is ahead by at least 29 days ({left:.0f} s)"
    assert any(bound in fact for fact in found.facts), found.facts


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("http2", [False, True])
def test_nginx_60_days_ahead_is_measured_by_its_date(
    nginx: Callable[..., Nginx], pki: LabPki, version: TlsVersion, http2: bool
) -> None:
    """It refuses by HTTP 400 after a clean handshake, and that answer has a Date."""
    backend = nginx(clock="+60d", version=version, http2=http2)
    evidence, found = observe(target(pki, backend.port, pki.thirty_days, protocol="http/protobuf"))

    assert evidence.answer is not None
    assert evidence.answer.http_status == 400
    (reading,) = evidence.clock
    assert reading.offset == pytest.approx(60 * DAY, abs=3)
    assert (found.cause, found.certain, found.also) == ("clock_skew", True, ())
    # 60 days less a second or so are 59 whole ones.
    assert any("days ahead of the probe's" in fact for fact in found.facts), found.facts


def test_nginx_a_day_behind_refuses_a_new_certificate(
    nginx: Callable[..., Nginx], pki: LabPki
) -> None:
    """The certificate was issued an hour ago, which is in the future by nginx's clock."""
    client = pki.write("an-hour-old", pki.client_ca.issue("exporter"))
    backend = nginx(clock="-1d")
    # Its CAs are as new: to a backend so far behind, the whole path is not yet valid.
    _, found = observe(target(pki, backend.port, client, protocol="http/protobuf"))

    assert (found.cause, found.certain) == ("clock_skew", True)
    assert any("behind the probe's" in fact for fact in found.facts)


@pytest.mark.parametrize("version", VERSIONS)
def test_openssl_a_day_behind_says_42_of_a_new_certificate(
    faketime: None, pki: LabPki, tmp_path: Path, check: Check, version: TlsVersion
) -> None:
    """The alert has no date: a wrong clock is possible until a clock of the backend's side was read."""
    serving = Serving(version, pki.server, pki.client_ca_file, clock="-1d")
    with S_SERVER.start(tmp_path, serving) as port, health_check(-DAY) as url:
        alone, _ = check(port, "")
        with_source, _ = check(port, "", {"http": url})

    assert [alert["number"] for alert in alone["alerts"]] == [42]
    assert not alone["certain"]
    assert "clock_skew" in (alone["cause"], *alone["also"]), alone
    assert (with_source["cause"], with_source["certain"]) == ("clock_skew", True), with_source


def test_a_backend_an_hour_ahead_that_lets_us_in_is_a_finding(
    nginx: Callable[..., Nginx], pki: LabPki
) -> None:
    """The export is confirmed, and the difference is reported before it does harm."""
    backend = nginx(clock="+1h")
    _, found = observe(target(pki, backend.port, pki.client, protocol="http/protobuf"))

    assert found.outcome == "confirmed", found
    assert [finding.cause for finding in found.findings] == ["clock_skew"]
    assert "ahead of the probe's" in found.findings[0].fact


@pytest.mark.parametrize("clock", ["-365d", "+500d"])
@pytest.mark.parametrize(("version", "http2"), [("1.2", False), ("1.3", False), ("1.3", True)])
def test_the_probes_own_clock_is_found_out_by_the_backends_date(
    nginx: Callable[..., Nginx], check: Check, clock: str, version: TlsVersion, http2: bool
) -> None:
    """All certificates look early, or expired; the probe has sent nothing but one HEAD request."""
    backend = nginx(version=version, http2=http2)
    result, code = check(backend.port, clock)

    assert (result["cause"], result["certain"], result["also"]) == ("clock_skew", True, []), result
    assert (result["findings"], code) == ([], 1)
    assert result["clock"]["source"] == "http_date"
    days = -int(clock.removesuffix("d"))
    assert result["clock"]["offset_seconds"] == pytest.approx(days * DAY, abs=5)
    (asked,) = backend.asked()
    assert asked.startswith("HEAD / [-] mtls-probe/")


def test_the_probes_own_clock_against_a_collector(
    collector: servers.StartCollector, check: Check
) -> None:
    """The Collector's OTLP/HTTP receiver answers 404 to HEAD, with a Date."""
    result, code = check(collector().http_port, "-365d")

    assert (result["cause"], result["certain"], code) == ("clock_skew", True, 1), result
    assert result["clock"]["offset_seconds"] == pytest.approx(YEAR, abs=5)


def test_without_any_other_clock_certificates_bound_ours(
    collector: servers.StartCollector, check: Check
) -> None:
    """Answers over gRPC have no Date: the newest certificate is the bound, and the verdict is not certain."""
    result, _ = check(collector().grpc_port, "-365d", protocol="grpc")

    assert (result["cause"], result["certain"]) == ("clock_skew", False), result
    assert "server_cert_not_yet_valid" in result["also"]
    assert any("the probe's clock is behind by at least 364 days" in f for f in result["facts"])


def test_sntp_says_that_it_is_our_clock(collector: servers.StartCollector, check: Check) -> None:
    """A correct source decides what gRPC leaves open, and shows whose clock is wrong."""
    with ntp_server(Says()) as (port, _):
        source = {"sntp": f"{servers.HOST}:{port}"}
        result, _ = check(collector().grpc_port, "-365d", source, protocol="grpc")

    assert (result["cause"], result["certain"], result["also"]) == ("clock_skew", True, []), result
    said = f"by sntp:{servers.HOST}:{port} the probe's own clock is 365 days behind"
    assert any(said in fact or said.replace("365", "364") in fact for fact in result["facts"])
    assert "the probe runs on" in result["fix"][0]


def test_a_configured_url_decides_it_too(collector: servers.StartCollector, check: Check) -> None:
    """The Date of a health check next to the backend counts like that of any HTTP answer."""
    with health_check(0) as url:
        result, _ = check(collector().grpc_port, "-365d", {"http": url}, protocol="grpc")

    assert (result["cause"], result["certain"], result["also"]) == ("clock_skew", True, []), result
    assert result["clock"] == {
        "offset_seconds": pytest.approx(YEAR, abs=5),
        "source": url,
    }


def test_clocks_that_agree_prove_an_expired_server(
    pki: LabPki, check: Check, s_server: servers.StartSServer
) -> None:
    """The opposite case: with a correct clock as a source, an expired server certificate is just expired."""
    backend = s_server(server=pki.server_expired, alpn="h2")
    with ntp_server(Says()) as (port, _), health_check(0) as url:
        sources = {"sntp": f"{servers.HOST}:{port}"}, {"http": url}
        result, _ = check(backend.port, "", *sources, protocol="grpc")

    assert (result["cause"], result["certain"]) == ("server_cert_expired", True), result
    assert (result["also"], result["findings"]) == ([], [])


def test_a_confirmed_export_by_a_clock_that_is_off_is_a_finding(
    collector: servers.StartCollector, pki: LabPki, check: Check
) -> None:
    """The probe is a minute and a half ahead, SNTP says so, and the export goes well."""
    with ntp_server(Says()) as (port, _):
        source = {"sntp": f"{servers.HOST}:{port}"}
        result, code = check(collector().grpc_port, "+90s", source, protocol="grpc")

    assert (result["outcome"], code) == ("confirmed", 0), result
    (finding,) = result["findings"]
    assert finding["cause"] == "clock_skew"
    assert "own clock is 1 minute ahead" in finding["fact"]
