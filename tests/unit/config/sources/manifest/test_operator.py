"""An OpenTelemetryCollector is the pod that the operator makes of it."""

import pytest

from probe.model.surroundings import Container
from tests.support.manifests import (
    CLIENT,
    MTLS,
    collector_config,
    config_map,
    deployment,
    get_target,
    list_errors,
    list_faults,
    name_targets,
    read,
)

CONFIG = collector_config({"otlp/pem": f"{{endpoint: '${{env:HOST}}:4317', tls: {MTLS}}}"})


def indent(text: str, width: int) -> str:
    """Return `text` with each line moved to the right."""
    return "".join(" " * width + line for line in text.splitlines(keepends=True))


def collector(version: str, spec: str = "", name: str = "gw") -> str:
    """Return an object of the operator, with its configuration as text or as a structure."""
    written = "config: |" if version == "v1alpha1" else "config:"
    return f"""
apiVersion: opentelemetry.io/{version}
kind: OpenTelemetryCollector
metadata: {{name: {name}, namespace: otel}}
spec:
  env: [{{name: HOST, value: backend}}]
  volumes: [{{name: certs, secret: {{secretName: client}}}}]
  volumeMounts: [{{name: certs, mountPath: /certs}}]
{indent(spec, 2)}  {written}
{indent(CONFIG, 4)}"""


@pytest.mark.parametrize("version", ["v1alpha1", "v1beta1"])
def test_both_versions_give_the_same_target(version: str) -> None:
    """Text in the older one, a structure in the newer one; variables and files are its container's."""
    target = get_target(read(collector(version), CLIENT))
    assert target.name == "OpenTelemetryCollector otel/gw: otlp/pem"
    assert str(target.endpoint) == "backend:4317"
    assert isinstance(target.runs_in, Container)
    assert target.runs_in.name == "OpenTelemetryCollector otel/gw, container otc-container"


def test_errors_of_a_structure_have_the_lines_of_the_manifest() -> None:
    """So that they are found."""
    text = collector("v1beta1").replace("4317", "nonsense")
    faults = list_faults(read(text, CLIENT))
    line = next(n for n, each in enumerate(text.splitlines(), 1) if "nonsense" in each)
    assert f"deploy.yaml:{line}: exporters.otlp/pem.endpoint" in faults


def test_what_the_operator_generated_is_not_read_again() -> None:
    """Its Deployment and its ConfigMap belong to the object."""
    owned = ", ownerReferences: [{kind: OpenTelemetryCollector, name: gw, controller: true}]"
    made = deployment(
        "name: otc-container\nargs: [--config=/conf/relay.yaml]\n"
        "volumeMounts: [{name: conf, mountPath: /conf}]",
        "volumes: [{name: conf, configMap: {name: gateway}}]",
    ).replace("namespace: otel}", f"namespace: otel{owned}}}")
    content = read(collector("v1beta1"), made, config_map(CONFIG, meta=owned), CLIENT)
    assert name_targets(content) == ["OpenTelemetryCollector otel/gw: otlp/pem"]


def test_a_sidecar_without_a_workload_has_no_pod() -> None:
    """So it exports nothing."""
    assert read(collector("v1beta1", "mode: sidecar\n"), CLIENT).targets == ()


@pytest.mark.parametrize("asked", ["true", "gw", "otel/gw"])
def test_a_sidecar_is_a_container_of_the_annotated_pod(asked: str) -> None:
    """With the volumes of its object."""
    annotations = f'{{sidecar.opentelemetry.io/inject: "{asked}"}}'
    pod = deployment("name: app", annotations=annotations, name="shop")
    target = get_target(read(collector("v1beta1", "mode: sidecar\n"), pod, CLIENT))
    assert target.name == "Deployment otel/shop: otlp/pem"
    assert isinstance(target.runs_in, Container)
    assert target.runs_in.name == "Deployment otel/shop, container otc-container"


def test_a_sidecar_that_is_not_there_is_named() -> None:
    """And one of another mode is none."""
    annotations = "{sidecar.opentelemetry.io/inject: gw}"
    pod = deployment("name: app", annotations=annotations)
    assert "kubectl get opentelemetrycollectors gw -n otel" in list_errors(read(pod))
    content = read(collector("v1beta1", "mode: daemonset\n"), pod, CLIENT)
    assert "OpenTelemetryCollector otel/gw is not one whose mode is sidecar" in list_errors(content)


def test_further_arguments_and_config_maps_are_the_containers() -> None:
    """`args.config` is ignored by the operator; `configmaps` are mounted below /var/conf."""
    spec = (
        "args: {config: /elsewhere.yaml, set: exporters.otlp/pem.tls.ca_file=/var/conf/configmap-ca/ca.crt}\n"
        "configmaps: [{name: ca, mountpath: /}]\n"
    )
    ca = "kind: ConfigMap\nmetadata: {name: ca, namespace: otel}\ndata: {ca.crt: x}"
    target = get_target(read(collector("v1beta1", spec), CLIENT, ca))
    assert target.tls.ca_file == "/var/conf/configmap-ca/ca.crt"
