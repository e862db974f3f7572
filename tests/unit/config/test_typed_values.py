"""Values of a file become Structs; what does not fit is an error that carries place and value."""

from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct, field

from probe.config.errors import MOST_ERRORS, ConfigurationError
from probe.config.location import Location
from probe.config.schema import Duration
from probe.config.typed_values import convert
from probe.config.yaml_document import Document, Expanded, Place, parse_yaml


class Inner(Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping within the file."""

    needed: str
    flag: bool = False


class Whole(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every kind of value that a file of the probe may have."""

    text: str = "default"
    wait: Duration | None = None
    count: Annotated[int, Meta(ge=1)] = 1
    share: Annotated[float, Meta(ge=0, le=1)] | None = None
    either: int | str | None = None
    names: str | list[str] | None = None
    labels: dict[str, str] = field(default_factory=dict)
    items: list[Inner] = field(default_factory=list)
    anything: Any = None


def read(text: str) -> Whole:
    """Return the YAML `text` as a `Whole`."""
    document = parse_yaml(text, "f.yml")
    return convert(document.value, Whole, Location(document))


def read_value(**values: Any) -> Whole:
    """Return plain values as a `Whole`."""
    return convert(values, Whole, Location(Document("f.yml", values, Place(1))))


def test_what_fits_is_converted() -> None:
    """Null is a key that is not set, a whole number is a number, an empty file has every default."""
    found = read("{text: a, count: 3, share: 1, either: 4, names: [b], items: [{needed: c}]}")
    assert found == Whole(
        text="a", count=3, share=1.0, either=4, names=["b"], items=[Inner(needed="c")]
    )
    assert type(found.share) is float
    assert read("{text: , labels: ~, wait: null}") == read("") == Whole()


@pytest.mark.parametrize(
    ("text", "key", "reason", "found"),
    [
        ("text: 5", "text", "must be text: put it in quotes", "5 (a number)"),
        ("text: true", "text", "must be text: put it in quotes", "true"),
        ("text: [a]", "text", "must be text", "a list of 1"),
        ("wait: 5", "wait", "a duration needs its unit, like 5s", "5 (a number)"),
        ("wait: false", "wait", "must be text: put it in quotes", "false"),
        ("count: x", "count", "must be a whole number", "x"),
        ("count: true", "count", "must be a whole number", "true"),
        ("count: 1.0", "count", "must be a whole number", "1.0 (a number)"),
        ("count: 0", "count", "must be a whole number, at least 1", "0 (a number)"),
        ("share: 1.5", "share", "must be a number, at most 1", "1.5 (a number)"),
        ("share: .nan", "share", "must be a number, at least 0", "nan (a number)"),
        ("either: [1]", "either", "must be a whole number or text", "a list of 1"),
        ("names: {a: b}", "names", "must be text or a list", "a mapping of 1"),
        ("names: [a, 1]", "names[1]", "must be text: put it in quotes", "1 (a number)"),
        ("labels: {a: b, c: }", "labels.c", "must be text", "nothing"),
        ("items: [{flag: true}]", "items[0].needed", "is missing", None),
        ("items: [{needed: a, flag: maybe}]", "items[0].flag", "must be true or false", "maybe"),
        ("items: [5]", "items[0]", "must be a mapping", "5 (a number)"),
        ("[]", "", "must be a mapping", "a list of 0"),
        ("text: 1\ncount: x", "text", "must be text: put it in quotes", "1 (a number)"),
    ],
)
def test_the_first_that_does_not_fit_is_the_error(
    text: str, key: str, reason: str, found: str | None
) -> None:
    """With its key, what would be right and what was found."""
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    assert (caught.value.key, caught.value.reason) == (key, reason)
    assert caught.value.found == found
    assert not caught.value.more


def test_unknown_keys_come_before_misfits_and_together() -> None:
    """With the keys that are allowed there; past the bound they are counted."""
    with pytest.raises(ConfigurationError) as caught:
        read("{text: 5, txt: a, items: [{need: b}]}")
    first, second = caught.value, *caught.value.more
    assert (first.key, first.nearest, first.reason) == ("txt", "text", "unknown key")
    assert (second.key, second.allowed) == ("items[0].need", ("needed", "flag"))
    with pytest.raises(ConfigurationError) as caught:
        read_value(**{f"k{number}": 1 for number in range(MOST_ERRORS + 5)})
    assert len(caught.value.more) == MOST_ERRORS - 1
    assert caught.value.omitted == 5


def test_a_reference_gives_what_is_wanted() -> None:
    """Its text where text is wanted, else what YAML makes of it; nothing is a key that is not set."""
    number, listed, nothing = Expanded(5, "5"), Expanded(["a"], "[a]"), Expanded(None, "")
    found = read_value(text=number, count=number, either=number, names=listed, anything=[number])
    assert (found.text, found.count, found.either) == ("5", 5, 5)
    assert (found.names, found.anything) == (["a"], [5])
    assert read_value(text=nothing, count=nothing).text == ""
    assert read_value(names=number).names == "5"


def test_a_long_number_is_not_shown() -> None:
    """It may be a code; no part of the error has it."""
    with pytest.raises(ConfigurationError) as caught:
        read("wait: 12345678901234567890")
    assert "12345" not in str(caught.value)
