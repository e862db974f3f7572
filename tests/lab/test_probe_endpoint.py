"""`/probe` under a real Prometheus: configurations for blackbox_exporter work unchanged."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from probe.config.loader import load_configuration
from probe.service.service import Service
from tests.lab.credentials import LabPki
from tests.lab.monitoring import Prometheus, prometheus
from tests.lab.servers import StartCollector
from tests.support.command_line import configuration

RELABEL: list[dict[str, Any]] = [
    {"source_labels": ["__address__"], "target_label": "__param_target"},
    {"source_labels": ["__param_target"], "target_label": "instance"},
]
"""From blackbox_exporter's own README; only the address in the last rule is changed."""

# awesome-prometheus-alerts and blackbox_exporter's mixin, unchanged.
PEERS = {
    "expires soon": "probe_ssl_earliest_cert_expiry - time() < 86400 * 14",
    "expires in three weeks": (
        "3 <= round((last_over_time(probe_ssl_earliest_cert_expiry[10m]) - time()) / 86400, 0.1) < 20"
    ),
    "down": "probe_success == 0",
    "slow": "avg_over_time(probe_duration_seconds[1m]) > 1",
}

DASHBOARD = (
    "probe_success",
    "probe_duration_seconds",
    "probe_dns_lookup_time_seconds",
    "probe_ip_protocol",
    "probe_tls_version_info",
    "probe_tls_cipher_info",
    "probe_ssl_last_chain_info",
    "min(probe_ssl_earliest_cert_expiry) by (instance)",
    "max(probe_ssl_last_chain_expiry_timestamp_seconds) by (instance) - time()",
)


@contextmanager
def service(file: Path) -> Iterator[str]:
    """Run the service in a thread; yields its address."""
    began = threading.Event()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    address: list[str] = []

    async def main() -> None:
        ended = asyncio.Event()
        async with Service(load_configuration(file, {})).run() as listening:
            address.append(str(listening))
            stop.append((asyncio.get_running_loop(), ended))
            began.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        assert began.wait(10)
        yield address[0]
    finally:
        loop, ended = stop[0]
        loop.call_soon_threadsafe(ended.set)
        thread.join()


def test_alerts_and_panels_for_blackbox_exporter_work_unchanged(
    collector: StartCollector, pki: LabPki, tmp_path: Path
) -> None:
    """A good backend, one that refuses our certificate, one whose own certificate expires in ten days."""
    good = collector()
    refusing = collector(client_ca_file=pki.other_ca_file)
    ten_days = datetime.now(UTC) + timedelta(days=10)
    issued = pki.server_ca.issue("backend", usages=("serverAuth",), not_after=ten_days)
    ending = collector(server=pki.write("ten-days", issued))
    tls = {
        "ca_file": str(pki.server_ca_file),
        "cert_file": str(pki.client.cert_file),
        "key_file": str(pki.client.key_file),
    }
    modules = {"otlp_grpc": {"protocol": "grpc", "tls": tls, "allow": ["127.0.0.0/8"]}}
    backends = {
        "good": good, "refusing": refusing, "ending": ending,
    }  # fmt: skip
    instance = {name: f"127.0.0.1:{one.grpc_port}" for name, one in backends.items()}
    with service(configuration(tmp_path, modules=modules)) as address:
        job = {
            "job_name": "blackbox",
            "metrics_path": "/probe",
            "params": {"module": ["otlp_grpc"]},
            "static_configs": [{"targets": list(instance.values())}],
            "relabel_configs": [*RELABEL, {"target_label": "__address__", "replacement": address}],
        }
        with prometheus(tmp_path, [job]) as watching:
            watching.wait(
                lambda: len(watching.query("probe_success")) == 3, 20, "scraped all three"
            )

            assert fires(watching, "down") == {instance["refusing"]}
            assert fires(watching, "expires soon") == {instance["ending"]}
            assert fires(watching, "expires in three weeks") == {instance["ending"]}
            assert fires(watching, "slow") == set()
            for expression in DASHBOARD:
                found = {labels["instance"] for labels, _ in watching.query(expression)}
                assert found == set(instance.values()), expression
            ((why, _),) = watching.query("mtls_probe_cause")
            assert (why["instance"], why["cause"]) == (instance["refusing"], "client_ca_untrusted")
            assert watching.query("up == 0") == []


def fires(watching: Prometheus, alert: str) -> set[str]:
    """Return the instances for which one of these alerting rules has a series."""
    return {labels["instance"] for labels, _ in watching.query(PEERS[alert])}
