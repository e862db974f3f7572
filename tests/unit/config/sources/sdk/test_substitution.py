"""References to variables in an SDK's declarative file, as the specification substitutes them."""

from typing import Any

import pytest

from probe.config.errors import ConfigurationError
from probe.config.location import Location
from probe.config.sources.sdk.substitution import read_plain_scalar, substitute_references
from probe.config.typed_values import convert
from probe.config.yaml_document import parse_yaml
from tests.support.sdk_files import FULL, read, traces

ENVIRON = {
    "STRING_VALUE": "value",
    "BOOL_VALUE": "true",
    "INT_VALUE": "1",
    "FLOAT_VALUE": "1.1",
    "HEX_VALUE": "0xdeadbeef",
    "INVALID_MAP_VALUE": "value\nkey:value",
    "DO_NOT_REPLACE_ME": "Never use this value",
    "REPLACE_ME": "${DO_NOT_REPLACE_ME}",
    "VALUE_WITH_ESCAPE": "value$$",
    "EMPTY": "",
}
"""The environment of the specification's table of examples."""


def value_of(text: str) -> Any:
    """Return what `key: text` means after the substitution, types found."""
    document = parse_yaml(f"key: {text}", plain=read_plain_scalar)
    value = substitute_references(document, ENVIRON)
    return convert(value, dict[str, Any], Location(document))["key"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${STRING_VALUE}", "value"),
        ("${BOOL_VALUE}", True),
        ("${INT_VALUE}", 1),
        ("${FLOAT_VALUE}", 1.1),
        ("${HEX_VALUE}", 3735928559),
        ('"${STRING_VALUE}"', "value"),
        ('"${BOOL_VALUE}"', "true"),
        ('"${INT_VALUE}"', "1"),
        ('"${FLOAT_VALUE}"', "1.1"),
        ('"${HEX_VALUE}"', "0xdeadbeef"),
        ("${env:STRING_VALUE}", "value"),
        ("${INVALID_MAP_VALUE}", "value\nkey:value"),
        ("foo ${STRING_VALUE} ${FLOAT_VALUE}", "foo value 1.1"),
        ("${UNDEFINED_KEY}", None),
        ("${UNDEFINED_KEY:-fallback}", "fallback"),
        ("${EMPTY:-fallback}", "fallback"),
        ("${EMPTY:-}", None),
        ("${STRING_VALUE:-fallback}", "value"),
        ("${REPLACE_ME}", "${DO_NOT_REPLACE_ME}"),
        ("${UNDEFINED_KEY:-${STRING_VALUE}}", "${STRING_VALUE}"),
        ("$${STRING_VALUE}", "${STRING_VALUE}"),
        ("$$${STRING_VALUE}", "$value"),
        ("$$$${STRING_VALUE}", "$${STRING_VALUE}"),
        ("$${STRING_VALUE:-fallback}", "${STRING_VALUE:-fallback}"),
        ("$${STRING_VALUE:-${STRING_VALUE}}", "${STRING_VALUE:-value}"),
        ("${UNDEFINED_KEY:-$${UNDEFINED_KEY}}", "${UNDEFINED_KEY:-${UNDEFINED_KEY}}"),
        ("${VALUE_WITH_ESCAPE}", "value$$"),
        ("a $$ b", "a $ b"),
        ("a $ b", "a $ b"),
    ],
)
def test_references_follow_the_specifications_table(text: str, value: object) -> None:
    """Every row of "Environment variable substitution", and three about defaults."""
    found = value_of(text)
    assert (type(found), found) == (type(value), value)


def test_keys_are_not_substituted() -> None:
    """Only scalars that are values."""
    document = parse_yaml("${STRING_VALUE}: value", plain=read_plain_scalar)
    assert substitute_references(document, ENVIRON) == {"${STRING_VALUE}": "value"}


@pytest.mark.parametrize("text", ["${STRING_VALUE:?error}", "${1KEY}", "${API_$KEY}", "${}"])
def test_a_reference_that_is_none_is_an_error_anywhere(text: str) -> None:
    """Also where the probe does not look, for no SDK would start with the file."""
    with pytest.raises(ConfigurationError, match="a reference is") as caught:
        read(f"{FULL}\npropagator:\n  composite: '{text}'\n")
    assert caught.value.key == "propagator.composite"
    assert caught.value.line == FULL.count("\n") + 3


def test_references_cannot_fill_the_memory() -> None:
    """What they give together is bounded."""
    many = "a: '" + "${A}" * 10_000 + "'"
    with pytest.raises(ConfigurationError, match="more than 8388608 characters"):
        read(many, {"A": "x" * 10_000})


def test_a_value_that_yaml_takes_for_a_number_is_text_where_text_is_wanted() -> None:
    """A token of digits keeps them all."""
    target = traces("otlp_grpc", "{headers: [{name: k, value: '${T}'}, {name: l, value: 0012}]}")
    assert [value.reveal() for _, value in target.headers] == ["", "0012"]
    block = (
        "otlp_grpc:\n            headers:\n            - name: k\n              value: ${T:-0012}\n"
    )
    text = "tracer_provider:\n  processors:\n    - batch:\n        exporter:\n          " + block
    assert read(text)[0].headers[0][1].reveal() == "0012"
