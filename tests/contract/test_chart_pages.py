"""The Helm chart's README and schema are as values.yaml and the probe's own schema are."""

import json

from probe.config.schema import FileEntry
from tests.contract.chart_pages import (
    OBSOLETE,
    README,
    SCHEMA,
    SCHEMA_OF_THE_PROBE,
    VALUES,
    WRITTEN_BY_THE_CHART,
    list_values,
    read,
    read_values,
    write_readme,
    write_schema,
)


def test_the_schema_knows_what_the_probe_knows() -> None:
    """Keys and values of the configuration are those of the probe's own schema: `make references`."""
    schema = read(SCHEMA)
    assert write_schema(schema, read(SCHEMA_OF_THE_PROBE)) == schema
    properties = json.loads(schema)["properties"]["configuration"]["properties"]
    assert {*properties} == {*FileEntry.__struct_fields__} - WRITTEN_BY_THE_CHART - OBSOLETE


def test_every_value_is_explained() -> None:
    """Each value has a comment, or is part of one that has; the schema knows each."""
    text = read(VALUES)
    values = read_values()
    explained = {path for path, _ in list_values(text)}
    properties = json.loads(read(SCHEMA))["properties"]
    assert {*values, "global"} == {*properties}
    for name, value in values.items():
        if name not in explained:
            assert {f"{name}.{key}" for key in value} <= explained
            assert value.keys() == properties[name]["properties"].keys()


def test_the_readme_has_the_values() -> None:
    """`make references` writes them from the comments."""
    readme = read(README)
    assert write_readme(readme, read(VALUES)) == readme
