"""One broken backend is one notification, however many sidecars it stops: a real Prometheus and Alertmanager."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final

from probe.alerting.links import Pages
from probe.alerting.rule import Thresholds
from probe.alerting.rule_file import build_rule_group, render_rule_file
from tests.config.conftest import CONFIG
from tests.config.manifests import load
from tests.lab.credentials import LabPki
from tests.lab.monitoring import alertmanager, prometheus
from tests.lab.running_probe import running_sidecar
from tests.support.ports import reserved_port

SIDECARS: Final = {
    f"{service}-{at}": (service, team)
    for service, team in (
        ("checkout", "payments"),
        ("cart", "payments"),
        ("search", "discovery"),
        ("mail", "letters"),
        ("stock", "store"),
    )
    for at in (1, 2)
}
"""Ten pods of five services of four teams."""
TEAMS: Final = {team for _, team in SIDECARS.values()}
INTERVAL: Final = 5
"""Seconds between notifications of one group; five minutes in the shipped configuration."""
FOLDER: Final = CONFIG / "alertmanager"


@contextmanager
def inbox() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Yield the address of a server that keeps what is posted to it, with the path, and what it has."""
    posted: list[tuple[str, Any]] = []

    class Keeping(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.path, json.loads(body)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            """Keep silent."""

    with HTTPServer(("127.0.0.1", 0), Keeping) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", posted
        finally:
            server.shutdown()
            thread.join()


def as_shipped(address: str) -> Mapping[str, Any]:
    """Return the shipped configuration, faster, with receivers that post to `address`."""
    [found] = load((FOLDER / "alertmanager.yml").read_text(encoding="utf-8"))
    found["route"] |= {"group_wait": "5s", "group_interval": f"{INTERVAL}s"}
    found["templates"] = [str(FOLDER / "*.tmpl")]
    [receiver] = found["receivers"]
    receiver["webhook_configs"] = [{"url": f"{address}/webhook"}]
    receiver["slack_configs"] = [
        {
            "api_url": f"{address}/text",
            "channel": "#any",
            "title": '{{ template "mtls_probe.title" . }}',
            "text": '{{ template "mtls_probe.text" . }}',
        }
    ]
    return dict(found)


def test_ten_sidecars_at_one_broken_backend_are_one_notification(
    pki: LabPki, tmp_path: Path
) -> None:
    """It names the backend, the cause and every team; each sidecar is in it by its service."""
    rules = tmp_path / "rules.yml"
    rules.write_text(
        render_rule_file(build_rule_group(Thresholds(patience=2), Pages())), encoding="utf-8"
    )
    with ExitStack() as stack:
        address, posted = stack.enter_context(inbox())
        gone = stack.enter_context(reserved_port())
        jobs = []
        for pod, (service, team) in SIDECARS.items():
            variables = {
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://localhost:{gone}",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_CERTIFICATE": str(pki.server_ca_file),
                "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(pki.client.cert_file),
                "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(pki.client.key_file),
                "OTEL_SERVICE_NAME": service,
                "K8S_POD_NAME": pod,
                "K8S_NAMESPACE_NAME": "shop",
            }
            (tmp_path / pod).mkdir()
            running = stack.enter_context(running_sidecar(tmp_path / pod, **variables))
            jobs.append({"targets": [running.address], "labels": {"team": team}})
        held = stack.enter_context(alertmanager(tmp_path, as_shipped(address)))
        watching = stack.enter_context(
            prometheus(
                tmp_path,
                [{"job_name": "mtls-probe", "static_configs": jobs}],
                rule_files=[rules],
                alertmanager=held.url.removeprefix("http://"),
            )
        )
        watching.wait(lambda: len(watching.alerts()) == len(SIDECARS), 60, "fired for all")
        watching.wait(lambda: len(posted) >= 2, 30, "notified")
        time.sleep(INTERVAL + 2)  # whatever else there were would come with the next interval
        held.wait(lambda: len(held.alerts()) == len(SIDECARS), 5, "held all")

    webhooks = [body for path, body in posted if path == "/webhook"]
    texts = [body for path, body in posted if path == "/text"]
    assert len(webhooks) == len(texts) == 1
    [notification] = webhooks
    assert notification["groupLabels"] == {
        "alertname": "MtlsProbeFailing",
        "cause": "tcp_refused",
        "server_address": "localhost",
    }
    alerts = notification["alerts"]
    assert {(each["labels"]["pod"], each["labels"]["target"]) for each in alerts} == {
        (pod, service) for pod, (service, _) in SIDECARS.items()
    }
    assert {each["labels"]["team"] for each in alerts} == TEAMS
    [attachment] = texts[0]["attachments"]
    title, text = attachment["title"], attachment["text"]
    assert title.startswith("[firing] tcp_refused at localhost: 10 alerts, of ")
    assert set(title.partition(", of ")[2].split(", ")) == TEAMS
    assert "start what has to listen" in text
    assert text.count("is not as expected: tcp_refused") == len(SIDECARS)
    assert "{{" not in title + text
