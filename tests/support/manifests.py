"""Kubernetes objects written as texts, and what the probe reads from them."""

import textwrap

from probe.config.source_content import SourceContent
from probe.config.sources.manifest.read_manifest import read_manifest
from probe.model.target import Target

PIPELINES = """\
receivers: {otlp: {protocols: {grpc: }}}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [NAMES]}
"""
MTLS = "{ca_file: /certs/ca.crt, cert_file: /certs/tls.crt, key_file: /certs/tls.key}"


def collector_config(exporters: dict[str, str]) -> str:
    """Return a Collector's configuration with these exporters, each given as flow YAML."""
    lines = "".join(f"  {name}: {settings}\n" for name, settings in exporters.items())
    return f"exporters:\n{lines}{PIPELINES.replace('NAMES', ', '.join(exporters))}"


def config_map(config: str, name: str = "gateway", key: str = "relay.yaml", meta: str = "") -> str:
    """Return a ConfigMap with one key."""
    body = textwrap.indent(config, "    ")
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: otel{meta}}}\n"
        f"data:\n  {key}: |\n{body}"
    )


def secret(name: str = "client", namespace: str = "otel", **data: str) -> str:
    """Return a Secret; `tls_crt` is the key tls.crt."""
    held = "".join(f"  {key.replace('_', '.')}: {value!r}\n" for key, value in data.items())
    return (
        f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
        f"stringData:\n{held}"
    )


CLIENT = secret(tls_crt="certificate", tls_key="key", ca_crt="ca")


def deployment(
    container: str, volumes: str = "", *, name: str = "gateway", kind: str = "Deployment",
    annotations: str = "{}", namespace: str = "otel",
) -> str:  # fmt: skip
    """Return a workload with one container, whose keys `container` has."""
    held = textwrap.indent(textwrap.dedent(container), "        ").strip()
    mounted = textwrap.indent(textwrap.dedent(volumes), "      ").rstrip()
    return (
        f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
        f"spec:\n  template:\n    metadata: {{annotations: {annotations}}}\n    spec:\n"
        f"      containers:\n      - {held}\n{mounted}\n"
    )


GATEWAY = deployment(
    """\
    name: collector
    image: otel/opentelemetry-collector-contrib:0.150.0
    args: [--config=/conf/relay.yaml]
    volumeMounts:
    - {name: conf, mountPath: /conf}
    - {name: certs, mountPath: /certs}
    """,
    """\
    volumes:
    - {name: conf, configMap: {name: gateway}}
    - {name: certs, secret: {secretName: client}}
    """,
)


def read(*documents: str | bytes, exporter: str = "collector") -> SourceContent:
    """Return what one file with these documents gives."""
    raw = b"\n---\n".join(
        one if isinstance(one, bytes) else textwrap.dedent(one).encode() for one in documents
    )
    return read_manifest(["deploy.yaml"], {"deploy.yaml": raw}.__getitem__, exporter=exporter)


def name_targets(content: SourceContent) -> list[str]:
    """Return the names of the targets, in order."""
    return [target.name for target in content.targets]


def get_target(content: SourceContent) -> Target:
    """Return the only target; there must be no error."""
    assert [str(error) for error in content.errors] == []
    (target,) = content.targets
    return target


def list_errors(content: SourceContent) -> str:
    """Return all errors as one text."""
    return "\n".join(map(str, content.errors))


def list_faults(content: SourceContent) -> str:
    """Return all that is wrong with settings, whether a target has it or the source."""
    facts = (fault.fact for target in content.targets for fault in target.faults)
    return "\n".join((*facts, list_errors(content)))
