"""The badge: what it says of a target, to whom, and that any name stays text in it."""

import re
from typing import Final
from urllib.parse import quote
from xml.etree import ElementTree as ET

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.diagnose import diagnose
from probe.ledger.ledger import Ledger
from probe.ledger.target_runtime import TargetRuntime
from probe.metrics.scrape import Metrics
from probe.model.evidence import Evidence
from probe.model.target import Endpoint, Target
from probe.text.safe_text import safe_text
from probe.web.application import ServiceView, build_application
from probe.web.pages.badge import draw_badge
from tests.support.certificate_facts import EXPORTER, OTHER_CA
from tests.support.colour_contrast import contrast
from tests.support.evidence import answered_attempt, attempt, complete_handshake, refused_attempt

SVG: Final = "{http://www.w3.org/2000/svg}"
GREEN: Final = "#1a6e34"


def ledger_of(
    name: str, evidence: Evidence | None = None, expect: str | None = None
) -> tuple[Ledger, TargetRuntime]:
    """Return a ledger of one target, and its state."""
    target = Target(name=name, endpoint=Endpoint("eu.example", 4317), expect_cause=expect)
    ledger = Ledger([target])
    if evidence is not None:
        facts = msgspec.structs.replace(evidence.target, expect_cause=expect)
        evidence = msgspec.structs.replace(evidence, target=facts)
        ledger.record(target, evidence, diagnose(evidence))
    state = ledger.find(name)
    assert state is not None
    return ledger, state


def texts(svg: bytes) -> list[str]:
    """Return the texts of a badge, which is XML that holds nothing but shapes and text."""
    root = ET.fromstring(svg)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags == {"svg", "title", "clipPath", "rect", "g", "text"}
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def colour(svg: bytes) -> str:
    """Return the colour behind the right half."""
    return re.findall(r'fill="(#[0-9a-f]{6})"', svg.decode())[1]


UNTRUSTED: Final = refused_attempt(48, EXPORTER, listed=(OTHER_CA,))


@pytest.mark.parametrize(
    ("evidence", "expect", "words", "good"),
    [
        (answered_attempt(), None, "confirmed", True),
        (UNTRUSTED, None, "failed: client_ca_untrusted", False),
        (UNTRUSTED, "client_ca_untrusted", "failed: client_ca_untrusted, as expected", True),
        (answered_attempt(), "client_ca_untrusted", "confirmed", False),
        (attempt("accept", "timeout", handshake=complete_handshake()), None, "unconfirmed", False),
        (None, None, "not probed yet", False),
    ],
)
def test_it_says_outcome_and_cause(
    evidence: Evidence | None, expect: str | None, words: str, good: bool
) -> None:
    """Green is only what is as expected; the words say it as well."""
    svg = draw_badge(ledger_of("eu", evidence, expect)[1], "eu")

    assert texts(svg) == ["eu", words]
    assert (colour(svg) == GREEN) == good
    assert f'aria-label="eu: {words}"'.encode() in svg


def test_its_text_can_be_read() -> None:
    """White on each ground has a contrast of 4.5 or more (WCAG 2.2 AA)."""
    unknown, well, bad = (
        draw_badge(state, "eu")
        for state in (None, ledger_of("eu", answered_attempt())[1], ledger_of("eu", UNTRUSTED)[1])
    )
    silent = draw_badge(
        ledger_of("eu", attempt("accept", "timeout", handshake=complete_handshake()))[1], "eu"
    )
    grounds = re.findall(r'fill="(#[0-9a-f]{6})"', (unknown + well + bad + silent).decode())

    assert len(set(grounds)) == 5
    assert min(contrast(ground, "#ffffff") for ground in grounds) >= 4.5


def test_it_is_as_wide_as_its_text() -> None:
    """A longer name makes it wider, narrow letters less so, and no name wider than a README."""
    widths = [
        int(ET.fromstring(draw_badge(None, name)).get("width", ""))
        for name in ("i" * 9, "e" * 9, "m" * 9, "m" * 900)
    ]

    assert widths == sorted(set(widths))
    assert widths[-1] < 800


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=80) | st.sampled_from(["</text><script>", "a\x1b\u202e\ud800\n", "&lt;"]))
def test_any_name_gives_a_badge(name: str) -> None:
    """It is well-formed XML with the name as text, and in one line."""
    svg = draw_badge(None, name)

    assert len(texts(svg)) == 2
    line = svg.decode().removesuffix("\n")
    assert safe_text(line, len(line)) == line


@pytest.mark.parametrize("name", ["eu", "a/b", "<script>alert(1)</script>", "x.svg", "50% ü"])
async def test_it_is_served_to_other_sites(name: str) -> None:
    """A README elsewhere may show it, nobody keeps it, and it may do nothing."""
    ledger, _ = ledger_of(name, answered_attempt())
    application = build_application(ServiceView(ledger=ledger, metrics=Metrics(ledger, CATALOGUE)))
    async with TestClient(TestServer(application)) as client:
        path = URL(f"/badge/{quote(name, safe='')}.svg", encoded=True)
        async with client.get(path) as response:
            assert response.status == 200
            assert response.headers["Content-Type"] == "image/svg+xml"
            assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["Content-Security-Policy"].startswith("default-src 'none';")
            assert texts(await response.read()) == [name, "confirmed"]
        async with client.get("/badge/nobody.svg") as response:
            assert response.status == 404
            assert response.headers["Content-Type"] == "image/svg+xml"
            assert texts(await response.read()) == ["nobody", "unknown"]
        async with client.get("/") as response:
            assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        async with client.get("/badge/eu") as response:
            assert response.status == 404
            assert response.content_type == "text/plain"
