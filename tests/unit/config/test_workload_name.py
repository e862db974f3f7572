"""A target of an SDK's own environment is called after its workload, so that an alert names it."""

from pathlib import Path

import pytest

from probe.config.loader import load_from_environment
from probe.config.workload_name import name_workload

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c:4317"}
POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOSTNAME": "checkout-7d4b-x2x"}


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, ""),
        ({"OTEL_SERVICE_NAME": "checkout"}, "checkout"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "team=a,service.name=cart"}, "cart"),
        ({"OTEL_SERVICE_NAME": "checkout", **POD, "K8S_POD_NAME": "pod-1"}, "checkout"),
        (
            {"OTEL_SERVICE_NAME": "checkout", "OTEL_RESOURCE_ATTRIBUTES": "service.name=b"},
            "checkout",
        ),
        ({"OTEL_SERVICE_NAME": " ", "K8S_POD_NAME": "pod-1"}, "pod-1"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "k8s.pod.name=pod-2"}, "pod-2"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "not a pair", "K8S_POD_NAME": "pod-1"}, "pod-1"),
        (POD, "checkout-7d4b-x2x"),
        ({"OTEL_SERVICE_NAME": "mtls-probe", **POD}, "checkout-7d4b-x2x"),
        (
            {"OTEL_SERVICE_NAME": "mtls-probe", "OTEL_RESOURCE_ATTRIBUTES": "service.name=cart"},
            "cart",
        ),
        ({"OTEL_SERVICE_NAME": "mtls-probe"}, ""),
        ({"HOSTNAME": "laptop"}, ""),
        ({"OTEL_SERVICE_NAME": "a\x1b[31mb"}, "a\\x1b[31mb"),
    ],
)
def test_a_workload_is_called_after_its_service_or_its_pod(
    environ: dict[str, str], name: str
) -> None:
    """The service's name comes first; the name of a machine is none."""
    assert name_workload(environ) == name


def test_each_signal_of_its_own_has_the_name_with_its_signal() -> None:
    """`checkout` stands for those that share one endpoint, `checkout-logs` for logs alone."""
    logs = {
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "https://logs:4317",
        "OTEL_SERVICE_NAME": "checkout",
    }
    found = load_from_environment({**ENDPOINT, **logs}).targets
    assert {target.name for target in found} == {"checkout", "checkout-logs"}


def test_nobody_to_name_it_after_is_sdk() -> None:
    """Outside of a pod, without a service's name."""
    assert [target.name for target in load_from_environment(ENDPOINT).targets] == ["sdk"]


def test_a_declarative_file_of_the_environment_is_of_the_same_workload(tmp_path: Path) -> None:
    """OTEL_CONFIG_FILE replaces the variables, and not whose they are."""
    file = tmp_path / "sdk.yaml"
    file.write_text(
        "tracer_provider: {processors: [{batch: {exporter: {otlp_grpc: {endpoint: 'https://c:4317'}}}}]}"
    )
    environ = {"OTEL_CONFIG_FILE": str(file), "OTEL_SERVICE_NAME": "checkout"}
    (target,) = load_from_environment(environ).targets
    assert target.name == "checkout-traces"
