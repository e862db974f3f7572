"""docs/configuration.md has every key of the files that the probe reads, as the Structs have them."""

from pathlib import Path

import msgspec

from tests.contract import configuration_reference
from tests.contract.configuration_reference import SECTIONS, WEB_SECTIONS, find_undocumented, render

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_page_is_what_the_structs_say() -> None:
    """`make references` writes it; nobody edits it."""
    assert PAGE.read_text(encoding="utf-8") == render()


def test_every_key_has_a_meaning() -> None:
    """A field of a Struct without a docstring would be a row without a meaning."""
    assert list(find_undocumented()) == []


def test_every_mapping_has_a_section() -> None:
    """A Struct within a Struct is rendered too, with each of its keys in a row."""
    documented = {struct for _, struct in (*SECTIONS, *WEB_SECTIONS)}
    for struct in documented:
        for field in msgspec.structs.fields(struct):
            assert f"| `{field.encode_name}` |" in PAGE.read_text(encoding="utf-8")
            assert configuration_reference.find_structs(field.type) <= documented, field
