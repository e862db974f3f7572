"""A fleet's status page, read as a browser reads it."""

from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any, Final

import msgspec.structs

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.diagnose import diagnose
from probe.ledger.ledger import Ledger
from probe.model.evidence import Evidence
from probe.model.target import Endpoint, Target
from probe.web.pages.status_page import render_status_page
from tests.support.certificate_facts import (
    AT,
    EXPORTER,
    OTHER_CA,
)
from tests.support.evidence import (
    answered_attempt,
    attempt,
    complete_handshake,
    refused_attempt,
    unconnected_attempt,
)

WELL: Final = answered_attempt()
UNTRUSTED: Final = refused_attempt(48, EXPORTER, listed=(OTHER_CA,))
DOWN: Final = unconnected_attempt("refused", "ECONNREFUSED")
SILENT: Final = attempt("accept", "timeout", handshake=complete_handshake())
"""Everything went well so far, and no answer came."""


class Read(HTMLParser):
    """The page as far as these tests look at it."""

    def __init__(self, html: str) -> None:
        """Read `html`."""
        super().__init__()
        self.names: list[str] = []
        self.rows: list[str] = []
        self.links: dict[str, str] = {}
        self.metas: dict[str, str] = {}
        self.fields: dict[str, str] = {}
        self.selected: list[str] = []
        self.text = ""
        self._link = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note rows, links, and what the form holds."""
        given = {name: value or "" for name, value in attrs}
        if tag == "tr":
            self.rows.append("")
        elif tag == "a":
            self._link = given["href"]
            if given["href"].startswith("/targets/"):
                self.names.append("")
        elif tag == "meta":
            self.metas[given.get("http-equiv", given.get("name", ""))] = given.get("content", "")
        elif tag == "input":
            self.fields[given["name"]] = given["value"]
        elif tag == "option" and "selected" in given:
            self.selected.append(given["value"])

    def handle_endtag(self, tag: str) -> None:
        """End a link."""
        if tag == "a":
            self._link = ""

    def handle_data(self, data: str) -> None:
        """Add the text to all that is open."""
        self.text += data
        if self.rows:
            self.rows[-1] += data
        if self._link:
            self.links[self._link] = self.links.get(self._link, "") + data
            if self._link.startswith("/targets/"):
                self.names[-1] += data


def fleet(*seen: tuple[str, Sequence[Evidence]], **fields: Any) -> Ledger:
    """Return a ledger of targets by name, each with the attempts that it had."""
    targets = [
        Target(name=name, endpoint=Endpoint(f"{at}.example", 4317), **fields)
        for at, (name, _) in enumerate(seen)
    ]
    ledger = Ledger(targets)
    for target, (_, attempts) in zip(targets, seen, strict=True):
        for evidence in attempts:
            facts = msgspec.structs.replace(
                evidence.target, name=target.name, expect_cause=target.expect_cause
            )
            of_target = msgspec.structs.replace(evidence, target=facts)
            ledger.record(target, of_target, diagnose(of_target))
    return ledger


MIXED: Final = (
    ("well", [WELL]),
    ("refused", [UNTRUSTED]),
    ("down", [DOWN]),
    ("silent", [SILENT]),
    ("new", []),
)


def shown(ledger: Ledger, *, reload_failure: str | None = None, **query: str) -> Read:
    """Return the page as of a minute after the attempts."""
    parts = render_status_page(ledger, CATALOGUE, AT + 60, query, reload_failure=reload_failure)
    return Read(b"".join(parts).decode())
