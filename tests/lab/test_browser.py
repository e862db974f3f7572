"""The pages in a real browser: what it shows, what it refuses to run, and what else it requests."""

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from tests.lab.credentials import LabPki
from tests.lab.hostile_text import TARGET, harmless
from tests.lab.watched_backends import GUARD, SURROGATE, probing
from tests.support.required_tools import missing

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

UNTRUSTED: Final = "documented-cause-1-client-ca-untrusted"
PAGES: Final = (
    "/",
    "/?q=cause-1&outcome=failed",
    f"/targets/{UNTRUSTED}",
    "/targets/healthy-http",
    "/forecast?days=3650",
    "/causes",
    "/causes/client_ca_untrusted",
)
VIEWS: Final = {
    "wide": (1280, 900, "light"),
    "phone": (360, 740, "light"),
    "dark": (1280, 900, "dark"),
    "dark-phone": (360, 740, "dark"),
}


@pytest.fixture(scope="module")
def site(pki: LabPki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the pages, once every target has been tried."""
    with probing(pki, tmp_path_factory.mktemp("pages")) as address:
        end = time.monotonic() + 30
        while b"pending" in urlopen(f"{address}/api/v1/targets", timeout=10).read():
            assert time.monotonic() < end, "not every target was tried"
            time.sleep(0.1)
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Debian's Chromium, without a window."""
    if find_spec("playwright") is None:
        missing("playwright is not installed")
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or missing("chromium is not installed")
    # Chromium's sandbox refuses to run as root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=arguments)
        yield running
        running.close()


@dataclass
class Seen:
    """What a browser complained about, and which addresses it requested."""

    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def watch(self, context: "BrowserContext") -> None:
        """Record everything from now on."""
        context.on("console", lambda message: self.complaints.append(message.text))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        context.on("request", lambda request: self.asked.append(request.url))


@pytest.fixture
def seen() -> Seen:
    """What the browser of a test complained of, by its end."""
    return Seen()


@pytest.fixture
def open_page(
    browser: "Browser", site: str, seen: Seen, request: pytest.FixtureRequest
) -> Iterator["Page"]:
    """A page in the view that the test is given, else a wide one; it must not complain."""
    width, height, scheme = VIEWS[getattr(request, "param", "wide")]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        base_url=site,
    )
    seen.watch(context)
    yield context.new_page()
    context.close()
    assert seen.complaints == []
    assert [url for url in seen.asked if not url.startswith((f"{site}/", "data:"))] == []


every_view = pytest.mark.parametrize("open_page", VIEWS, indirect=True)


@every_view
def test_every_page_fits_every_screen(open_page: "Page", tmp_path: Path) -> None:
    """No page is wider than its window, none requests anything else, each has its landmarks."""
    for number, path in enumerate(PAGES):
        open_page.goto(path)
        open_page.screenshot(path=tmp_path / f"{number}.png", full_page=True)
        wide = open_page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide == 0, path
        assert open_page.title().endswith(" · mtls-probe")
        assert open_page.locator("html").get_attribute("lang") == "en"
        for landmark in ("banner", "main", "contentinfo", "navigation"):
            assert open_page.get_by_role(landmark).first.is_visible(), (path, landmark)
        assert open_page.get_by_role("heading", level=1).count() == 1


@pytest.mark.parametrize(
    ("open_page", "ground"),
    [("wide", "rgb(255, 255, 255)"), ("dark", "rgb(20, 23, 26)")],
    indirect=["open_page"],
)
def test_it_follows_the_colour_scheme(open_page: "Page", ground: str) -> None:
    """The style sheet is the one that the policy allows, in the reader's scheme."""
    open_page.goto("/")

    shown = open_page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert shown == ground


@every_view
def test_the_table_stays_a_table(open_page: "Page") -> None:
    """Rows are shown as cards on a phone, and are rows of a table to a screen reader anywhere.

    Some browsers forget what a table is once its style says block: every part has its role.
    """
    open_page.goto("/")
    tree = open_page.context.new_cdp_session(open_page).send("Accessibility.getFullAXTree")
    roles = Counter(node["role"]["value"] for node in tree["nodes"] if not node["ignored"])
    labels = [node["name"]["value"] for node in tree["nodes"] if node["role"]["value"] == "image"]

    assert (roles["row"], roles["columnheader"], roles["rowheader"]) == (15, 6, 14)
    assert roles["cell"] + roles["gridcell"] == 5 * 14
    assert sum(label.startswith("last ") for label in labels) == 14
    for path in PAGES:
        open_page.goto(path)
        for part in ("table", "thead", "tbody", "tr", "th", "td"):
            assert open_page.locator(f"{part}:not([role])").count() == 0, (path, part)


def names(page: "Page") -> list[str]:
    """Return the names of the targets that the page lists, in its order."""
    return page.locator("tbody th a:not(.chip)").all_inner_texts()


def follow(page: "Page", locator: "Locator") -> None:
    """Click, and return once the page that it leads to is loaded completely.

    A click alone comes back while the next page is still being read: half a table is a table too.
    """
    with page.expect_navigation():
        locator.click()


def test_the_worst_comes_first(open_page: "Page") -> None:
    """Failures are above healthy targets; a target with an expected failure is healthy."""
    open_page.goto("/")
    outcomes = open_page.locator("td.outcome").all_inner_texts()

    failures = outcomes.count("failed")
    assert failures >= 8
    assert set(outcomes[:failures]) == {"failed"}
    assert set(outcomes[failures:]) == {"confirmed", "failed, as expected"}
    assert names(open_page).index(GUARD) >= failures


def test_search_and_filters_work_by_hand(open_page: "Page") -> None:
    """Typing and choosing filters the table, the address can be saved, and a link shows all."""
    open_page.goto("/")
    open_page.get_by_label("Search").fill("cause-2 failed-not")
    follow(open_page, open_page.get_by_role("button", name="Show"))
    assert names(open_page) == []
    open_page.get_by_label("Search").fill("CAUSE-2")
    open_page.get_by_label("Outcome").select_option("failed")
    follow(open_page, open_page.get_by_role("button", name="Show"))
    assert len(names(open_page)) == 3
    assert all("cause-2" in name for name in names(open_page))
    assert open_page.get_by_label("Search").input_value() == "CAUSE-2"
    open_page.reload()
    assert len(names(open_page)) == 3

    follow(open_page, open_page.get_by_role("link", name="show all"))
    assert len(names(open_page)) == 14
    follow(open_page, open_page.locator(".summary").get_by_role("link", name="client_ca_untrusted"))
    assert names(open_page) == [UNTRUSTED]
    follow(open_page, open_page.locator("tbody").get_by_role("link", name="team=payments"))
    assert names(open_page) == [UNTRUSTED]
    assert "label=team" in open_page.url
    follow(open_page, open_page.locator(".summary").get_by_role("link", name="client_ca_untrusted"))
    assert len(names(open_page)) == 12


def test_links_lead_from_the_table_to_target_and_cause_and_back(open_page: "Page") -> None:
    """Each page links to the next; the chain's broken link is described in a sentence."""
    open_page.goto("/")
    follow(open_page, open_page.get_by_role("link", name=UNTRUSTED, exact=True))
    assert open_page.get_by_role("heading", level=1).inner_text() == UNTRUSTED
    text = open_page.locator("main").inner_text()
    for words in (
        "the backend's side must act",
        "No match. The backend accepts CN=Demo CA of another team; your certificate chains to "
        "CN=Demo exporter CA, which the list does not name.",
        "broken link: the backend's list has no CA of this chain",
        "not reached",
    ):
        assert words in text
    follow(open_page, open_page.locator(".verdict").get_by_role("link", name="client_ca_untrusted"))
    assert open_page.url.endswith("/causes/client_ca_untrusted")
    follow(open_page, open_page.get_by_role("link", name=UNTRUSTED))
    assert open_page.url.endswith(f"/targets/{UNTRUSTED}")
    follow(open_page, open_page.get_by_role("link", name="mtls-probe"))
    follow(open_page, open_page.get_by_role("link", name="causes", exact=True))
    follow(open_page, open_page.get_by_role("link", name="tls_off"))
    assert open_page.get_by_role("heading", name="What proves it").is_visible()


@pytest.mark.parametrize("name", [TARGET, SURROGATE], ids=["readable", "lone surrogate"])
@every_view
def test_hostile_names_and_certificates_are_only_text(
    open_page: "Page", seen: Seen, name: str
) -> None:
    """A target called script, a subject with escapes, line breaks, bidi and surrogates: text.

    A dialog, an error or a request to another place would fail the test at its end.
    """
    if name == SURROGATE and shutil.which("go") is None:
        missing("go is not installed")
    open_page.goto("/")
    assert TARGET in names(open_page)
    open_page.goto(f"/targets/{quote(name, safe='')}")
    text = open_page.locator("body").inner_text()
    heading = open_page.get_by_role("heading", level=1).inner_text()

    assert heading == (TARGET if name == TARGET else r"\x1b[2J\u202ebackend")
    harmless(text, "the page")
    if name == TARGET:
        assert r"\x1b[31mred" in text
        assert r"\u202egnp\<img src=x\>" in text
    else:
        assert "invalid BMPString" in text
    assert open_page.locator("script, img, body [style]").count() == 0
    assert open_page.locator("b").count() == 0
    assert open_page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    assert seen.complaints == []


def test_the_policy_would_stop_a_script(open_page: "Page", seen: Seen) -> None:
    """If one were injected into a page, nothing would run: neither script, handler nor style."""
    open_page.goto("/")
    ran = open_page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", `<p id="p" style="color: red"></p>`);
            const handler = document.createElement("p");
            handler.setAttribute("onclick", "window.ran = true");
            document.body.append(handler);
            handler.click();
            return [window.ran, getComputedStyle(document.getElementById("p")).color];
        }"""
    )

    assert ran == [None, "rgb(28, 32, 36)"]
    assert len(seen.complaints) >= 3
    assert all("Content Security Policy" in one for one in seen.complaints)
    seen.complaints.clear()


def test_the_keyboard_is_enough(open_page: "Page") -> None:
    """The first key skips the navigation, and the focused element has a frame."""
    open_page.goto("/")
    open_page.keyboard.press("Tab")
    focused = open_page.locator(":focus")
    assert focused.inner_text() == "Skip to the content"
    assert focused.bounding_box()["x"] >= 0  # type: ignore[index]  # without a box the test fails too
    assert focused.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    open_page.keyboard.press("Enter")
    assert open_page.url.endswith("#main")
    for _ in range(40):
        open_page.keyboard.press("Tab")
        tag = open_page.evaluate("document.activeElement.tagName")
        if tag == "SUMMARY":
            break
    open_page.keyboard.press("Enter")
    assert open_page.locator("details[open]").count() == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [(UNTRUSTED, "failed: client_ca_untrusted"), (TARGET, "confirmed"), ("nobody", "")],
)
def test_a_badge_shows_on_another_site(
    open_page: "Page", site: str, seen: Seen, tmp_path: Path, name: str, words: str
) -> None:
    """As the image of a README that another origin serves; opened by itself it does nothing."""
    address = f"{site}/badge/{quote(name, safe='')}.svg"
    open_page.set_content(f'<img src="{address}" alt="badge">')
    image = open_page.get_by_alt_text("badge")
    image.screenshot(path=tmp_path / "badge.png")

    box = image.bounding_box()
    assert box is not None
    assert box["height"] == 20
    assert box["width"] > 60
    if name == "nobody":
        (complaint,) = seen.complaints
        assert "status of 404" in complaint
        seen.complaints.clear()
        return
    open_page.goto(address)
    assert open_page.locator("title").text_content() == f"{name}: {words}"
