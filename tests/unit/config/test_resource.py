"""Who the probe is: from its configuration, the SDK's variables, the downward API, or its place."""

import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe import __version__
from probe.config.resource import KUBERNETES, build_resource, parse_attributes


def resource(
    configured: dict[str, str] | None = None, *, host: str = "h", port: int = 9943, **environ: str
) -> dict[str, str]:
    """Return the attributes; there was nothing to warn of."""
    attributes, warnings = build_resource(configured or {}, environ, host=host, port=port)
    assert warnings == ()
    return attributes


def test_with_nothing_given() -> None:
    """Name, version and an id that stays over restarts and tells two probes apart."""
    found = resource()
    assert found.keys() == {"service.name", "service.version", "service.instance.id"}
    assert (found["service.name"], found["service.version"]) == ("mtls-probe", __version__)
    assert uuid.UUID(found["service.instance.id"]).version == 5
    assert resource() == found
    others = {resource(host="g")["service.instance.id"], resource(port=1)["service.instance.id"]}
    assert found["service.instance.id"] not in others


def test_who_has_precedence() -> None:
    """The configuration, then OTEL_SERVICE_NAME, then OTEL_RESOURCE_ATTRIBUTES, then the rest."""
    listed = "service.name=a,service.instance.id=7,k8s.pod.name=listed"
    assert resource(OTEL_RESOURCE_ATTRIBUTES=listed)["service.name"] == "a"
    environ = {
        "OTEL_RESOURCE_ATTRIBUTES": listed,
        "OTEL_SERVICE_NAME": "b",
        "K8S_POD_NAME": "found",
    }
    found = resource(**environ)
    assert (found["service.name"], found["service.instance.id"]) == ("b", "7")
    assert found["k8s.pod.name"] == "listed"
    configured = {"service.name": "c", "deployment.environment.name": "prod"}
    found = resource(configured, **environ)
    assert (found["service.name"], found["deployment.environment.name"]) == ("c", "prod")


def test_the_downward_api() -> None:
    """One variable for each attribute, empty ones left out; the id is made of them."""
    environ = {name.upper().replace(".", "_"): f"x-{name}" for name in KUBERNETES}
    found = resource(**environ)
    assert {name: found[name] for name in KUBERNETES} == {name: f"x-{name}" for name in KUBERNETES}
    assert found["service.instance.id"] == (
        "x-k8s.namespace.name.x-k8s.pod.name.x-k8s.container.name"
    )
    assert "k8s.node.name" not in resource(**environ | {"K8S_NODE_NAME": ""})
    without = resource(**environ | {"K8S_CONTAINER_NAME": ""})
    assert uuid.UUID(without["service.instance.id"])


def test_the_listed_ones_are_percent_decoded() -> None:
    """As the specification says: commas and equals signs come encoded."""
    assert parse_attributes(" team=a%2Cb , note = %C3%A9%3D1,,x=") == {
        "team": "a,b",
        "note": "é=1",
        "x": "",
    }
    assert parse_attributes("a=b=c") == {"a": "b=c"}


@pytest.mark.parametrize("text", ["a", "=b", "a=b,c", "a=%", "a=%zz", "a=%ff"])
def test_one_mistake_voids_the_list(text: str) -> None:
    """And is reported: half a list would look right."""
    with pytest.raises(ValueError, match=r"key=value|begins no code|UTF-8"):
        parse_attributes(text)
    attributes, (warning,) = build_resource(
        {}, {"OTEL_RESOURCE_ATTRIBUTES": f"team=x,{text}"}, host="h", port=1
    )
    assert "team" not in attributes
    assert warning.startswith("OTEL_RESOURCE_ATTRIBUTES is ignored as a whole")


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever stands in the variable, the probe starts; nothing unsafe becomes an attribute."""
    attributes, _ = build_resource({}, {"OTEL_RESOURCE_ATTRIBUTES": text}, host="h", port=1)
    assert all("\n" not in part for pair in attributes.items() for part in pair)
