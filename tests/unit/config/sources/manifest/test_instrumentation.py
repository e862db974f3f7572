"""What the operator injects into the pods of others, as its webhook does it."""

import pytest

from tests.support.manifests import get_target, list_errors, name_targets, read, secret

PREFIX = "instrumentation.opentelemetry.io"
INSTRUMENTATION = """
apiVersion: opentelemetry.io/v1alpha1
kind: Instrumentation
metadata: {name: inst, namespace: shop}
spec:
  exporter:
    endpoint: https://gateway.otel:4317
    tls: {secretName: app, ca_file: ca.crt, cert_file: tls.crt, key_file: tls.key}
  env: [{name: OTEL_EXPORTER_OTLP_TIMEOUT, value: "20"}]
  python: {env: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "https://py:4318"}]}
  java: {image: IMAGE}
"""
INSTRUMENTATION = INSTRUMENTATION.replace("IMAGE", "registry/autoinstrumentation-java:2.10.0")
FILES = secret("app", "shop", tls_crt="certificate", tls_key="key", ca_crt="ca")
FOLDER = "/otel-auto-instrumentation-secret-app"


def app(annotations: str, container: str = "name: app", namespace: str = "shop") -> str:
    """Return a Deployment whose pods have two containers."""
    return f"""
kind: Deployment
metadata: {{name: cart, namespace: {namespace}}}
spec:
  template:
    metadata: {{annotations: {annotations}}}
    spec: {{containers: [{{{container}}}, {{name: side}}]}}
"""


def ask(language: str, value: str = "true", more: str = "") -> str:
    """Return the annotations that ask for an SDK."""
    return f'{{{PREFIX}/inject-{language}: "{value}"{more}}}'


@pytest.mark.parametrize(
    ("language", "exporter", "endpoint"),
    [
        ("java", "java-okhttp", "gateway.otel:4317"),
        ("nodejs", "node-http", "gateway.otel:4317"),
        ("python", "python-http", "py:4318"),
        ("dotnet", "dotnet", "gateway.otel:4317"),
        ("go", "go-http", "gateway.otel:4317"),
    ],
)
def test_each_language_has_its_exporter_and_default(
    language: str, exporter: str, endpoint: str
) -> None:
    """Its own variables come before the general ones, and its files from the Secret that is mounted."""
    target = get_target(read(INSTRUMENTATION, app(ask(language)), FILES))
    assert target.name == "Deployment shop/cart: sdk"
    assert (target.exporter, target.protocol) == (exporter, "http/protobuf")
    assert str(target.endpoint) == endpoint
    tls = target.tls
    assert (tls.ca_file, tls.cert_file, tls.key_file) == (
        f"{FOLDER}/ca.crt",
        f"{FOLDER}/tls.crt",
        f"{FOLDER}/tls.key",
    )


def test_an_agent_of_java_before_version_2_speaks_grpc() -> None:
    """The image says which."""
    old = INSTRUMENTATION.replace(":2.10.0", ":1.33.6")
    target = get_target(read(old, app(ask("java")), FILES))
    assert target.protocol == "grpc"
    assert any("before 2.0" in note for note in target.notes)


def test_what_the_container_sets_itself_stays() -> None:
    """The webhook adds, and replaces nothing."""
    own = "name: app, env: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'https://own:4318'}]"
    target = get_target(read(INSTRUMENTATION, app(ask("java"), own), FILES))
    assert str(target.endpoint) == "own:4318"


@pytest.mark.parametrize("value", ["inst", "shop/inst", "true", "True"])
def test_an_instrumentation_is_chosen_by_name_or_as_the_only_one(value: str) -> None:
    """In its own namespace, or in the one that is named."""
    assert len(read(INSTRUMENTATION, app(ask("java", value)), FILES).targets) == 1


def test_an_instrumentation_of_another_namespace_reads_the_secret_of_the_pod() -> None:
    """A pod mounts nothing of another namespace."""
    other = app(ask("java", "shop/inst"), namespace="blog")
    assert "Secret blog/app is not in the manifest" in list_errors(
        read(INSTRUMENTATION, other, FILES)
    )


def test_an_instrumentation_that_is_not_there_is_named() -> None:
    """With the command that adds it."""
    errors = list_errors(read(app(ask("java"))))
    assert "kubectl get instrumentations -n shop -o yaml" in errors
    errors = list_errors(read(app(ask("java", "other/one"))))
    assert "Instrumentation other/one is not in the manifest" in errors
    assert "kubectl get instrumentations one -n other -o yaml" in errors


def test_another_container_of_such_a_pod_is_read() -> None:
    """Nothing would be injected into it."""
    both = app(ask("java")).replace(
        "{name: side}",
        "{name: side, env: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'https://x:4318'}]}",
    )
    content = read(both)
    assert name_targets(content) == ["Deployment shop/cart: sdk"]
    assert "Instrumentation in namespace shop" in list_errors(content)


def test_of_several_the_operator_chooses_none() -> None:
    """So nothing is injected, which is an error and no silence."""
    second = INSTRUMENTATION.replace("name: inst", "name: second")
    errors = list_errors(read(INSTRUMENTATION, second, app(ask("java")), FILES))
    assert "(inst, second), and the operator chooses none" in errors


def test_containers_are_named_by_annotation() -> None:
    """Without one it is the first."""
    both = ask("nodejs", more=f', {PREFIX}/container-names: "app,side"')
    assert name_targets(read(INSTRUMENTATION, app(both), FILES)) == [
        "Deployment shop/cart/app: sdk",
        "Deployment shop/cart/side: sdk",
    ]
    own = ask("nodejs", more=f", {PREFIX}/nodejs-container-names: side")
    assert name_targets(read(INSTRUMENTATION, app(own), FILES)) == ["Deployment shop/cart: sdk"]


@pytest.mark.parametrize(
    ("namespace", "pod", "injected"),
    [
        ('{P/inject-java: "true"}', "{}", True),
        ('{P/inject-java: "true"}', '{P/inject-java: "false"}', False),
        ('{P/inject-java: "false"}', '{P/inject-java: "true"}', True),
        ("{P/inject-java: inst}", '{P/inject-java: "true"}', True),
    ],
)
def test_a_namespace_can_ask_for_all_its_pods(namespace: str, pod: str, injected: bool) -> None:
    """The more definite of both counts."""
    held = f"kind: Namespace\nmetadata: {{name: shop, annotations: {namespace}}}"
    documents = [text.replace("{P/", f"{{{PREFIX}/") for text in (held, app(pod))]
    content = read(INSTRUMENTATION, *documents, FILES)
    assert len(content.targets) == int(injected)
    assert content.errors == ()


def test_a_pod_that_the_webhook_has_changed_is_read_as_it_is() -> None:
    """`kubectl get pods` shows what is there."""
    changed = app(
        ask("java"),
        "name: app, env: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'https://x:4318'}]",
    )
    changed = changed.replace(
        "spec: {containers", "spec: {initContainers: [{name: opentelemetry-auto-instrumentation-java}], containers"
    )  # fmt: skip
    target = get_target(read(INSTRUMENTATION, changed))
    assert str(target.endpoint) == "x:4318"
    assert target.tls.cert_file is None


def test_what_is_mounted_shows_the_language_of_a_changed_pod() -> None:
    """And the image of the init container which version its agent has."""
    text = """
kind: Pod
metadata: {name: cart-1, namespace: shop}
spec:
  initContainers:
  - {name: opentelemetry-auto-instrumentation-java, image: "registry/autoinstrumentation-java:1.33.6"}
  containers:
  - name: app
    env: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "https://x:4317"}]
    volumeMounts: [{name: opentelemetry-auto-instrumentation-java, mountPath: /otel-auto}]
  volumes: [{name: opentelemetry-auto-instrumentation-java, emptyDir: {}}]
"""
    target = get_target(read(text))
    assert (target.name, target.exporter, target.protocol) == (
        "Pod shop/cart-1: sdk",
        "java-okhttp",
        "grpc",
    )
