"""config/compose.yaml is valid, its files exist, and its services work together.

No container runs here: the certificates are made by the very script, and the Collector and the
probe run as processes with the files and variables that the containers would have.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.config.manifests import dump, load
from tests.lab.servers import HOST, run_collector

EXPORTER = "/etc/otel"
SERVICES = {"certificates", "collector", "mtls-probe", "prometheus", "alertmanager", "grafana"}


@pytest.fixture(scope="session")
def project(compose: Path, config: Path) -> dict[str, Any]:
    """The project as the Compose specification's own loader reads it."""
    command = [compose, "-format", "json", config / "compose.yaml"]
    # This program resolves relative paths from its working directory, docker compose from the file's folder.
    ended = subprocess.run(command, cwd=config, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    model: dict[str, Any] = json.loads(ended.stdout)
    return model


def certificates(
    config: Path, folder: Path, command: str = "once"
) -> subprocess.CompletedProcess[str]:
    """Run the script of the service `certificates`, its volumes in `folder`."""
    return subprocess.run(
        ["sh", config / "compose" / "certificates.sh", command],
        env={**os.environ, "TLS": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_loader_sees_mistakes(compose: Path, config: Path, tmp_path: Path) -> None:
    """A misspelt key and a value of the wrong type are refused."""
    for mistake in ({"restrt": "always"}, {"volumes": "data"}):
        [model] = load((config / "compose.yaml").read_text(encoding="utf-8"))
        model["services"]["grafana"] |= mistake
        dump(model, tmp_path / "compose.yaml")
        assert subprocess.run(
            [compose, tmp_path / "compose.yaml"], capture_output=True, check=False
        ).returncode


def test_every_service_is_there(project: Mapping[str, Any]) -> None:
    """Every service, each with a fixed version of its image."""
    services = project["services"]
    assert services.keys() == SERVICES
    for name, service in services.items():
        assert re.fullmatch(r"[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?", service["image"]), name


def test_every_mounted_file_exists(project: Mapping[str, Any]) -> None:
    """Docker would make an empty folder of a path that does not exist."""
    mounts = [mount for each in project["services"].values() for mount in each.get("volumes", ())]
    bound = [Path(mount["source"]) for mount in mounts if mount["type"] == "bind"]
    assert len(bound) == 6
    assert [path for path in bound if not path.exists()] == []
    named = {mount["source"] for mount in mounts if mount["type"] == "volume"}
    assert named == project["volumes"].keys()


def test_nothing_is_open_to_the_network(project: Mapping[str, Any]) -> None:
    """Pages without a login are published on loopback only."""
    ports = [port for each in project["services"].values() for port in each.get("ports", ())]
    assert {port["published"] for port in ports} == {"9943", "9090", "9093", "3000"}
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_the_probe_is_closed_and_waits_for_its_files(project: Mapping[str, Any]) -> None:
    """It writes nothing, and needs no capability and no configuration file."""
    service = project["services"]["mtls-probe"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("command") is None
    waits = service["depends_on"]["certificates"]["condition"]
    assert waits == "service_completed_successfully"


def test_the_image_of_the_collector_is_the_one_under_test(
    project: Mapping[str, Any], config: Path
) -> None:
    """The version that the lab's tests build is the version that Compose pulls."""
    manifest = config.parent / "tests" / "lab" / "collector" / "builder.yaml"
    found = re.search(r"otlpreceiver v(\S+)", manifest.read_text(encoding="utf-8"))
    assert found
    image = project["services"]["collector"]["image"]
    assert image == f"otel/opentelemetry-collector:{found[1]}"


def test_prometheus_takes_its_configuration(config: Path, program: Callable[[str], str]) -> None:
    """It passes promtool, which finds the rules too."""
    command = [program("promtool"), "check", "config", str(config / "prometheus/prometheus.yml")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "rule files found" in checked.stdout


def test_the_names_in_the_configurations_are_services(config: Path) -> None:
    """Prometheus scrapes the probe and sends to Alertmanager; Grafana queries Prometheus."""
    [prometheus] = load((config / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    [[job], [manager]] = (
        [each["static_configs"][0]["targets"] for each in found]
        for found in (prometheus["scrape_configs"], prometheus["alerting"]["alertmanagers"])
    )
    assert (job, manager) == (["mtls-probe:9943"], ["alertmanager:9093"])
    provisioning = config.parent / "grafana/provisioning/datasources/prometheus.yaml"
    [grafana] = load(provisioning.read_text(encoding="utf-8"))
    [source] = grafana["datasources"]
    assert source["url"] == "http://prometheus:9090"


def test_alertmanager_takes_its_configuration(config: Path, program: Callable[[str], str]) -> None:
    """amtool, where it is installed, finds nothing wrong."""
    file = config / "alertmanager" / "alertmanager.yml"
    command = [program("amtool"), "check-config", str(file)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_alertmanager_routes_to_a_receiver_that_exists(config: Path) -> None:
    """The minimum, checked also where amtool is not installed."""
    [manager] = load((config / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8"))
    assert manager["route"]["receiver"] in {each["name"] for each in manager["receivers"]}


def test_the_script_keeps_what_is_there(config: Path, tmp_path: Path) -> None:
    """A second start makes nothing new; only the owner can read keys; an unknown argument is an error."""
    assert certificates(config, tmp_path).returncode == 0
    files = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    assert certificates(config, tmp_path).returncode == 0
    assert {path: path.read_bytes() for path in files} == files
    keys = list(tmp_path.rglob("*.key"))
    assert len(keys) == 4
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
    assert certificates(config, tmp_path, "all").returncode == 2


def test_from_the_script_to_the_cause(
    project: Mapping[str, Any], config: Path, otelcol: Path, tmp_path: Path
) -> None:
    """With the service's variables the probe is confirmed; with another trusted CA, it names the cause."""
    tls = tmp_path / "tls"
    assert certificates(config, tls).returncode == 0

    assert check(project, config, otelcol, tls, tmp_path) == ("confirmed", None)

    assert certificates(config, tls, "another-client-ca").returncode == 0
    assert check(project, config, otelcol, tls, tmp_path) == ("failed", "client_ca_untrusted")

    assert certificates(config, tls, "client-ca").returncode == 0
    assert check(project, config, otelcol, tls, tmp_path) == ("confirmed", None)


def check(
    project: Mapping[str, Any], config: Path, otelcol: Path, tls: Path, folder: Path
) -> tuple[str, str | None]:
    """Start the Collector of the example, probe it once with the service's variables."""
    text = (config / "otelcol" / "collector.yaml").read_text(encoding="utf-8")
    text = text.replace("/etc/otelcol/tls/", f"{tls}/collector/")
    text = re.sub(r"0\.0\.0\.0:\d+", f"{HOST}:0", text)
    (folder / "collector.yaml").write_text(text, encoding="utf-8")
    arguments = [f"--config={folder / 'collector.yaml'}"]
    with run_collector(otelcol, arguments, folder / "collector.log") as running:
        variables = project["services"]["mtls-probe"]["environment"]
        environ = {
            name: value.replace(f"{EXPORTER}/", f"{tls}/exporter/").replace(
                "//collector:4317", f"//localhost:{running.grpc_port}"
            )
            for name, value in variables.items()
        }
        environ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc"  # what port 4317 stands for
        ended = subprocess.run(
            [sys.executable, "-m", "probe", "check", "--output", "json"],
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    [result] = json.loads(ended.stdout)["results"]
    return result["outcome"], result["cause"]
