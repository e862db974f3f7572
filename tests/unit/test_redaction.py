"""A header's value that a backend repeats is taken out of whatever is kept."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.evidence import Answer, Ending
from probe.handshake.redaction import STANDS_FOR, answer_without, ending_without
from probe.safe_text import safe_text
from probe.target import Secret

TOKEN = "eyJhbGciOiJFUzI1NiJ9"
HEADERS = (("authorization", Secret(f"Bearer {TOKEN}")), ("x-short", Secret("ab")))


def message_without(message: str) -> str:
    """Return what is left of a message."""
    answer = Answer(over="h2", http_status=200, message=message)
    return answer_without(answer, HEADERS).message


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("", ""),
        ("missing Bearer token, about time", "missing Bearer token, about time"),
        (f"unknown token {TOKEN}.", f"unknown token {STANDS_FOR}."),
        (f"{TOKEN} {TOKEN}", f"{STANDS_FOR} {STANDS_FOR}"),
        (f"got Bearer {TOKEN}", f"got {STANDS_FOR}"),
        (f"got Bearer {TOKEN[:9]}…", f"got {STANDS_FOR}…"),
        (f"got {TOKEN[:9]}…", f"got {STANDS_FOR}…"),
        ("a long story…", "a long story…"),
    ],
)
def test_what_is_left_of_a_message(said: str, kept: str) -> None:
    """The value, with or without its scheme, whole or cut; ordinary words stay."""
    assert message_without(said) == kept


@settings(max_examples=100)
@given(st.text("abcdefgh0123456789", min_size=12, max_size=400), st.integers(0, 300))
def test_no_beginning_of_a_value_is_left_by_a_cut(token: str, before: int) -> None:
    """Wherever safe_text() cuts within a token, at most three of its characters remain."""
    headers = (("authorization", Secret(f"Bearer {token}")),)
    message = safe_text("." * before + token)
    kept = answer_without(Answer(over="h2", http_status=200, message=message), headers).message
    assert token[:4] not in kept


def test_every_text_of_an_answer_and_nothing_else() -> None:
    """Location, Server and the partial success too; what the diagnosis decides by stays."""
    answer = Answer(
        over="h2",
        http_status=302,
        content_type="text/html",
        location=f"https://h/?t={TOKEN}",
        server=TOKEN,
        partial_message=TOKEN,
    )
    kept = answer_without(answer, (*HEADERS, ("accept", Secret("text/html"))))
    assert (kept.location, kept.server) == (f"https://h/?t={STANDS_FOR}", STANDS_FOR)
    assert (kept.partial_message, kept.content_type) == (STANDS_FOR, "text/html")
    assert (kept.http_status, kept.over) == (302, "h2")


def test_the_detail_of_an_ending_and_nothing_else() -> None:
    """GOAWAY's debug text is the backend's; stage and kind are ours, whatever a header says."""
    headers = (*HEADERS, ("x", Secret("close")), ("y", Secret("export")))
    ending = Ending(stage="export", kind="close", detail=f"GOAWAY, error code 11: {TOKEN}")
    kept = ending_without(ending, headers)
    assert (kept.stage, kept.kind) == ("export", "close")
    assert kept.detail == f"GOAWAY, error code 11: {STANDS_FOR}"


def test_without_headers_nothing_is_touched() -> None:
    """The same objects come back."""
    answer, ending = Answer(over="h2", http_status=200), Ending(stage="export", kind="close")
    assert answer_without(answer, ()) is answer
    assert ending_without(ending, ()) is ending
    assert ending_without(ending, HEADERS) is ending
