"""Alerts pushed to a real Alertmanager: held with the fix, resolved when it is mended."""

import base64
import json
import shutil
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from probe.demo.pki import write_pem
from probe.outputs.alert_book import Alert
from probe.outputs.alertmanager import BATCH, RESEND, Alertmanager
from probe.target import Secret
from tests.lab.credentials import LabPki
from tests.lab.monitoring import alertmanager
from tests.lab.running_probe import running_probe
from tests.lab.servers import serve_collector
from tests.lab.stack import free_port
from tests.tools import missing
from tests.unit.command_line import configuration

NAME = "<script>alert(1)</script>"


def test_it_holds_the_alert_with_the_fix_until_it_is_mended(
    otelcol: Path, pki: LabPki, tmp_path: Path
) -> None:
    """The Collector stops trusting the CA, and trusts it again; amtool shows the same."""
    trusted = write_pem(tmp_path, "client-ca.pem", pki.client_ca.pem)
    tls: dict[str, Any] = {
        "cert_file": str(pki.server.cert_file),
        "key_file": str(pki.server.key_file),
        "client_ca_file": str(trusted),
        "client_ca_file_reload": True,
    }
    with serve_collector(otelcol, tmp_path, tls) as collector, alertmanager(tmp_path) as held:
        entry = {
            "name": NAME,
            "endpoint": f"localhost:{collector.grpc_port}",
            "interval": "500ms",
            "labels": {"team": "payments"},
            "tls": {
                "ca_file": str(pki.server_ca_file),
                "cert_file": str(pki.client.cert_file),
                "key_file": str(pki.client.key_file),
            },
        }
        file = configuration(tmp_path, entry, alertmanager={"url": held.url}, alerts={"hold": "2s"})
        with running_probe(file) as probe:
            probe.becomes(NAME, None)
            write_pem(tmp_path, "client-ca.pem", pki.other_ca.pem)
            held.wait(lambda: held.alerts() != [], 20, "held the alert")
            (alert,) = held.alerts()
            labels = alert["labels"]
            assert labels["alertname"] == "MtlsProbeFailing"
            assert (labels["target"], labels["team"]) == (NAME, "payments")
            assert (labels["cause"], labels["party"]) == ("client_ca_untrusted", "backend")
            assert "client_ca_file" in alert["annotations"]["fix"]
            assert "unknown_ca" in alert["annotations"]["description"]
            (same,) = json.loads(probe.get("/api/v1/alerts"))["data"]["alerts"]
            assert (same["state"], same["labels"]) == ("firing", labels)
            assert "mtls_probe_alertmanager_notifications_total 0" not in probe.get("/metrics")
            assert NAME in amtool(held.url)

            write_pem(tmp_path, "client-ca.pem", pki.client_ca.pem)
            held.wait(lambda: held.alerts() == [], 20, "resolved the alert")
            assert json.loads(probe.get("/api/v1/alerts"))["data"]["alerts"] == []


def amtool(url: str) -> str:
    """Return what amtool lists."""
    tool = shutil.which("amtool") or missing("amtool is not installed")
    ended = subprocess.run(
        [tool, f"--alertmanager.url={url}", "alert", "query", "-o", "extended"],
        capture_output=True,
        check=True,
        timeout=20,
    )
    return ended.stdout.decode()


def test_one_that_comes_later_is_told_then(tmp_path: Path, pki: LabPki) -> None:
    """Nothing listens at first: that is logged once and counted, and probing goes on."""
    with free_port() as nobody, free_port() as port:
        entry = {
            "name": "refused",
            "endpoint": f"localhost:{nobody}",
            "interval": "500ms",
            "tls": {"ca_file": str(pki.server_ca_file)},
        }
        url = f"http://somebody:secret@127.0.0.1:{port}"
        file = configuration(tmp_path, entry, alertmanager={"url": url}, alerts={"hold": "1s"})
        with running_probe(file) as probe:
            probe.becomes("refused", "tcp_refused")
            probe.log.wait_for("alertmanager_failed", timeout=20)
            before = attempts(probe.get("/metrics"))
            probe.log.wait_for("alertmanager_failed", timeout=5)
            with alertmanager(tmp_path, port=port) as held:
                held.wait(lambda: held.alerts() != [], 20, "held the alert")
                probe.log.wait_for("alertmanager_reached", timeout=5)
            metrics = probe.get("/metrics")
            assert "mtls_probe_alertmanager_notifications_failed_total 0" not in metrics
            assert attempts(metrics) > before
        text = probe.log.text()
        assert text.count("alertmanager_failed") == 1
        assert "secret" not in text


def attempts(metrics: str) -> float:
    """Return how many attempts the metrics count."""
    (line,) = (one for one in metrics.splitlines() if one.startswith("mtls_probe_attempts_total{"))
    return float(line.rpartition(" ")[2])


class Recording(BaseHTTPRequestHandler):
    """Answers as its server says and keeps what was posted."""

    def do_POST(self) -> None:
        """Keep the request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server: Any = self.server
        server.seen.append((self.path, self.headers.get("Authorization"), json.loads(body)))
        self.send_response(server.status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def recording() -> Any:
    """An HTTP server that takes alerts and shows what came."""
    server: Any = HTTPServer(("127.0.0.1", 0), Recording)
    server.seen, server.status = [], 200
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def alert(number: int, ends_at: float | None = None) -> Alert:
    """Return one of many alerts."""
    return Alert({"alertname": "A", "n": str(number)}, {}, "http://p/", 0.0, 1.0, ends_at)


async def test_many_go_in_batches_and_again_only_after_a_while(recording: Any) -> None:
    """With the path's prefix and the password in a header; an end is told at once."""
    counted: list[tuple[int, bool]] = []
    url = f"http://me:p%40ss@127.0.0.1:{recording.server_port}/prefix/"
    told = Alertmanager(Secret(url), user_agent="t", told=lambda *one: counted.append(one))
    alerts = [alert(number) for number in range(2 * BATCH + 1)]

    assert await told.tell(alerts, 1000.0)
    assert [len(body) for _, _, body in recording.seen] == [BATCH, BATCH, 1]
    assert counted == [(BATCH, True), (BATCH, True), (1, True)]
    path, authorization, body = recording.seen[0]
    assert path == "/prefix/api/v2/alerts"
    assert authorization == "Basic " + base64.b64encode(b"me:p@ss").decode()
    assert body[0]["startsAt"] == "1970-01-01T00:00:01.000Z"
    assert body[0]["endsAt"] > body[0]["startsAt"]
    assert "p%40ss" not in told.shown

    recording.seen.clear()
    assert await told.tell(alerts, 1010.0)
    assert recording.seen == []
    assert await told.tell([alert(0, ends_at=1015.0), *alerts[1:]], 1020.0)
    ((_, _, body),) = recording.seen
    assert [one["endsAt"] for one in body] == ["1970-01-01T00:16:55.000Z"]

    recording.seen.clear()
    assert await told.tell(alerts[1:3], 1000.0 + RESEND)
    ((_, _, body),) = recording.seen
    assert len(body) == 2


@pytest.mark.parametrize("status", [302, 400, 500])
async def test_what_is_not_taken_is_tried_again(recording: Any, status: int) -> None:
    """A redirect is not followed: the password would go with it."""
    counted: list[tuple[int, bool]] = []
    url = f"http://127.0.0.1:{recording.server_port}"
    told = Alertmanager(Secret(url), user_agent="t", told=lambda *one: counted.append(one))
    recording.status = status
    assert not await told.tell([alert(1)], 1000.0)
    assert counted == [(1, False)]
    recording.status = 200
    assert await told.tell([alert(1)], 1001.0)
    assert len(recording.seen) == 2
