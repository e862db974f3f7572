"""How the sources are stands on the page and in the log: once at each change, and never raw."""

from probe.diagnosis.catalogue import CATALOGUE
from probe.model.target import SourcesSummary, SourceState
from probe.web.pages.status_page import render_status_page
from tests.support.certificate_facts import AT
from tests.support.status_pages import WELL, fleet

UP = SourceState("environment", up=True, targets=1)
DOWN = SourceState("environment", up=False, targets=1, error="first line\n  second <b>\x1b[31m")


def shown(*states: SourceState, targets: int = 1, nothing: str = "") -> str:
    """Return the page of a fleet with these sources."""
    ledger = fleet(*((str(number), [WELL]) for number in range(targets)))
    sources = SourcesSummary(states, nothing)
    parts = render_status_page(ledger, CATALOGUE, AT + 60, sources=sources)
    return b"".join(parts).decode()


def test_the_page_says_which_source_is_down_and_why() -> None:
    """Each line of the error, escaped; a source that is up is not worth a line."""
    html = shown(UP, DOWN)
    assert "1 source of targets is down" in html
    assert "first line\n  second &lt;b&gt;\\x1b[31m" in html
    assert "2 sources of targets are down" in shown(DOWN, DOWN)
    assert "sources-down" not in shown(UP)


def test_the_page_says_that_there_is_nothing_to_probe() -> None:
    """In its heading, with the reason of the source or, where none is down, with its own."""
    html = shown(DOWN, targets=0, nothing="there is nothing to probe: x")
    assert "<h1>There is nothing to probe</h1>" in html
    assert "first line" in html
    assert "there is nothing to probe: x" in shown(
        targets=0, nothing="there is nothing to probe: x"
    )
    assert "nothing to probe" not in shown(UP)


def test_an_error_without_end_has_one_on_the_page() -> None:
    """Twenty lines of each source, whatever it holds."""
    html = shown(SourceState("x", up=False, error="line\n" * 1000))
    assert html.count("line\n") <= 20
