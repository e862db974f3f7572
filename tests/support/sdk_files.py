"""Targets of an SDK's declarative file."""

from probe.config.sources.sdk.declarative_file import read_sdk_file
from probe.model.target import Target
from tests.support.reported_faults import targets_in

FULL = """
file_format: "1.0"
resource: {attributes: [{name: service.name, value: shop}]}
tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_grpc:
            endpoint: https://collector:4317
            tls: {ca_file: /ca, cert_file: /cert, key_file: /key}
            headers: [{name: api-key, value: "${TOKEN}"}, {name: gone, value: }]
            headers_list: "api-key=other,tenant=a%20b"
            compression: gzip
            timeout: 10000
    - simple: {exporter: {console: }}
meter_provider:
  readers:
    - periodic: {exporter: {otlp_http: {endpoint: "https://metrics:4318/v1/metrics"}}}
    - pull: {exporter: {prometheus/development: {port: 9464}}}
logger_provider:
  processors:
    - simple: {exporter: {otlp_http: }}
"""


def read(text: str, environ: dict[str, str] | None = None) -> tuple[Target, ...]:
    """Return the targets of the file."""
    return targets_in(read_sdk_file(text.encode(), "sdk.yaml", environ or {}))


def traces(kind: str, settings: str, environ: dict[str, str] | None = None) -> Target:
    """Return the target of one exporter of traces."""
    exporter = f"tracer_provider: {{processors: [{{batch: {{exporter: {{{kind}: {settings}}}}}}}]}}"
    (target,) = read(exporter, environ)
    return target
