"""The status page: what stands on it, what it is asked to leave out, and that it can be read."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec.structs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.causes.catalogue import CATALOGUE
from probe.credential_facts import CredentialFault
from probe.diagnosis import diagnose
from probe.evidence import Evidence
from probe.ledger import Ledger
from probe.outputs.history_strip import HEIGHT, STEP, WIDTH, bars, strip
from probe.outputs.status_page import BATCH, PER_PAGE, STYLE, page
from probe.outputs.target_filter import TargetFilter
from probe.safe_text import safe_text
from probe.target import Endpoint, Target
from tests.golden.attempts import (
    answered,
    attempt,
    holding,
    refused,
    shaken,
    stopped_by_files,
    unconnected,
)
from tests.golden.certificates import (
    AT,
    EXPORTER,
    OTHER_CA,
    SERVER_CA,
    authority,
    backend,
    exporter,
)

WELL: Final = answered()
UNTRUSTED: Final = refused(48, EXPORTER, listed=(OTHER_CA,))
DOWN: Final = unconnected("refused", "ECONNREFUSED")
SILENT: Final = attempt("accept", "timeout", handshake=shaken())
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
            facts = msgspec.structs.replace(evidence.target, name=target.name)
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
    parts = page(ledger, CATALOGUE, AT + 60, query, reload_failure=reload_failure)
    return Read(b"".join(parts).decode())


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["down", "refused", "silent", "new", "well"]),
        ({"outcome": "failed"}, ["down", "refused"]),
        ({"outcome": "unexpected"}, ["down", "refused", "silent"]),
        ({"outcome": "unconfirmed"}, ["silent"]),
        ({"outcome": "confirmed"}, ["well"]),
        ({"outcome": "pending"}, ["new"]),
        ({"outcome": "nonsense"}, []),
        ({"cause": "tcp_refused"}, ["down"]),
        ({"cause": "client_ca_untrusted", "outcome": "confirmed"}, []),
        ({"party": "backend"}, ["down", "refused"]),
        ({"party": "exporter"}, []),
        ({"q": "SIL"}, ["silent"]),
        ({"q": "2.example:4317"}, ["down"]),
        ({"q": "client_ca untrusted"}, ["refused"]),
        ({"q": "client_ca well"}, []),
        ({"q": "  "}, ["down", "refused", "silent", "new", "well"]),
    ],
)
def test_search_and_filters_leave_out_the_rest(query: dict[str, str], names: list[str]) -> None:
    """What is asked for stays, the worst first; each word of a search must be there."""
    read = shown(fleet(*MIXED), **query)

    assert read.names == names
    narrowed = any(value.strip() for value in query.values())
    assert (f"{len(names)} of 5 targets · show all" in read.text) == narrowed


def test_the_form_shows_what_was_asked() -> None:
    """Search, choices and label survive the next click on Show; hostile text stays text."""
    asked = {"q": '"><script>\x1b', "outcome": "failed", "party": "backend", "label": "team=a"}
    read = shown(fleet(*MIXED), **asked, refresh="30")

    assert read.fields == {"q": '"><script>\\x1b', "label": "team=a", "refresh": "30"}
    assert read.selected == ["failed", "", "backend"]
    assert "No target is like that." in read.text


def test_counts_are_of_all_targets_and_lead_to_them() -> None:
    """By outcome, by cause and by who must act; each count is a link that shows as many."""
    ledger = fleet(*MIXED)
    read = shown(ledger)
    counts = {link: int(text.split()[0]) for link, text in read.links.items() if text[:1].isdigit()}

    assert counts == {
        "/?outcome=failed": 2,
        "/?outcome=confirmed": 1,
        "/?outcome=unconfirmed": 1,
        "/?outcome=pending": 1,
        "/?party=backend": 2,
        "/?cause=client_ca_untrusted": 1,
        "/?cause=tcp_refused": 1,
    }
    for link, count in counts.items():
        assert len(shown(ledger, **dict(parse_qsl(link[2:]))).names) == count


def test_nobody_must_act_on_what_is_asked_for() -> None:
    """A target that fails as its `expect` says has its cause, and stands with no party."""
    ledger = fleet(("guard", [UNTRUSTED]), expect_cause="client_ca_untrusted")
    links = shown(ledger).links

    assert "/?cause=client_ca_untrusted" in links
    assert "/?party=backend" not in links
    assert shown(ledger, party="backend").names == []
    assert shown(ledger, outcome="unexpected").names == []


def test_labels_lead_to_those_that_have_them() -> None:
    """A label is a link; another label's targets are left out."""
    ledger = fleet(("a", [WELL]), labels=(("team", "a&b ü"), ("env", "prod")))
    link = next(link for link, text in shown(ledger).links.items() if text == "team=a&b ü")

    assert link == "/?label=team%3Da%26b+%C3%BC"
    assert shown(ledger, **dict(parse_qsl(link[2:]))).names == ["a"]
    assert shown(ledger, label="team=a").names == []


def test_each_sides_certificates_count_down() -> None:
    """Client, server and CA each with the time left; what is over or soon over is marked."""
    soon = answered(
        credentials=holding(exporter(ends=-3), ca_bundle=(SERVER_CA,), read_at=AT - 7200),
        handshake=shaken(server_chain=(backend(ends=5),)),
    )
    html = b"".join(page(fleet(("eu", [soon])), CATALOGUE, AT + 60)).decode()
    marked = re.findall(r'<li( class="soon")?><span class="quiet">(\w+)</span>.*?>([^<]+)</t', html)

    assert marked == [
        (' class="soon"', "client", "expired 3 days ago"),
        (' class="soon"', "server", "4 days left"),
        ("", "CA", "999 days left"),
    ]
    assert "files read" in html
    assert ">2 h</time> ago" in html


def test_an_old_ca_that_nothing_leads_to_alarms_nobody() -> None:
    """Of a bundle the CA in use counts; without a server's chain, what ends first."""
    old = authority("Old CA", ends=-100)
    credentials = holding(EXPORTER, ca_bundle=(old, SERVER_CA))
    used = shown(fleet(("eu", [answered(credentials=credentials)])))
    unused = shown(fleet(("eu", [unconnected("refused", credentials=credentials)])))

    assert "CA 999 days left" in used.rows[1]
    assert "CA expired 100 days ago" in unused.rows[1]


def test_the_strip_tells_good_from_bad_without_colour() -> None:
    """Heights differ, the newest stands at the right, and a label says it in words."""
    ledger = fleet(("eu", [WELL, WELL, DOWN, SILENT]))
    history = next(iter(ledger)).history
    drawn = bars(history)

    assert [bar.mood for bar in drawn] == ["good", "good", "bad", "unsure"]
    assert len({bar.height for bar in drawn}) == 3
    assert drawn[-1].x == WIDTH - STEP
    assert all(bar.y + bar.height == HEIGHT for bar in drawn)
    assert strip(history).label == (
        "last 4 attempts: 2 as expected, 1 unconfirmed, 1 not as expected"
    )
    assert dict(strip(history).paths)["bad"] == f"M{WIDTH - 2 * STEP} 0h3v16h-3z"
    assert strip(()).paths == ()


def test_the_strip_holds_the_last_sixty() -> None:
    """Older attempts are forgotten, and the row stays small."""
    ledger = fleet(("eu", [WELL] * 70))
    drawn = bars(next(iter(ledger)).history)

    assert (len(drawn), drawn[0].x) == (60, 0)
    assert len(repr(strip(next(iter(ledger)).history))) < 1500


def test_a_reload_that_failed_is_told() -> None:
    """The reason stands on the page, line by line and harmless; without one nothing does."""
    why = "mtls-probe.yml line 3: unknown key <b>\nallowed: a, b\x1b[2J"
    read = shown(fleet(*MIXED), reload_failure=why)

    assert "The last reload of the configuration failed" in read.text
    assert "line 3: unknown key <b>\nallowed: a, b\\x1b[2J" in read.text
    assert "last reload" not in shown(fleet(*MIXED)).text


def test_faulty_credential_files_are_named_once() -> None:
    """A file that many targets share stands there once, with how many it concerns."""
    fault = CredentialFault(
        cause="client_file_missing", role="cert", path="/etc/tls.crt", fact="there is no such file"
    )
    kept = answered(credentials=holding(EXPORTER, unusable=(fault,)))
    read = shown(fleet(("a", [stopped_by_files(fault)]), ("b", [stopped_by_files(fault)])))

    assert "1 fault of credential files" in read.text
    assert "/etc/tls.crt: there is no such file (2 targets; client_file_missing)" in read.text
    assert "stays in use" in shown(fleet(("a", [kept]))).text
    assert "credential files" not in shown(fleet(*MIXED)).text


def test_it_loads_itself_again_only_where_asked() -> None:
    """Who reads or types is not interrupted; `refresh` asks for it, and a link ends it."""
    ledger = fleet(*MIXED)

    assert "refresh" not in shown(ledger).metas
    assert "/?refresh=30" in shown(ledger).links
    read = shown(ledger, refresh="30", outcome="failed")
    assert read.metas["refresh"] == "30"
    assert read.links["/?outcome=failed"] == "stop refreshing"
    for refused_value in ("0", "1", "-5", "x", "999999", "30;url=//evil.example"):
        assert "refresh" not in shown(ledger, refresh=refused_value).metas


def test_many_targets_come_in_pages() -> None:
    """The worst stand on the first page; every target is on one of them; too far is the last."""
    count = 2 * PER_PAGE + 3
    several = [(f"t{at}", [WELL]) for at in range(count - 1)]
    ledger = fleet(*several, ("worst", [DOWN]))
    pages = [shown(ledger, page=str(at)) for at in (1, 2, 3)]

    assert [len(read.names) for read in pages] == [PER_PAGE, PER_PAGE, 3]
    assert pages[0].names[0] == "worst"
    assert len({name for read in pages for name in read.names}) == count
    assert "/?page=2" in pages[0].links
    assert {"/", "/?page=3"} <= set(pages[1].links)
    assert shown(ledger, page="99").names == pages[2].names
    assert shown(ledger, page="x").names == pages[0].names
    assert "/?outcome=confirmed&page=2" in shown(ledger, outcome="confirmed").links


def test_a_large_fleet_is_counted_with_pauses_and_shown_in_parts() -> None:
    """An empty part after each batch lets attempts go on; no part holds the whole page."""
    ledger = fleet(*((f"t{at}", [WELL]) for at in range(10 * BATCH)))
    parts = list(page(ledger, CATALOGUE, AT))

    assert parts[:10] == [b""] * 10
    assert max(map(len, parts)) < sum(map(len, parts)) / 10


QUERIES: Final = st.dictionaries(
    st.sampled_from(["q", "outcome", "cause", "party", "label", "page", "refresh", "other"]),
    st.text(max_size=30) | st.sampled_from(["failed", "1", "-1", "9" * 40, "²", "\ud800"]),
)


@settings(max_examples=60, deadline=None)
@given(QUERIES)
def test_any_query_gives_a_page(query: dict[str, str]) -> None:
    """Whatever the address says, the page is whole and printable, and its links are ASCII."""
    html = b"".join(page(fleet(*MIXED), CATALOGUE, AT, query)).decode()

    assert html.endswith("</html>")
    line = html.replace("\n", "")
    assert safe_text(line, len(line)) == line
    assert TargetFilter.of(query).address().isascii()


def colours(scheme: str) -> dict[str, str]:
    """Return the style sheet's variables in a colour scheme."""
    light, dark = re.findall(r":root \{([^}]*)\}", STYLE)
    pairs = re.findall(r"--(\w+): (#[0-9a-f]{6})", light)
    if scheme == "dark":
        pairs += re.findall(r"--(\w+): (#[0-9a-f]{6})", dark)
    return dict(pairs)


def luminance(colour: str) -> float:
    """Return the relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["bg", "panel"])
@pytest.mark.parametrize("ink", ["text", "link", "quiet", "bad", "unsure", "good"])
def test_every_text_has_enough_contrast(scheme: str, ground: str, ink: str) -> None:
    """WCAG 2.2 AA, 1.4.3: 4.5 to 1, in both colour schemes and on both grounds."""
    palette = colours(scheme)

    assert contrast(palette[ink], palette[ground]) >= 4.5


def test_no_colour_stands_outside_the_palette() -> None:
    """So the test above sees every colour, and both schemes have the same names."""
    assert len(re.findall(r"#[0-9a-f]{3,8}\b", STYLE)) == len(
        re.findall(r"--\w+: #[0-9a-f]{6}", STYLE)
    )
    assert not re.search(r"\b(rgba?|hsla?|opacity)\b", STYLE)
    assert colours("light").keys() == colours("dark").keys()
    assert colours("light") != colours("dark")
