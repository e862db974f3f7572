"""Which certificate files a Collector's OTLP receivers serve, and where."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from probe.config.loader import load_configuration
from probe.config.sources.collector.receiver import ServedCertificate, assign_served_files
from probe.model.surroundings import Container
from probe.model.target import Endpoint, Secret, ServerCertificateFile, Target
from tests.support.collector_texts import reading, with_exporter

PARTS = pytest.mark.parametrize

RECEIVERS = """
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
        tls:
          cert_file: ${env:CERTS}/tls.crt
          key_file: /tls.key
          client_ca_file: /ca.crt
          client_ca_file_reload: true
          reload_interval: 1h
      http:
        tls: {cert_file: /http.crt, key_file: /http.key}
  otlp/clear: {protocols: {grpc: }}
  otlp/pem: {protocols: {grpc: {tls: {cert_pem: x, key_pem: y}}}}
  otlp/unused: {protocols: {grpc: {tls: {cert_file: /x}}}}
  otlp/unix: {protocols: {grpc: {transport: unix, endpoint: /x, tls: {cert_file: /x}}}}
  zipkin: {tls: {cert_file: /x}}
service:
  pipelines:
    traces: {receivers: [otlp, otlp/clear, otlp/pem, otlp/unix, zipkin], exporters: [debug]}
"""


def test_what_receivers_serve_is_known() -> None:
    """Each protocol with a certificate file, at an address that can be connected to."""
    assert reading(RECEIVERS, environ={"CERTS": "/certs"}).served == (
        ServedCertificate(
            Endpoint("127.0.0.1", 4317),
            ServerCertificateFile(
                "/certs/tls.crt", "otlp", 3600.0, "collector.yaml", "/tls.key", "/ca.crt", True
            ),
        ),
        ServedCertificate(
            Endpoint("localhost", 4318),
            ServerCertificateFile(
                "/http.crt", "otlp", settings_file="collector.yaml", key_file="/http.key"
            ),
        ),
    )


@PARTS(
    ("listen", "endpoint"),
    [
        ("0.0.0.0:4317", Endpoint("127.0.0.1", 4317)),
        (":4317", Endpoint("127.0.0.1", 4317)),
        ("[::]:4317", Endpoint("::1", 4317)),
        ("10.0.0.1:4317", Endpoint("10.0.0.1", 4317)),
        ("nonsense", None),
        ("c:0", None),
        ("0.0.0.0:4317 ", None),
    ],
)
def test_an_address_for_all_interfaces_is_the_loopback(
    listen: str, endpoint: Endpoint | None
) -> None:
    """What cannot be connected to is left out."""
    found = reading(RECEIVERS.replace("0.0.0.0:4317", f"'{listen}'")).served
    assert [each.endpoint for each in found if each.endpoint.port != 4318] == (
        [] if endpoint is None else [endpoint]
    )


def test_receivers_that_cannot_be_read_are_a_warning() -> None:
    """The exporters are probed all the same; that the Collector does not start is a result."""
    text = with_exporter("otlp", "endpoint: c:4317").replace("[nop]", "[otlp]")
    found = reading(text, "receivers: {otlp: '${file:/no}'}")
    assert [bool(target.faults) for target in found.targets] == [False, True]
    assert found.served == ()
    assert "the receivers cannot be read" in found.warnings[0]


FILE = ServerCertificateFile("/etc/otelcol/server.crt", "otlp", 60.0)
RECEIVER = ServedCertificate(Endpoint("127.0.0.1", 4317), FILE)


def found(
    host: str, port: int = 4317, served: ServedCertificate = RECEIVER, **settings: Any
) -> ServerCertificateFile | None:
    """Return the file that a target to `host` and `port` gets."""
    target = replace(Target(name="t", endpoint=Endpoint(host, port)), **settings)
    (joined,) = assign_served_files([target], [served], "node-7")
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
        ("localhost", 4317, {"runs_in": Container(name="Pod a, container b")}),
    ],
)
def test_another_host_or_port_or_way_is_not(
    host: str, port: int, settings: dict[str, object]
) -> None:
    """The certificate of another machine is a file there; and without TLS none is served."""
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
        "otlp": ServerCertificateFile(
            "/srv/a.crt", "otlp", settings_file=str(collector), key_file="/srv/a.key"
        ),
        "otlp/far": None,
    }
