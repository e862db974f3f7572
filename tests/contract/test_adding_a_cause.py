"""A cause that is declared in one place is everywhere: nothing else has to be touched.

This test declares one, as a module of `families` would, and looks for it wherever causes are named.
"""

import json
import re
from dataclasses import replace
from typing import Final

import pytest
from aiohttp.test_utils import TestClient, TestServer
from click.testing import CliRunner

from probe.alerting.links import Pages
from probe.alerting.rule import Thresholds
from probe.alerting.rule_file import build_rule_group, render_prometheus_rule, render_rule_file
from probe.cli.explain_command import explain
from probe.diagnosis.catalogue import CATALOGUE, Catalogue
from probe.diagnosis.cause import FAMILIES, Match, Rank, Strength
from probe.diagnosis.diagnose import diagnose
from probe.ledger.ledger import Ledger
from probe.messages.explain import Candidate, Explanation
from probe.metrics.scrape import Metrics
from probe.model.evidence import Evidence
from probe.model.tls_alerts import TlsAlert
from probe.report.cause_page import cause_page
from probe.report.causes_markdown import render_causes
from probe.report.explanation import encode_explanation
from probe.web.application import ServiceView, build_application
from tests.contract.imports import ROOT
from tests.support.causes import build_cause
from tests.support.evidence import alert, attempt, partial_handshake

FACT: Final = "the backend sent alert user_canceled (90)"


def match_canceled(evidence: Evidence) -> Match | None:
    """Match the one alert that names this cause."""
    alerts = evidence.handshake.alerts if evidence.handshake else ()
    if all(each.number != TlsAlert.USER_CANCELED for each in alerts):
        return None
    return Match(Strength.NAMED, (FACT,))


NEW: Final = build_cause(
    id="handshake_canceled",
    title="The backend canceled the handshake",
    family="negotiation",
    party="backend",
    severity="warning",
    rank=Rank.TLS_FAILURE,
    alerts=(TlsAlert.USER_CANCELED,),
    meaning="Somebody stopped the backend while it answered.",
    evidence="Alert user_canceled (90).",
    fix=("Let the backend of {endpoint} finish its start.", "{reload_backend}"),
    tell_apart="It works again once the backend has started.",
    citations=("RFC 8446 §6.1",),
    applies=frozenset({"alert"}),
    match=match_canceled,
)
ENLARGED: Final = Catalogue([*CATALOGUE.values(), NEW])


def test_it_is_diagnosed() -> None:
    """Its match decides over weaker ones; fix, party and family are its own."""
    evidence = attempt(
        "handshake", "alert", handshake=partial_handshake(alert(TlsAlert.USER_CANCELED))
    )
    diagnosis = diagnose(evidence, ENLARGED)

    assert (diagnosis.cause, diagnosis.family, diagnosis.party) == (NEW.id, NEW.family, NEW.party)
    assert diagnosis.facts[0] == FACT
    assert "finish its start" in diagnosis.fix[0]
    assert diagnose(evidence).cause == "handshake_rejected"


@pytest.mark.parametrize("output", ["table", "json"])
def test_it_is_explained(output: str) -> None:
    """`mtls-probe explain ID` shows its page, or its fields; so does a line that it fits."""
    shown = CliRunner().invoke(
        explain, [NEW.id, "--output", output], obj=ENLARGED, standalone_mode=False
    )
    assert shown.return_value == 0
    assert NEW.title in shown.stdout
    if output == "table":
        assert shown.stdout == cause_page(NEW, ENLARGED)

    [candidate] = json.loads(
        encode_explanation(
            Explanation((Candidate(NEW.id, 0.85, "alert user_canceled (90)"),)), ENLARGED
        )
    )["candidates"]
    assert candidate["tell_apart"] == NEW.tell_apart


def test_it_has_a_page_and_a_row_in_the_index() -> None:
    """CAUSES.md gets its row, its anchor and its page, with what exporters print of its alerts."""
    document = render_causes(ENLARGED)

    assert f"[`{NEW.id}`](#{NEW.id})" in document
    assert f'<a id="{NEW.id}"></a>' in document
    assert cause_page(NEW, ENLARGED, level=3) in document
    assert document.count("### ") > render_causes().count("### ")


async def test_it_is_on_the_status_pages() -> None:
    """The index of causes links to its own page."""
    ledger = Ledger()
    metrics = Metrics(ledger, ENLARGED)
    application = build_application(
        ServiceView(ledger=ledger, metrics=metrics, is_ready=lambda: True, catalogue=ENLARGED)
    )
    async with TestClient(TestServer(application)) as client:
        index = await (await client.get("/causes")).text()
        page = await (await client.get(f"/causes/{NEW.id}")).text()

    assert f'href="/causes/{NEW.id}"' in index
    assert NEW.meaning in page


def test_it_is_in_the_metrics_from_the_start() -> None:
    """Alerting rules join on mtls_probe_cause_info, and a counter begins at 0."""
    text = Metrics(Ledger(), ENLARGED).exposition()[0].decode()

    assert f'mtls_probe_cause_info{{cause="{NEW.id}",documented_cause="0"' in text
    assert f'mtls_probe_failures_by_cause_total{{cause="{NEW.id}"}} 0' in text


def test_it_is_in_the_alerting_rules() -> None:
    """The alert on failing targets has its first step, for Prometheus and for the operator."""
    group = build_rule_group(Thresholds(), Pages(), ENLARGED)

    for text in (render_rule_file(group), render_prometheus_rule(group)):
        assert f'if eq $labels.cause "{NEW.id}"' in text
        assert "finish its start" in text
        assert NEW.id not in render_rule_file(build_rule_group(Thresholds(), Pages()))


def test_a_fault_of_files_is_in_the_alert_on_files_too() -> None:
    """What applies to `credentials` is a fault that a rotation may bring."""
    fault = replace(NEW, id="client_file_odd", applies=frozenset({"credentials"}))
    text = render_rule_file(
        build_rule_group(Thresholds(), Pages(), Catalogue([*CATALOGUE.values(), fault]))
    )

    assert text.count(f'if eq $labels.cause "{fault.id}"') == 3  # two rules of what fails


@pytest.mark.parametrize("rank", Rank)
def test_its_rank_places_it(rank: Rank) -> None:
    """Whatever the rank, it comes after causes of lower ranks and before those of higher ones."""
    placed = replace(NEW, rank=rank)
    ranks = [cause.rank for cause in Catalogue([placed, *CATALOGUE.values()]).values()]

    assert ranks == sorted(ranks)


def test_the_page_on_adding_a_cause_has_every_family() -> None:
    """A newcomer chooses from the list that `make new-cause` accepts."""
    page = (ROOT / "docs" / "adding-a-cause.md").read_text(encoding="utf-8")

    listed = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", page, re.MULTILINE))
    assert {family: listed.get(family, "").lower() for family in FAMILIES} == {
        family: heading.lower() for family, heading in FAMILIES.items()
    }
