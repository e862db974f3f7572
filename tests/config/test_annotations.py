"""What Prometheus's notifications say: for every cause, whole sentences without a rest of a template.

The texts are expanded by Prometheus's own template package.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from probe.alerting.links import CAUSES_PAGE
from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import Cause
from tests.config import promtool
from tests.config.conftest import CONFIG

FILE: Final = CONFIG / "prometheus" / "rules" / "mtls-probe.yml"
RULES: Final = [
    rule for rule in promtool.rules_of(FILE.read_text(encoding="utf-8")) if "alert" in rule
]
SCRAPED: Final = {"job": "mtls-probe", "instance": "10.0.0.1:9943"}
TARGET: Final = {**SCRAPED, "target": "checkout"}
WHOSE: Final = {
    "server_address": "gw.example.com",
    "namespace": "shop",
    "pod": "checkout-1",
    "team": "payments",
    "environment": "production",
}
CERTIFICATE: Final = {
    "position": "0",
    "subject": "CN=checkout",
    "issuer": "CN=CA",
    "path": "/tls.crt",
}
OF_THE_PROBE: Final = {
    "MtlsProbeDown": {},
    "MtlsProbeReloadFailed": {},
    "MtlsProbeSourceDown": {"source": "environment"},
    "MtlsProbeNothingToProbe": {},
    "MtlsProbeAttemptsMissed": {},
}
"""The alerts that are on no target, with what their series have besides the scrape's labels."""
_REST: Final = re.compile(r"no value|\{\{|\}\}|\$|NaN|  | [.,:;]|^\s|\s$")


def label_sets(alert: str, cause: Cause) -> Iterator[Mapping[str, str]]:
    """Yield the labels with which `alert` may fire: with all that may be there, and without."""
    if alert in OF_THE_PROBE:
        yield {**SCRAPED, **OF_THE_PROBE[alert]}
        yield {**SCRAPED, **OF_THE_PROBE[alert], **WHOSE}
        if alert == "MtlsProbeDown":
            yield {"job": "mtls-probe"}
        return
    least = {**TARGET, "cause": cause.id, "family": cause.family, "certain": "false", "party": ""}
    if alert == "MtlsProbeClockSkew":
        least["source"] = "sntp:pool.example.org"
    if alert.endswith("Expiring"):
        least["position"] = "0"
        if "Server" not in alert:
            least["path"] = "/tls.crt"
    yield least
    yield {**least, **WHOSE, **CERTIFICATE, "certain": "true", "party": cause.party}


def expand(program: Path, rule: promtool.Rule, labels: Mapping[str, str]) -> dict[str, str]:
    """Return each annotation as Prometheus sends it."""
    given = {
        "templates": rule["annotations"],
        "labels": labels,
        "values": {"A": 1000.0},
        "prometheus": True,
    }
    ended = subprocess.run(
        [program], input=json.dumps(given), capture_output=True, text=True, check=True
    )
    found = json.loads(ended.stdout)
    assert [each for each in found.values() if "error" in each] == []
    return {name: each["text"] for name, each in found.items()}


@pytest.mark.parametrize("at", range(len(RULES)), ids=lambda at: f"{RULES[at]['alert']}-{at}")
def test_every_annotation_is_whole_sentences(grafana_templates: Path, at: int) -> None:
    """Description and fix end with a full stop, nothing of a template remains, links are links."""
    rule = RULES[at]
    for cause in CATALOGUE.values():
        for labels in label_sets(rule["alert"], cause):
            said = expand(grafana_templates, rule, labels)
            for name, text in said.items():
                assert _REST.search(text) is None, (name, text)
            assert not said["summary"].endswith(".")
            for name in ("description", "fix"):
                assert re.fullmatch(r"[A-Z`m].*[.]", said[name], re.DOTALL), (name, said[name])
            assert re.fullmatch(rf"{re.escape(CAUSES_PAGE)}[a-z0-9_]+", said["runbook_url"])
            assert said["runbook_url"].removeprefix(CAUSES_PAGE) in CATALOGUE
            assert said["dashboard_url"].startswith("http://prometheus:9090/")
            if "team" in labels:
                assert "Team: payments." in said["description"]
                assert "Backend: gw.example.com." in said["description"]
        if rule["alert"] in OF_THE_PROBE:
            break


def test_a_rest_of_a_template_is_seen(grafana_templates: Path) -> None:
    """A label that no series has leaves a gap, and a gap is found."""
    rule = {"annotations": {"summary": "The backend {{ $labels.nothing }} fails"}}
    assert _REST.search(expand(grafana_templates, rule, TARGET)["summary"])
