"""What all attempts of a target share: the names that its exporter would look up."""

import pytest

from probe.attempt.prepared_target import list_names
from probe.model.surroundings import Container


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("gateway", ("gateway.otel.svc", "gateway")),
        ("gateway.other", ("gateway.other.otel.svc", "gateway.other")),
        ("a.b.c.d.e.f", ("a.b.c.d.e.f",)),
        ("gateway.", ("gateway.",)),
    ],
)
def test_a_pod_looks_up_short_names_in_its_namespace_first(
    host: str, names: tuple[str, ...]
) -> None:
    """As its resolv.conf says (ndots:5); one with a dot at the end is whole."""
    assert list_names(host, Container(name="x", namespace="otel")) == names


def test_without_a_namespace_a_name_is_the_probes_own() -> None:
    """And so it is for an exporter next to the probe."""
    assert list_names("gateway", Container(name="x")) == ("gateway",)
    assert list_names("gateway", None) == ("gateway",)
