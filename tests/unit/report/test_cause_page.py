"""The page of a cause: what a reader needs, in an order that reads well, from its value alone."""

import re
from dataclasses import replace

import pytest

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import PARTIES, Cause
from probe.report.cause_page import cause_page, group_texts_by_exporter, list_neighbours
from probe.report.causes_markdown import group_by_family, main, render_causes
from tests.support.every_row import every_row

every_cause = every_row(cause=CATALOGUE.values())


@every_cause
def test_a_page_holds_all_that_the_cause_says(cause: Cause) -> None:
    """Title, id, number, family, who must act, meaning, evidence, each step and each source."""
    page = cause_page(cause)
    flat = " ".join(page.split())

    assert page.startswith(f"# {cause.title}\n\n`{cause.id}` · ")
    assert page.endswith("\n")
    assert not page.endswith("\n\n")
    for text in (cause.meaning, cause.evidence, *cause.citations, PARTIES[cause.party]):
        assert text in flat
    assert f"`{cause.family}`" in page
    assert (f"documented cause {cause.documented_cause}" in page) == bool(cause.documented_cause)
    assert len(re.findall(r"^\d+\. ", page, re.MULTILINE)) == len(cause.fix)


@every_cause
def test_a_page_has_no_holes_and_no_hidden_character(cause: Cause) -> None:
    """Steps show example paths, never a placeholder; prose fits a terminal's width."""
    page = cause_page(cause)

    assert not re.search(r"\{\w+\}", page)
    assert page.replace("\n", "").isprintable()
    prose = page.split("## Fix")[0].split("## What exporters print")[0]
    assert max(map(len, prose.splitlines()[4:])) <= 100


def test_steps_name_example_files() -> None:
    """A reader sees a path of a usual installation where a target's own would stand."""
    assert "openssl x509 -in /etc/otel/tls.crt" in cause_page(CATALOGUE["client_ca_untrusted"])


def test_exporters_that_print_the_same_stand_together() -> None:
    """The Collector and the Go SDK share a line, and each text is code."""
    texts = group_texts_by_exporter(CATALOGUE["client_cert_expired"])
    page = cause_page(CATALOGUE["client_cert_expired"])

    assert texts[0][0] == "OpenTelemetry Collector; Go SDK, gRPC; Go SDK, HTTP"
    assert (
        "- OpenTelemetry Collector; Go SDK, gRPC; Go SDK, HTTP:\n  - `remote error: tls: expired certificate`"
        in page
    )
    assert "## What exporters print" not in cause_page(CATALOGUE["tls_off"])


def test_neighbours_are_distinguished_in_both_directions() -> None:
    """What explains it, what it explains, and what else brings the same alert."""
    untrusted = " ".join(list_neighbours(CATALOGUE["client_ca_untrusted"], CATALOGUE))
    incomplete = " ".join(list_neighbours(CATALOGUE["client_chain_incomplete"], CATALOGUE))

    assert "`client_chain_incomplete` (cert_file lacks" in untrusted
    assert "where both are proven, this one follows from that" in untrusted
    assert "`client_ca_untrusted` (The backend does not trust" in incomplete
    assert "unknown_ca (48), comes with `client_ca_untrusted`" in incomplete
    assert not tuple(list_neighbours(CATALOGUE["dns_failure"], CATALOGUE))


def test_both_sides_of_a_withheld_certificate_are_on_its_page() -> None:
    """Users of Go and Java read that a certificate is required: both pages say why."""
    untrusted = cause_page(CATALOGUE["client_ca_untrusted"])
    not_sent = cause_page(CATALOGUE["client_cert_not_sent"])

    assert "certificate required" in untrusted
    assert "client_ca_untrusted" in not_sent


def test_a_page_can_stand_below_another_heading() -> None:
    """In the whole document its title is a heading of the third level."""
    page = cause_page(CATALOGUE["tcp_refused"], level=3)

    assert page.startswith("### Nothing listens")
    assert "\n#### Fix\n" in page


def test_the_document_has_an_index_and_every_page() -> None:
    """Each cause has one row, one anchor and one page; families come in the document's order."""
    text = render_causes()

    for cause in CATALOGUE.values():
        assert text.count(f"[`{cause.id}`](#{cause.id})") == 1
        assert text.count(f'<a id="{cause.id}"></a>') == 1
        assert cause_page(cause, level=3) in text
    assert [cause.id for causes in group_by_family().values() for cause in causes] == re.findall(
        r'<a id="(\w+)"></a>', text
    )


def test_a_family_without_causes_is_left_out() -> None:
    """A smaller catalogue makes a smaller document."""
    one = replace(CATALOGUE["tcp_refused"], explained_by=())

    assert list(group_by_family({one.id: one})) == ["network"]


def test_the_module_writes_the_document(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a name to standard output, with one into that file."""
    path = tmp_path_factory.mktemp("causes") / "CAUSES.md"
    main([])
    main([str(path)])

    assert capsys.readouterr().out == path.read_text(encoding="utf-8") == render_causes()
