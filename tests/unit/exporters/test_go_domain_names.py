"""Names outside of ASCII, and names that Go's resolver never asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.exporters.go_domain_names import encode_labels, is_looked_up, map_for_lookup


@pytest.mark.parametrize(
    ("host", "mapped", "encoded"),
    [
        ("Example.com", "Example.com", "Example.com"),
        ("bücher.example", "xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example", "xn--BCHER-2pa.example"),
        ("straße.example", "xn--strae-oqa.example", "xn--strae-oqa.example"),
        ("💩.example", "xn--ls8h.example", "xn--ls8h.example"),
        ("bü_cher.example", "bü_cher.example", "xn--b_cher-3ya.example"),
    ],
)
def test_a_name_outside_of_ascii(host: str, mapped: str, encoded: str) -> None:
    """What is looked up is mapped, what a request names is only encoded."""
    assert (map_for_lookup(host), encode_labels(host)) == (mapped, encoded)


@pytest.mark.parametrize(
    ("host", "asked"),
    [("a", True), ("a_b.c-d.example.", True), (".", True), ("a1.2", True), ("127.1", False),
     ("", False), ("a..b", False), ("-a", False), ("a-", False), ("a b", False), ("ä", False),
     (f"{'a' * 63}.b", True), (f"{'a' * 64}.b", False), ("a." * 127 + "b", False)],
)  # fmt: skip
def test_which_names_are_looked_up(host: str, *, asked: bool) -> None:
    """A domain name with a letter or hyphen in it, in labels of at most 63 octets."""
    assert is_looked_up(host) is asked


@given(st.text())
def test_any_text_can_be_asked_about(text: str) -> None:
    """Nothing is raised, and what is looked up is ASCII."""
    map_for_lookup(text)
    encode_labels(text)
    assert not is_looked_up(text) or text.isascii()
