"""The status page: what stands on it, what it is asked to leave out, and that it can be read."""

import re
from urllib.parse import parse_qsl

import pytest

from probe.diagnosis.catalogue import CATALOGUE
from probe.model.finding import Finding
from probe.model.target import Secret, TlsSettings
from probe.web.pages.history_strip import HEIGHT, STEP, WIDTH, draw_bars, draw_strip
from probe.web.pages.status_page import render_status_page
from probe.web.pages.target_page import render_target_page
from tests.support.certificate_facts import (
    AT,
    EXPORTER,
    SERVER_CA,
    authority,
    backend,
    exporter,
)
from tests.support.evidence import (
    answered_attempt,
    complete_handshake,
    held_credentials,
    unconnected_attempt,
    unstarted_attempt,
)
from tests.support.status_pages import DOWN, MIXED, SILENT, UNTRUSTED, WELL, fleet, shown


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
    soon = answered_attempt(
        credentials=held_credentials(exporter(ends=-3), ca_bundle=(SERVER_CA,), read_at=AT - 7200),
        handshake=complete_handshake(server_chain=(backend(ends=5),)),
    )
    files = TlsSettings(ca_file="/etc/otel/ca.crt")
    html = b"".join(
        render_status_page(fleet(("eu", [soon]), tls=files), CATALOGUE, AT + 60)
    ).decode()
    marked = re.findall(r'<li( class="soon")?><span class="quiet">(\w+)</span>.*?>([^<]+)</t', html)

    assert marked == [
        (' class="soon"', "client", "expired 3 days ago"),
        (' class="soon"', "server", "4 days left"),
        ("", "CA", "999 days left"),
    ]
    assert "files read" in html
    assert ">2 h</time> ago" in html


@pytest.mark.parametrize("name", ["cert_file", "key_file", "ca_file"])
def test_files_have_an_age_only_where_some_are_set(name: str) -> None:
    """A target without files, or with PEM text in its settings, has read none."""
    seen = answered_attempt(credentials=held_credentials(EXPORTER, read_at=AT - 20))
    for tls, reported in (
        (TlsSettings(), False),
        (TlsSettings(cert_pem="x", key_pem=Secret("x")), False),
        (TlsSettings(**{name: "/etc/otel/x"}), True),  # type: ignore[arg-type]
    ):
        ledger = fleet(("eu", [seen]), tls=tls)
        html = b"".join(render_status_page(ledger, CATALOGUE, AT + 60)).decode()
        own = render_target_page(next(iter(ledger)), CATALOGUE, AT + 60)
        assert ("files read" in html, "The files in use were read" in own) == (reported, reported)


def test_an_old_ca_that_nothing_leads_to_alarms_nobody() -> None:
    """Of a bundle the CA in use counts; without a server's chain, which that is is not known."""
    old = authority("Old CA", ends=-100)
    credentials = held_credentials(EXPORTER, ca_bundle=(old, SERVER_CA))
    used = shown(fleet(("eu", [answered_attempt(credentials=credentials)])))
    unused = shown(fleet(("eu", [unconnected_attempt("refused", credentials=credentials)])))

    assert "CA 999 days left" in used.rows[1]
    assert "CA " not in unused.rows[1]


def test_the_strip_tells_good_from_bad_without_colour() -> None:
    """Heights differ, the newest stands at the right, and a label says it in words."""
    ledger = fleet(("eu", [WELL, WELL, DOWN, SILENT]))
    history = next(iter(ledger)).history
    drawn = draw_bars(history)

    assert [bar.mood for bar in drawn] == ["good", "good", "bad", "unsure"]
    assert len({bar.height for bar in drawn}) == 3
    assert drawn[-1].x == WIDTH - STEP
    assert all(bar.y + bar.height == HEIGHT for bar in drawn)
    assert draw_strip(history).label == (
        "last 4 attempts: 2 as expected, 1 unconfirmed, 1 not as expected"
    )
    assert dict(draw_strip(history).paths)["bad"] == f"M{WIDTH - 2 * STEP} 0h3v16h-3z"
    assert draw_strip(()).paths == ()


def test_the_strip_holds_the_last_sixty() -> None:
    """Older attempts are forgotten, and the row stays small."""
    ledger = fleet(("eu", [WELL] * 70))
    drawn = draw_bars(next(iter(ledger)).history)

    assert (len(drawn), drawn[0].x) == (60, 0)
    assert len(repr(draw_strip(next(iter(ledger)).history))) < 1500


def test_a_reload_that_failed_is_reported() -> None:
    """The reason stands on the page, line by line and harmless; without one nothing does."""
    why = "mtls-probe.yml line 3: unknown key <b>\nallowed: a, b\x1b[2J"
    read = shown(fleet(*MIXED), reload_failure=why)

    assert "The last reload of the configuration failed" in read.text
    assert "line 3: unknown key <b>\nallowed: a, b\\x1b[2J" in read.text
    assert "last reload" not in shown(fleet(*MIXED)).text


def test_faulty_credential_files_are_named_once() -> None:
    """A file that many targets share stands there once, with how many it concerns."""
    fault = Finding(
        cause="client_file_missing",
        role="cert",
        path="/etc/tls.crt",
        fact="/etc/tls.crt does not exist",
    )
    kept = answered_attempt(credentials=held_credentials(EXPORTER, unusable=(fault,)))
    read = shown(fleet(("a", [unstarted_attempt(fault)]), ("b", [unstarted_attempt(fault)])))

    assert "1 fault of credential files" in read.text
    assert "/etc/tls.crt does not exist (2 targets; client_file_missing)" in read.text
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
