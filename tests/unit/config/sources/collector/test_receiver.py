"""Which certificate files a Collector's OTLP receivers serve, and where."""

import pytest

from probe.config.sources.collector.receiver import ServedCertificate
from probe.model.target import Endpoint
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
            receiver="otlp",
            endpoint=Endpoint("127.0.0.1", 4317),
            protocol="grpc",
            cert_file="/certs/tls.crt",
            key_file="/tls.key",
            client_ca_file="/ca.crt",
            client_ca_file_reload=True,
            reload_interval=3600.0,
        ),
        ServedCertificate(
            receiver="otlp",
            endpoint=Endpoint("localhost", 4318),
            protocol="http/protobuf",
            cert_file="/http.crt",
            key_file="/http.key",
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
    ],
)
def test_an_address_for_all_interfaces_is_the_loopback(
    listen: str, endpoint: Endpoint | None
) -> None:
    """What cannot be connected to is left out."""
    found = reading(RECEIVERS.replace("0.0.0.0:4317", f"'{listen}'")).served
    assert [each.endpoint for each in found if each.protocol == "grpc"] == (
        [] if endpoint is None else [endpoint]
    )


def test_receivers_that_cannot_be_read_are_a_warning() -> None:
    """The exporters do not depend on them."""
    text = with_exporter("otlp", "endpoint: c:4317").replace("{exp", "{receivers: [otlp], exp")
    found = reading(f"receivers: {{otlp: '${{file:/no}}'}}\n{text}")
    assert (len(found.targets), found.served) == (1, ())
    assert "the receivers cannot be read" in found.warnings[0]
