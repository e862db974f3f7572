"""The exporters of a manifest become targets, with the files that their containers would see."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.config.source_content import SourceContent
from probe.config.sources.manifest.read_manifest import read_manifest
from probe.model.surroundings import Container
from tests.support.manifests import (
    CLIENT,
    GATEWAY,
    MTLS,
    collector_config,
    config_map,
    deployment,
    get_target,
    list_errors,
    name_targets,
    read,
    secret,
)

CONFIG = collector_config({"otlp_grpc/pem": f"{{endpoint: 'backend:4317', tls: {MTLS}}}"})


def files_of(content: SourceContent) -> dict[str, bytes]:
    """Return the files that the container of the only target sees."""
    runs_in = get_target(content).runs_in
    assert isinstance(runs_in, Container)
    return {file.path: file.content for file in runs_in.files}


def test_a_collector_is_read_through_its_volumes_and_arguments() -> None:
    """ConfigMap, Deployment and Secret of one stream, in whatever order, are one target."""
    for documents in ([config_map(CONFIG), GATEWAY, CLIENT], [CLIENT, GATEWAY, config_map(CONFIG)]):
        content = read(*documents)
        target = get_target(content)
        assert target.name == "Deployment otel/gateway: otlp_grpc/pem"
        assert str(target.endpoint) == "backend:4317"
        assert files_of(content)["/certs/tls.key"] == b"key"
        assert [str(one) for one in target.sources] == [
            "collector ConfigMap otel/gateway, key relay.yaml of Deployment otel/gateway, "
            "container collector"
        ]


def test_a_missing_secret_leaves_its_target_unprobed_and_is_named() -> None:
    """With the command that adds it; the neighbour, which needs no file of it, is probed."""
    config = collector_config(
        {
            "otlp/pem": f"{{endpoint: 'backend:4317', tls: {MTLS}}}",
            "otlp/plain": "{endpoint: 'other:4317', tls: {insecure: true}}",
        }
    )
    content = read(config_map(config), GATEWAY)
    assert name_targets(content) == ["Deployment otel/gateway: otlp/plain"]
    errors = list_errors(content)
    assert "otlp/pem: cert_file /certs/tls.crt" in errors
    assert "Secret otel/client is not in the manifest" in errors
    assert "kubectl get secret -n otel client -o yaml" in errors


@pytest.mark.parametrize(
    ("maker", "named"),
    [
        (
            "kind: Certificate\nmetadata: {name: c, namespace: otel}\nspec: {secretName: client}",
            "c",
        ),
        (
            "kind: ExternalSecret\nmetadata: {name: e, namespace: otel}\n"
            "spec: {target: {name: client}}",
            "e",
        ),
        ("kind: SealedSecret\nmetadata: {name: client, namespace: otel}", "client"),
    ],
)
def test_what_makes_a_missing_secret_is_named(maker: str, named: str) -> None:
    """cert-manager and others make it in the cluster only."""
    errors = list_errors(read(config_map(CONFIG), GATEWAY, maker))
    kind = maker.split()[1]
    assert f"({kind} otel/{named} makes it in the cluster)" in errors


def test_two_namespaces_have_two_secrets_of_one_name() -> None:
    """The workload's own counts."""
    other = secret(namespace="shop", tls_crt="other", tls_key="other", ca_crt="other")
    assert files_of(read(other, config_map(CONFIG), GATEWAY, CLIENT))["/certs/tls.crt"] == (
        b"certificate"
    )
    errors = list_errors(read(other, config_map(CONFIG), GATEWAY))
    assert "Secret otel/client is not in the manifest" in errors


def test_objects_without_a_namespace_go_where_they_are_applied() -> None:
    """`kubectl create --dry-run` and rendered charts often have none."""
    bare = CLIENT.replace(", namespace: otel", "")
    assert files_of(read(config_map(CONFIG), GATEWAY, bare))["/certs/tls.key"] == b"key"


@pytest.mark.parametrize("kind", ["List", "SecretList"])
def test_a_list_is_its_items(kind: str) -> None:
    """`kubectl get -o json` gives a List; the API itself typed lists, whose items have no kind."""
    item = {
        "metadata": {"name": "client", "namespace": "otel"},
        "data": {"tls.crt": "Yw==", "tls.key": "aw==", "ca.crt": "YQ=="},
    }
    held = {"kind": "Secret", "apiVersion": "v1", **item} if kind == "List" else item
    listed = json.dumps({"kind": kind, "apiVersion": "v1", "items": [held]})
    assert files_of(read(config_map(CONFIG), GATEWAY, listed))["/certs/tls.crt"] == b"c"


@pytest.mark.parametrize(
    "path",
    [
        "spec: {template: {spec: SPEC}}",
        "spec: {jobTemplate: {spec: {template: {spec: SPEC}}}}",
        "spec: SPEC",
    ],
)
@pytest.mark.parametrize("kind", ["Deployment", "CronJob", "Rollout", "Pod"])
def test_workloads_are_known_by_their_shape(kind: str, path: str) -> None:
    """A kind that nobody listed works like one that somebody did; a Pod has its spec at once."""
    spec = (
        "{containers: [{name: app, env: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, "
        "value: 'https://backend:4317'}]}]}"
    )
    content = read(
        f"kind: {kind}\nmetadata: {{name: a, namespace: shop}}\n{path.replace('SPEC', spec)}"
    )
    if (kind == "Pod") == (path == "spec: SPEC"):
        assert get_target(content).name == f"{kind} shop/a: sdk"
    else:
        assert content.targets == ()


def test_what_another_object_controls_is_not_read_again() -> None:
    """A Deployment, its ReplicaSet and its pods are one workload."""
    owned = "ownerReferences: [{kind: Deployment, name: gateway, controller: true}]"
    replica_set = GATEWAY.replace("kind: Deployment", "kind: ReplicaSet").replace(
        "{name: gateway, namespace: otel}", f"{{name: gateway-1, namespace: otel, {owned}}}"
    )
    content = read(config_map(CONFIG), GATEWAY, replica_set, CLIENT)
    assert name_targets(content) == ["Deployment otel/gateway: otlp_grpc/pem"]
    alone = read(config_map(CONFIG), replica_set, CLIENT)
    assert name_targets(alone) == ["Deployment otel/gateway: otlp_grpc/pem"]


def test_a_configuration_without_a_workload_is_read_and_said_to_be_without_one() -> None:
    """Its files and variables are unknown, so only what needs none is probed."""
    config = collector_config(
        {
            "otlp/pem": f"{{endpoint: 'backend:4317', tls: {MTLS}}}",
            "otlp/system": "{endpoint: 'other:4317'}",
        }
    )
    content = read(config_map(config))
    assert name_targets(content) == ["ConfigMap otel/gateway: otlp/system"]
    assert "no workload of the manifest reads it" in content.warnings[0]
    assert "otlp/pem: cert_file /certs/tls.crt" in list_errors(content)


def test_a_variable_of_a_missing_secret_leaves_its_exporter_unprobed() -> None:
    """Only the one that asks for it, and with the Secret's name."""
    config = collector_config(
        {
            "otlp/token": "{endpoint: 'a:4317', headers: {authorization: '${env:TOKEN}'}}",
            "otlp/none": "{endpoint: 'b:4317'}",
        }
    )
    gateway = GATEWAY.replace(
        "        args:",
        "        env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: tok, key: t}}}]\n        args:",
    )
    content = read(config_map(config), gateway)
    assert name_targets(content) == ["Deployment otel/gateway: otlp/none"]
    assert "kubectl get secret -n otel tok -o yaml" in list_errors(content)
    given = read(config_map(config), gateway, secret("tok", t="Bearer secret-value"))
    assert dict(given.targets[0].headers)["authorization"].reveal() == "Bearer secret-value"
    assert [one.reveal() for one in given.secrets] == ["Bearer secret-value"]


def test_a_key_that_a_volume_asks_for_in_vain_keeps_the_pod_from_starting() -> None:
    """The error lists the keys that there are; the exporter fails for want of the file."""
    gateway = GATEWAY.replace(
        "secret: {secretName: client}",
        "secret: {secretName: client, items: [{key: client.crt, path: tls.crt}]}",
    )
    content = read(config_map(CONFIG), gateway, CLIENT)
    errors = list_errors(content)
    assert "Secret otel/client has no key client.crt for volume certs" in errors
    assert "its keys are ca.crt, tls.crt, tls.key: the pod does not start" in errors
    (target,) = content.targets
    assert target.remarks[-1].cause == "exporter_configuration_invalid"
    assert isinstance(target.runs_in, Container)
    assert target.runs_in.mounts == ("/conf", "/certs")
    assert [file.path for file in target.runs_in.files] == ["/conf/relay.yaml"]


def test_an_endpoint_within_the_pod_is_not_this_hosts() -> None:
    """Localhost of a container is its pod: without TLS there is nothing to probe; with it a fact."""
    app = "name: app\nenv: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'http://localhost:4317'}]"
    content = read(deployment(app))
    assert (content.targets, content.errors) == ((), ())
    assert "within its own pod, and without TLS: not probed" in content.warnings[0]
    (secure,) = read(deployment(app.replace("http:", "https:"))).targets
    assert "localhost is the pod of the container itself" in secure.notes[-1]


def test_an_sdks_variables_are_the_containers_own() -> None:
    """Its certificate comes from the Secret that the path is mounted from."""
    app = """\
    name: app
    command: [java, -jar, app.jar]
    env:
    - {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "https://$(GATEWAY).otel:4317"}
    - {name: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, value: /certs/tls.crt}
    - {name: OTEL_EXPORTER_OTLP_CLIENT_KEY, value: /certs/tls.key}
    envFrom: [{configMapRef: {name: settings}}]
    volumeMounts: [{name: certs, mountPath: /certs}]
    """
    settings = (
        "kind: ConfigMap\nmetadata: {name: settings, namespace: otel}\ndata: {GATEWAY: gateway}"
    )
    volumes = "volumes: [{name: certs, secret: {secretName: client}}]"
    target = get_target(read(deployment(app, volumes), settings, CLIENT))
    assert str(target.endpoint) == "gateway.otel:4317"
    assert target.exporter == "java-okhttp"
    assert target.tls.cert_file == "/certs/tls.crt"


def test_a_missing_source_of_variables_leaves_an_sdk_unprobed() -> None:
    """It may set a certificate or a header: a verdict without it would be a guess."""
    app = """\
    name: app
    env: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "https://backend:4317"}]
    envFrom: [{secretRef: {name: app}}]
    """
    content = read(deployment(app))
    assert content.targets == ()
    assert "envFrom: Secret otel/app is not in the manifest" in list_errors(content)
    prefixed = app.replace("{name: app}}", "{name: app}, prefix: DB_}")
    assert name_targets(read(deployment(prefixed))) == ["Deployment otel/gateway: sdk"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CONFIG, "is the configuration of a Collector and no manifest"),
        ("kind: Kustomization\nresources: [a.yaml]", "kubectl kustomize DIRECTORY"),
        ("kind: Secret\nmetadata: {name: {{ .Release.Name }}}", "holds {{ }}, so it is a template"),
        ("a: b: c", "is not YAML"),
    ],
)
def test_what_is_something_else_is_recognised(text: str, said: str) -> None:
    """With what to do instead."""
    assert said in list_errors(read(text))


def test_nothing_to_export_says_what_was_read() -> None:
    """Instead of silence."""
    assert read("kind: Service\nmetadata: {name: a}").empty == (
        "none of its objects has an OTLP exporter that can be probed (1 Service)"
    )
    assert "holds no Kubernetes objects" in read("a: 1").empty


def test_a_value_of_a_wrong_type_is_an_error_of_its_object_alone() -> None:
    """The API server refuses a number as the value of a variable."""
    bad = deployment(
        "name: app\nenv: [{name: A, value: 19283746}, {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'https://b:4317'}]",
        name="bad",
    )
    content = read(bad, config_map(CONFIG), GATEWAY, CLIENT)
    assert "Deployment otel/gateway: otlp_grpc/pem" in name_targets(content)
    errors = list_errors(content)
    assert "spec.template.spec.containers[0].env[0].value: must be text" in errors
    assert "19283746" not in errors


def test_a_file_that_cannot_be_read_stops_no_other() -> None:
    """It is one error."""

    def read_file(name: str) -> bytes:
        if name == "gone.yaml":
            raise FileNotFoundError(2, "No such file or directory")
        return "---\n".join([config_map(CONFIG), GATEWAY, CLIENT]).encode()

    content = read_manifest(["gone.yaml", "there.yaml"], read_file)
    assert len(content.targets) == 1
    assert "gone.yaml: cannot be read" in list_errors(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8)
    | st.sampled_from(["Secret", "Deployment", "/certs", "$(A)", "${env:A}", "true", "a/b"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from([
            "kind", "metadata", "name", "namespace", "spec", "template", "containers", "env", "value",
            "valueFrom", "secretKeyRef", "key", "envFrom", "volumes", "volumeMounts", "mountPath",
            "secret", "secretName", "items", "path", "data", "stringData", "args", "image", "config",
            "exporter", "tls", "mode", "annotations", "collectors", "exporters", "service", "owner",
            "projected", "sources", "fieldRef", "fieldPath", "subPath", "ownerReferences", "endpoint",
        ]),
        inner,
        max_size=6,
    ),
    max_leaves=40,
)  # fmt: skip
KINDS = st.sampled_from([
    "Deployment", "Pod", "Secret", "ConfigMap", "List", "Instrumentation", "OpenTelemetryCollector",
    "Namespace", "Service", "CronJob", "Certificate",
])  # fmt: skip


@given(st.lists(st.tuples(KINDS, JSON), max_size=4))
def test_nothing_that_a_manifest_holds_raises(objects: list[tuple[str, object]]) -> None:
    """Whatever the shape, the result is targets and errors."""
    documents = [
        json.dumps({"kind": kind, **value} if isinstance(value, dict) else value)
        for kind, value in objects
    ]
    content = read("\n---\n".join(documents))
    assert isinstance(content, SourceContent)


@given(st.binary(max_size=200))
def test_no_bytes_raise(raw: bytes) -> None:
    """A manifest may be anything."""
    assert isinstance(read(raw), SourceContent)


def test_a_configuration_that_cannot_be_read_is_a_result() -> None:
    """The Collector of that workload does not start; its neighbours are read."""
    other = deployment(
        "name: app\nenv: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'https://b:4317'}]",
        name="app",
    )
    content = read(config_map("exporters: [\n"), GATEWAY, CLIENT, other)
    failed, good = content.targets
    assert failed.name == "Deployment otel/gateway: ConfigMap otel/gateway, key relay.yaml"
    assert "key relay.yaml:2: is not YAML" in failed.faults[0].fact
    assert (good.name, good.faults) == ("Deployment otel/app: sdk", ())


def test_settings_of_an_sdk_that_no_exporter_can_be_made_of_are_a_result() -> None:
    """Its endpoint is not one, or its variable asks for a key that is not there."""
    for value in (
        "value: 'https://'",
        "valueFrom: {secretKeyRef: {name: client, key: endpoint}}",
    ):
        app = f"name: app\nenv: [{{name: OTEL_EXPORTER_OTLP_ENDPOINT, {value}}}]"
        (target,) = read(deployment(app), CLIENT).targets
        assert target.name == "Deployment otel/gateway: sdk"
        assert target.faults
