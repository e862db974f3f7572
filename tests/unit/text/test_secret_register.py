"""The register of secrets: no text that has passed it holds one, in whatever encoding or part."""

import base64
import html
import itertools
import json
import pickle
import re
import threading
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.text.safe_text import safe_text
from probe.text.secret_register import (
    MASK,
    MOST_OF_REQUEST,
    SHORTEST_SECRET,
    LayeredRegister,
    SecretRegister,
)

TOKEN: Final = "acme-9f8e7d6c5b4a?/~ü&<x>"
ALPHABET: Final = st.characters(
    min_codepoint=0x21, max_codepoint=0x17F, exclude_categories=["C", "Z"]
)
VALUES: Final = st.text(ALPHABET, min_size=12, max_size=120).filter(lambda text: len(set(text)) > 6)


def holding(*values: str) -> SecretRegister:
    """Return a register of `values`."""
    register = SecretRegister()
    for value in values:
        register.add(value)
    return register


def base64_at(before: int, *, urlsafe: bool) -> Callable[[str], str]:
    """Return what encodes a text that has `before` bytes before and two behind it."""
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode

    def encoded(text: str) -> str:
        return encode(b"a" * before + text.encode() + b"zz").decode()

    return encoded


ENCODINGS: Final[dict[str, Callable[[str], str]]] = {
    "itself": str,
    **{
        f"base64{'url' if urlsafe else ''} after {before}": base64_at(before, urlsafe=urlsafe)
        for before in range(4)
        for urlsafe in (False, True)
    },
    "base64 alone": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "Basic": lambda text: base64.b64encode(f"me:{text}".encode()).decode(),
    "percent": lambda text: quote(text, safe=""),
    "percent in lower case": lambda text: quote(text, safe="").replace("%C3%BC", "%c3%bc"),
    "a form": quote_plus,
    "a path": quote,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON with escaped slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "HTML": html.escape,
    "hex": lambda text: text.encode().hex(),
    "hex in upper case": lambda text: text.encode().hex().upper(),
    "percent for every character": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "JSON of Go": lambda text: re.sub(
        "[&<>]", lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text)[1:-1]
    ),
    "JSON that escapes everything": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "percent of a browser": lambda text: quote(text, safe="!'()*"),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "references to numbers": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "HTML of JSON of Go": lambda text: html.escape(
        re.sub("[&<>]", lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text)[1:-1])
    ),
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
@settings(max_examples=60)
@given(value=VALUES, words=st.sampled_from(["", "unknown token: ", "a", '{"t":"']))
def test_no_encoding_of_a_secret_is_left(
    encode: Callable[[str], str], value: str, words: str
) -> None:
    """However it is echoed: no eight characters of its encoding stand in what is left."""
    echoed = encode(value)
    masked = holding(value).mask(words + echoed + " (end)")

    assert MASK in masked
    left = [
        echoed[at : at + 8] for at in range(4, len(echoed) - 12) if echoed[at : at + 8] in masked
    ]
    assert left == []


@settings(max_examples=200)
@given(value=VALUES, cut=st.data())
def test_no_beginning_end_or_middle_is_left(value: str, cut: st.DataObject) -> None:
    """A part of 15 characters is found wherever it was cut out, of 8 at its beginning and end."""
    first = cut.draw(st.integers(0, len(value) - SHORTEST_SECRET))
    last = cut.draw(st.integers(first + SHORTEST_SECRET, len(value)))
    part = value[first:last]
    if first and last < len(value) and len(part) < 15 and len(value) > 32:
        return
    if any(len(set(part[at : at + 8])) < 3 for at in range(len(part) - 7)):
        return
    assert holding(value).mask(f"x: {part} ") == f"x: {MASK} "


@settings(max_examples=200)
@given(st.text("abcdefgh0123456789", min_size=12, max_size=400), st.integers(0, 300))
def test_no_beginning_of_a_value_is_left_by_a_cut(token: str, before: int) -> None:
    """Wherever safe_text() cuts within a token, at most three of its characters remain."""
    if len(set(token[:8])) < 3:
        return
    assert token[:4] not in holding(token).mask(safe_text("." * before + token))


def test_the_longest_comes_first_over_all_of_them() -> None:
    """A short value that stands in a longer one unmasks nothing of it."""
    register = holding("acme-tenant", f"acme-tenant-{TOKEN}", "tenant-acme-9f8e")
    assert register.mask(f"no acme-tenant-{TOKEN}!") == f"no {MASK}!"
    assert register.mask("for acme-tenant.") == f"for {MASK}."
    assert register.mask("acme-tenant-acme-9f8e") == MASK


@pytest.mark.parametrize("value", ["", "short", "1234567", " 1234567 "])
def test_what_is_short_stands_in_ordinary_words(value: str) -> None:
    """Less than eight characters are not masked."""
    assert len(holding(value)) == 0


def test_ordinary_words_stay() -> None:
    """Text without a secret is returned as the same object."""
    register = holding(TOKEN, "hunter2-hunter2-hunter2")
    text = "rpc error: code = Unauthenticated desc = missing or invalid token: Bearer"
    assert register.mask(text) is text
    assert register.mask(text) is text


def test_what_is_shown_by_design_stays() -> None:
    """A host, a name or a path that a header repeats, whole or within it, is not masked."""
    register = SecretRegister()
    register.add("collector.example.com")
    register.add_public(["collector.example.com", "Production-Cluster"])
    register.add("production-cluster")
    register.add("https://collector.example.com/?key=9f8e7d6c5b4a")

    shown = "DNS:collector.example.com, production-cluster"
    assert register.mask(shown) == shown
    assert register.mask("at https://collector.example.com/?key=9f8e7d6c5b4a") == f"at {MASK}"


def test_a_uniform_secret_is_masked_whole() -> None:
    """One of a single character would else be looked for in every ruler."""
    register = holding("aaaaaaaaaaaa")
    assert register.mask("x aaaaaaaaaaaa x") == f"x {MASK} x"
    assert register.mask("x aaaaaaaaa x") == "x aaaaaaaaa x"


def test_the_oldest_is_forgotten() -> None:
    """Past the maximum; one that is added again is the newest."""
    register = SecretRegister(most=3)
    for value in ("first-secret", "second-secret", "third-secret", "first-secret", "fourth-secret"):
        register.add(value)
    assert len(register) == 3
    assert register.mask("first-secret") == MASK
    assert register.mask("a second-one") == "a second-one"
    kept = {name: register.mask(f"{name}-secret") for name in ("third", "fourth")}
    assert set(kept.values()) == {MASK}


def test_forgetting_leaves_nothing_behind() -> None:
    """The index holds what the secrets that are left need, and no more."""
    register = SecretRegister(most=10)
    for number in range(500):
        register.add(f"{number}-secret-{number * 7919}")
    fresh = SecretRegister(most=10)
    for number in range(490, 500):
        fresh.add(f"{number}-secret-{number * 7919}")
    assert register._index == fresh._index
    assert register._heads == fresh._heads


def test_the_cost_does_not_grow_with_the_number_of_secrets() -> None:
    """A text takes about the same time with 4,000 secrets as with ten."""
    texts = [
        f"line {number}: connection refused by the backend, code {number}" for number in range(400)
    ]

    def seconds(count: int) -> float:
        register = holding(
            *(f"tok-{number * 7919:x}-{number * 104729:x}" for number in range(count))
        )
        best = 1e9
        for _ in range(3):
            register.add_public([f"public-{time.monotonic_ns()}"])  # empties what is remembered
            began = time.thread_time()
            for text in texts:
                register.mask(text)
            best = min(best, time.thread_time() - began)
        return best

    assert seconds(4000) < 5 * seconds(10) + 0.002


def test_tokens_that_begin_alike_cost_no_more() -> None:
    """All JWTs do: what they have in common is looked for in a few of them only, and found."""
    head = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lkcC"
    tokens = [f"{head}{number * 7919:x}-{number * 104729:x}" for number in range(3000)]
    register = holding(*tokens)
    began = time.thread_time()
    for number, token in enumerate(tokens[::10]):
        assert register.mask(f"{number}: {token}") == f"{number}: {MASK}"
    assert register.mask(f"cut: {head[:40]}…") == f"cut: {MASK}…"
    assert time.thread_time() - began < 2.0


def test_it_can_be_filled_while_it_masks() -> None:
    """A configuration is read in a thread of its own."""
    most = 50
    register, stop, added = SecretRegister(most=most), threading.Event(), itertools.count()

    def fill() -> None:
        while not stop.is_set():
            register.add(f"secret-number-{next(added)}")

    filling = threading.Thread(target=fill)
    filling.start()
    judged = 0
    try:
        for number in range(2000):
            before = next(added)
            register.add(TOKEN)
            masked = register.mask(f"{number} {TOKEN}")
            # Where this thread had to wait, so many came that the token has gone again.
            if next(added) - before < most:
                assert masked == f"{number} {MASK}"
                judged += 1
    finally:
        stop.set()
        filling.join()
    assert judged > 0


def test_it_shows_and_writes_nothing() -> None:
    """Neither its repr nor a pickle holds a secret."""
    register = holding(TOKEN)
    assert repr(register) == "SecretRegister(1 secrets)"
    with pytest.raises(TypeError):
        pickle.dumps(register)


def test_both_are_masked_and_nothing_goes_below() -> None:
    """The secrets of the process in the request's texts, and not the other way round."""
    below = SecretRegister()
    below.add("s3cret-of-the-process")
    layer = LayeredRegister(below)
    layer.add("s3cret-of-the-request")
    layer.add("value-7-of-it")
    text = "s3cret-of-the-process, s3cret-of-the-request"
    assert layer.mask(text) == f"{MASK}, {MASK}"
    assert (len(below), len(layer)) == (1, 3)
    assert below.mask("a request: value-7-of-it") == "a request: value-7-of-it"


def test_no_request_makes_a_secret_public_or_forgotten() -> None:
    """A name that is one, however it was guessed, and more values than there is room for."""
    below = SecretRegister()
    below.add("s3cret-of-the-process")
    layer = LayeredRegister(below)
    layer.add_public(["s3cret-of-the-process", "x s3cret-of-the-process x"])
    for number in range(2 * MOST_OF_REQUEST):
        layer.add(f"value-number-{number:06}")
    assert layer.mask("no s3cret-of-the-process") == f"no {MASK}"
    assert layer.mask("cut: s3cret-of-th") == f"cut: {MASK}"
    assert below.mask("no s3cret-of-the-process") == f"no {MASK}"
    assert len(layer) == MOST_OF_REQUEST + 1


def test_what_changes_below_changes_the_version() -> None:
    """Whoever remembers what was masked looks again."""
    below = SecretRegister()
    layer = LayeredRegister(below)
    versions = [layer.version]
    below.add("s3cret-of-the-process")
    versions.append(layer.version)
    layer.add("s3cret-of-the-request")
    versions.append(layer.version)
    assert versions == sorted(set(versions))
