"""A Collector's command line names its configuration as otelcol takes it."""

from hypothesis import given
from hypothesis import strategies as st

from probe.config.sources.process.collector_arguments import (
    names_configuration,
    read_collector_arguments,
)


def test_locations_come_in_order_and_sets_last() -> None:
    """Each --config is one location; a comma separates nothing."""
    arguments = (
        "otelcol",
        "--set=a.b=c=d",
        "--config",
        "x,y.yaml",
        "--feature-gates=g",
        "--config=file:/z",
    )
    found = read_collector_arguments(arguments, {})
    assert found.paths == ("x,y.yaml", "/z", "--set number 1")
    assert found.texts == {"--set number 1": "a::b: c=d"}


def test_texts_come_from_variables_and_the_command_line() -> None:
    """A variable that is not set, and has no default, is named."""
    arguments = (
        "c",
        "--config=env:CONF",
        "--config=yaml:a::b: 1",
        "--config=env:NONE",
        "--config=env:D:-x: 1",
    )
    found = read_collector_arguments(arguments, {"CONF": "receivers: {}"})
    assert list(found.texts.values()) == ["receivers: {}", "a::b: 1", "", "x: 1"]
    assert found.missing == ("NONE",)


def test_other_providers_are_named() -> None:
    """By their scheme, for the rest may hold a token; a drive letter is none."""
    arguments = (
        "c",
        "--config=https://conf/x?token=t",
        "--config=s3:bucket",
        "--config=C:/conf.yaml",
    )
    found = read_collector_arguments(arguments, {})
    assert (found.unread, found.paths) == (("https", "s3"), ("C:/conf.yaml",))


def test_a_command_line_without_config() -> None:
    """What follows `--` is not an option."""
    assert not names_configuration(("otelcol", "--", "--config=x"))
    assert names_configuration(("otelcol", "--config"))


@given(st.lists(st.text(alphabet="-=configset:env.yaml/ $", max_size=20), max_size=6))
def test_any_command_line_is_read(arguments: list[str]) -> None:
    """Whatever it is; each location is accounted for."""
    found = read_collector_arguments(arguments, {})
    assert set(found.texts) <= set(found.paths)
