"""What the source of a Struct says of it comes out whole and as plain text."""

from msgspec import Struct

from probe.schemas.struct_texts import describe_all_fields, describe_fields, describe_struct


class Below(Struct):
    """Of [a page](page.md#part),
    and more.
    """  # noqa: D205

    first: str
    """On one
    line: [words](page.md)."""
    second: int = 0


class Above(Below):
    """The upper one."""

    third: bool = False
    """Only here."""


def test_the_text_of_a_struct_is_one_line_without_links() -> None:
    """An editor shows it as it is, and a link of the documentation leads nowhere there."""
    assert describe_struct(Below) == "Of a page, and more."


def test_a_struct_has_the_texts_of_its_own_fields() -> None:
    """The reference keeps links; a field without a text has an empty one."""
    assert describe_fields(Below) == {"first": "On one line: [words](page.md).", "second": ""}
    assert describe_fields(Above) == {"third": "Only here."}


def test_inherited_fields_keep_their_texts() -> None:
    """A key of `defaults` means the same at a target."""
    expected = {"first": "On one line: words.", "second": "", "third": "Only here."}
    assert describe_all_fields(Above) == expected
