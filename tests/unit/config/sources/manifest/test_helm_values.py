"""Helm values of OpenTelemetry's charts are what the chart would make of them."""

import pytest

from tests.support.manifests import get_target, list_errors, list_faults, name_targets, read, secret

VALUES = """
mode: deployment
presets: {kubernetesAttributes: {enabled: true}}
image: {repository: otel/opentelemetry-collector-k8s}
config:
  receivers: {jaeger: null}
  exporters:
    otlp/pem:
      endpoint: backend:4317
      tls: {cert_file: /certs/tls.crt, key_file: /certs/tls.key}
      headers: {api-key: "${env:KEY}"}
  service:
    pipelines:
      traces: {receivers: [otlp], exporters: [otlp/pem]}
      metrics: null
extraEnvs: [{name: KEY, valueFrom: {secretKeyRef: {name: keys, key: k}}}]
extraVolumes: [{name: c, secret: {secretName: client}}]
extraVolumeMounts: [{name: c, mountPath: /certs}]
"""
SECRETS = (
    secret("client", tls_crt="certificate", tls_key="key").replace(", namespace: otel", ""),
    secret("keys", k="secret-value").replace(", namespace: otel", ""),
)


def test_values_with_their_secrets_are_one_target() -> None:
    """What the chart adds to the configuration is merged, and null removes it."""
    target = get_target(read(VALUES, *SECRETS))
    assert target.name == "Helm values: otlp/pem"
    assert dict(target.headers)["api-key"].reveal() == "secret-value"


def test_what_values_lack_is_named() -> None:
    """Of both Secrets."""
    errors = list_errors(read(VALUES))
    assert "Secret keys is not in the manifest: add it with: kubectl get secret keys" in errors


@pytest.mark.parametrize("path", ["opentelemetry-collector", "observability.gateway"])
def test_values_of_a_dependency_are_found(path: str) -> None:
    """An umbrella chart has them below the name of the dependency."""
    text = VALUES
    for key in reversed(path.split(".")):
        text = f"{key}:\n" + "".join(f"  {line}\n" for line in text.splitlines())
    assert name_targets(read(text, *SECRETS)) == [f"Helm values {path}: otlp/pem"]


def test_alternate_config_is_not_merged() -> None:
    """The chart then takes it as it is."""
    text = """
    config: {exporters: {otlp: {endpoint: "unused:4317"}}}
    alternateConfig:
      receivers: {otlp: {protocols: {grpc: }}}
      exporters: {otlp_http: {endpoint: "https://backend:4318"}}
      service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp_http]}}}
    """
    assert name_targets(read(text)) == ["Helm values: otlp_http"]


def test_what_only_helm_knows_leaves_its_exporter_unprobed() -> None:
    """The other one is probed."""
    text = """
    config:
      exporters:
        otlp/a: {endpoint: "{{ .Release.Name }}-gateway:4317"}
        otlp/b: {endpoint: "backend:4317"}
      service: {pipelines: {traces: {exporters: [otlp/a, otlp/b]}}}
    """
    content = read(text)
    assert name_targets(content) == ["Helm values: otlp/b"]
    assert "helm template NAME CHART -f values.yaml" in list_errors(content)


def test_a_key_in_values_has_its_line() -> None:
    """Though it was merged with the chart's own."""
    text = VALUES.replace("backend:4317", "nonsense")
    faults = list_faults(read(text, *SECRETS))
    line = next(n for n, each in enumerate(text.splitlines(), 1) if "nonsense" in each)
    assert f"deploy.yaml:{line}: exporters.otlp/pem.endpoint" in faults


def test_the_collectors_of_kube_stack_are_the_operators() -> None:
    """Each over the chart's general settings; what is not enabled is left out."""
    text = """
    defaultCRConfig:
      env: [{name: TOKEN, value: general-token}]
      config:
        exporters: {otlp/x: {endpoint: "gw:4317", headers: {authorization: "${env:TOKEN}"}}}
    collectors:
      daemon:
        suffix: daemon
        mode: daemonset
        config:
          receivers: {otlp: {protocols: {grpc: }}}
          service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp/x]}}}
      cluster: {enabled: false, config: {exporters: {otlp: {endpoint: "a:1"}}, service: {}}}
    """
    target = get_target(read(text))
    assert target.name == "OpenTelemetryCollector collectors.daemon: otlp/x"
    assert dict(target.headers)["authorization"].reveal() == "general-token"


def test_other_values_hold_nothing() -> None:
    """A `config` that is no Collector's is another chart's."""
    assert read("config: {level: debug}\nimage: {tag: x}").targets == ()


def test_the_charts_own_collectors_have_receivers() -> None:
    """Where values name exporters and pipelines alone."""
    text = """
    clusterName: demo
    collectors:
      daemon:
        config:
          exporters: {otlp: {endpoint: "ingest.example.com:443"}}
          service: {pipelines: {traces: {exporters: [debug, otlp]}}}
    """
    assert name_targets(read(text)) == ["OpenTelemetryCollector collectors.daemon: otlp"]
