"""The variables of a container are those that the kubelet would give to it."""

import pytest

from probe.config.errors import ConfigurationError, UnknownSettingError
from probe.config.location import Location
from probe.config.sources.manifest.container_variables import (
    PodFields,
    Unknown,
    Variables,
    make_variables,
)
from probe.config.sources.manifest.objects import Node, Objects, Problems, read_objects
from probe.config.sources.manifest.stored_data import Store
from probe.config.yaml_document import parse_yaml

OBJECTS = (
    "kind: Secret\nmetadata: {name: s, namespace: ns}\ndata: {token: c2VjcmV0}\n"
    "stringData: {other: text}",
    "kind: ConfigMap\nmetadata: {name: c, namespace: ns}\ndata: {HOST: gateway, PORT: '4317'}\n"
    "binaryData: {FILE: AAEC}",
)
FIELDS = PodFields(
    known={"metadata.namespace": "ns", "spec.serviceAccountName": "default"},
    labels={"app": "cart"},
    annotations={"a/b": "c"},
)


def variables(env: str = "[]", env_from: str = "[]") -> Variables:
    """Return what the kubelet makes of `env` and `envFrom`, in flow YAML."""
    problems, objects = Problems(), Objects()
    for text in OBJECTS:
        for one in read_objects(parse_yaml(text), problems):
            objects.add(one)
    nodes = []
    for text in (env, env_from):
        document = parse_yaml(text)
        nodes.append(Node(document.value, Location(document), problems).items())
    return make_variables(
        *nodes, namespace="ns", store=Store(objects), pod=FIELDS, services={"GW_SERVICE_HOST": "ip"}
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$(A)", "a"),
        ("___$(A)___", "___a___"),
        ("$(A)-$(B)", "a-b a"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$a"),
        ("$$", "$"),
        ("$A", "$A"),
        ("$(A", "$(A"),
        ("$(MISSING)", "$(MISSING)"),
        ("$(A$(B))", "$(A$(B))"),
        ("$(GW_SERVICE_HOST)", "ip"),
        ("", ""),
    ],
)
def test_references_expand_as_kubernetes_has_it(text: str, value: str) -> None:
    """Those before it count; what is not set stays as it is written."""
    found = variables(
        f"[{{name: A, value: a}}, {{name: B, value: 'b $(A)'}}, {{name: X, value: '{text}'}}]"
    )
    assert found["X"] == value


def test_a_later_variable_is_not_known_yet() -> None:
    """The order of the list counts."""
    assert variables("[{name: X, value: $(Y)}, {name: Y, value: y}]")["X"] == "$(Y)"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("secretKeyRef: {name: s, key: token}", "secret"),
        ("secretKeyRef: {name: s, key: other}", "text"),
        ("configMapKeyRef: {name: c, key: HOST}", "gateway"),
        ("fieldRef: {fieldPath: metadata.namespace}", "ns"),
        ("fieldRef: {fieldPath: \"metadata.labels['app']\"}", "cart"),
        ("fieldRef: {fieldPath: \"metadata.annotations['a/b']\"}", "c"),
        ("fieldRef: {fieldPath: \"metadata.labels['none']\"}", ""),
    ],
)
def test_values_come_from_objects_and_fields(source: str, value: str) -> None:
    """As far as the manifest has them."""
    assert variables(f"[{{name: X, valueFrom: {{{source}}}}}]")["X"] == value


@pytest.mark.parametrize(
    "source",
    [
        "secretKeyRef: {name: gone, key: k}",
        "secretKeyRef: {name: gone, key: k, optional: true}",
        "fieldRef: {fieldPath: status.podIP}",
        "resourceFieldRef: {resource: limits.cpu}",
        "fileKeyRef: {path: a}",
    ],
)
def test_what_only_the_cluster_knows_is_unknown_and_not_unset(source: str) -> None:
    """Whoever asks for it, or for what refers to it, gets an error that says why."""
    found = variables(
        f"[{{name: X, valueFrom: {{{source}}}}}, {{name: Y, value: 'a$(X)'}}, {{name: Z, value: z}}]"
    )
    assert "X" in found
    for name in ("X", "Y"):
        with pytest.raises(UnknownSettingError, match=f"variable {name} is not known"):
            found[name]
    assert dict(found) == {"Z": "z"}


def test_a_key_that_is_not_there_keeps_the_container_from_starting() -> None:
    """An optional one leaves the variable unset."""
    found = variables("[{name: X, valueFrom: {configMapKeyRef: {name: c, key: FILE}}}]")
    (fault,) = found.faults
    assert "ConfigMap ns/c, key FILE is not there; its keys are FILE, HOST, PORT" in str(fault)
    with pytest.raises(ConfigurationError):
        found["X"]
    optional = "[{name: X, valueFrom: {configMapKeyRef: {name: c, key: NO, optional: true}}}]"
    assert "X" not in variables(optional)


def test_variables_of_a_whole_object_have_a_prefix_and_come_first() -> None:
    """`env` counts over `envFrom`; binary data makes no variable."""
    found = variables("[{name: C_HOST, value: own}]", "[{prefix: C_, configMapRef: {name: c}}]")
    assert dict(found) == {"C_HOST": "own", "C_PORT": "4317"}


def test_a_missing_object_makes_every_name_of_its_prefix_unknown() -> None:
    """A proxy excepted: hardly any Secret has one, and every exporter asks for it."""
    found = variables("[{name: OWN, value: x}]", "[{prefix: P_, secretRef: {name: gone}}]")
    assert found.peek("P_ANY") == Unknown(
        "envFrom: Secret ns/gone is not in the manifest: add it with: "
        "kubectl get secret -n ns gone -o yaml"
    )
    assert found.peek("OTHER") is None
    everything = variables("[]", "[{secretRef: {name: gone}}]")
    assert everything.get("HTTPS_PROXY") is None
    assert isinstance(everything.peek("TOKEN"), Unknown)


def test_values_of_secrets_are_remembered_to_be_masked() -> None:
    """And no others."""
    found = variables(
        "[{name: X, valueFrom: {secretKeyRef: {name: s, key: token}}}]",
        "[{configMapRef: {name: c}}]",
    )
    assert list(found.secrets) == ["secret"]


def test_a_value_that_doubles_itself_ends() -> None:
    """Sixty variables, each twice the one before."""
    entries = [f"{{name: A{n}, value: '$(A{n - 1})$(A{n - 1})'}}" for n in range(1, 60)]
    found = variables(f"[{{name: A0, value: xxxxxxxx}}, {', '.join(entries)}]")
    assert found.peek("A59") == Unknown("it is too long")
