"""A target that is a receiver on this host gets the file that its certificate is read from."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from probe.config.configuration import load_configuration
from probe.config.served_locally import with_served_files
from probe.config.sources.collector.receiver import ServedCertificate
from probe.model.target import Endpoint, Secret, ServerCertificateFile, Target

RECEIVER = ServedCertificate(
    receiver="otlp",
    endpoint=Endpoint("127.0.0.1", 4317),
    protocol="grpc",
    cert_file="/etc/otelcol/server.crt",
    reload_interval=60.0,
)
FILE = ServerCertificateFile("/etc/otelcol/server.crt", "otlp", 60.0)


def found(
    host: str, port: int = 4317, served: ServedCertificate = RECEIVER, **settings: Any
) -> ServerCertificateFile | None:
    """Return the file that a target to `host` and `port` gets."""
    target = replace(Target(name="t", endpoint=Endpoint(host, port)), **settings)
    (joined,) = with_served_files([target], [served], "node-7")
    return joined.server_certificate_file


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "LOCALHOST", "node-7"])
def test_a_target_on_this_host_is_the_receivers(host: str) -> None:
    """By any name of loopback, and by the host's own."""
    assert found(host) == FILE


@pytest.mark.parametrize(
    ("host", "port", "settings"),
    [
        ("collector.example.com", 4317, {}),
        ("localhost", 4318, {}),
        ("localhost", 4317, {"proxy_url": Secret("http://proxy:3128")}),
        ("localhost", 4317, {"endpoint": Endpoint("localhost", 4317, scheme="http")}),
    ],
)
def test_another_host_or_port_or_way_is_not(
    host: str, port: int, settings: dict[str, object]
) -> None:
    """What another machine serves lies on another machine; and in clear nothing is served."""
    assert found(host, port, **settings) is None


def test_a_receiver_that_listens_on_one_address_is_found_by_it() -> None:
    """And by no name of loopback."""
    outside = replace(RECEIVER, endpoint=Endpoint("192.0.2.7", 4317))
    assert found("192.0.2.7", served=outside) == FILE
    assert found("localhost", served=outside) is None


def test_the_file_that_the_user_names_counts_first(tmp_path: Path) -> None:
    """`server_cert_file` of a target; a Collector's own is found where none is named."""
    collector = tmp_path / "collector.yaml"
    collector.write_text(
        "receivers: {otlp: {protocols: {grpc: {endpoint: '0.0.0.0:4317', "
        "tls: {cert_file: /srv/a.crt, key_file: /srv/a.key}}}}}\n"
        "exporters: {otlp: {endpoint: 'localhost:4317'}, otlp/far: {endpoint: 'c.example:4317'}}\n"
        "service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp, otlp/far]}}}\n"
    )
    file = tmp_path / "probe.yaml"
    file.write_text(
        "targets: [{name: own, endpoint: 'localhost:4317', server_cert_file: /srv/own.crt,"
        " tls: {ca_file: /ca}}]\n"
        f"sources: [{{collector: {collector}}}]\n"
    )

    targets = load_configuration(file, {}).targets

    assert {target.name: target.server_certificate_file for target in targets} == {
        "own": ServerCertificateFile("/srv/own.crt"),
        "otlp": ServerCertificateFile("/srv/a.crt", "otlp"),
        "otlp/far": None,
    }
