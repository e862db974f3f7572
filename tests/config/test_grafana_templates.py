"""The texts of Grafana's notifications: every template expands, whichever values Grafana has.

The texts are expanded by the library that Grafana uses (Prometheus's template package), with
Grafana's option for what is missing.
"""

import copy
import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from probe.alerting.links import CAUSES_PAGE, get_first_step
from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import Cause
from tests.config.grafana import Json, alert_rules

RULES: Final = {rule["uid"]: rule for rule in alert_rules()}
OF_GRAFANA: Final = {
    "alertname": "any",
    "grafana_folder": "mTLS probe",
    "__alert_rule_uid__": "any",
    "__alert_rule_namespace_uid__": "any",
}
"""Labels that a template always has."""
SCRAPED: Final = {"job": "mtls-probe", "instance": "probe:9943"}
TARGET: Final = {**SCRAPED, "target": "checkout+eu/pem"}
FAILING: Final = {
    **TARGET,
    "cause": "client_ca_untrusted",
    "family": "backend_ca_trust",
    "certain": "true",
    "party": "backend",
    "severity": "warning",
    "server_address": "gw.example.com",
    "namespace": "shop",
    "pod": "checkout-1",
    "team": "payments",
}
WHOSE: Final = " Backend: gw.example.com. Namespace: shop. Pod: checkout-1. Team: payments."
CERTIFICATE: Final = {
    **TARGET,
    "source": "client",
    "position": "0",
    "subject": "CN=checkout",
    "issuer": "CN=CA",
    "path": "/etc/otel/tls.crt",
}
SERIES: Final[Mapping[str, Mapping[str, str]]] = {
    uid: FAILING
    if uid in {"mtls-probe-failing", "mtls-probe-failing-addresses"}
    else {**SCRAPED, "__name__": "up"}
    if uid == "mtls-probe-down"
    else {**SCRAPED, "__name__": "mtls_probe_source_up", "source": "environment"}
    if uid in {"mtls-probe-source-down", "mtls-probe-nothing-to-probe"}
    else CERTIFICATE
    for uid in RULES
}
"""The labels of the series for which each rule fires."""
NO_DATA: Final = {"datasource_uid": "prometheus", "ref_id": "A"}
DAY: Final = 86400.0


def expand(
    program: Path, templates: Mapping[str, str], labels: Mapping[str, str], values: Json
) -> dict[str, Json]:
    """Return the result of each template: a text, or an error, for which Grafana shows the source."""
    given = {"templates": templates, "labels": {**OF_GRAFANA, **labels}, "values": values}
    ended = subprocess.run(
        [program], input=json.dumps(given), capture_output=True, text=True, check=True
    )
    found: dict[str, Json] = json.loads(ended.stdout)
    return found


def unreadable(expansion: Mapping[str, Json]) -> dict[str, Json]:
    """Return what is not readable: errors, missing values, rests of a template."""
    return {
        name: each
        for name, each in expansion.items()
        if "error" in each
        or any(odd in each.get("text", "") for odd in ("no value", "{{", "}}", "$", "NaN"))
    }


def texts(expansion: Mapping[str, Json]) -> dict[str, str]:
    """Return the texts; all must be there."""
    assert unreadable(expansion) == {}
    return {name: each.get("text", "") for name, each in expansion.items()}


@pytest.mark.parametrize("remaining", [12.5 * DAY, 0.0, -3600.0])
@pytest.mark.parametrize("uid", RULES)
def test_a_firing_alert_can_be_read(grafana_templates: Path, uid: str, remaining: float) -> None:
    """Annotations and labels, with the labels of the series and the values of query and threshold."""
    rule = RULES[uid]
    given = expand(
        grafana_templates,
        {**rule["annotations"], "label severity": rule["labels"]["severity"]},
        SERIES[uid],
        {"A": remaining, "C": 1.0},
    )
    found = texts(given)
    assert found["label severity"] in {"warning", "critical"}
    assert found["runbook_url"].startswith((CAUSES_PAGE, "https://prometheus.io/"))
    assert "probe:9943" not in found["runbook_url"]
    named = "checkout+eu/pem" if "target" in SERIES[uid] else "probe:9943"
    assert named in found["summary"]
    assert found["description"].strip()


@pytest.mark.parametrize("known", [{}, NO_DATA], ids=["error", "no data"])
@pytest.mark.parametrize("uid", RULES)
def test_an_alert_without_a_series_can_be_read(
    grafana_templates: Path, uid: str, known: Mapping[str, str]
) -> None:
    """A query that fails is a separate alert, with the rule's annotations and no values."""
    found = texts(expand(grafana_templates, RULES[uid]["annotations"], known, {}))
    if uid == "mtls-probe-down" and known:
        assert found["summary"] == "No mtls-probe is scraped"
    else:
        assert found["summary"] == "Grafana could not evaluate this rule"
    assert "http" not in found.get("runbook_url", "") or uid == "mtls-probe-down"


def test_the_texts_say_what_they_are_meant_to(grafana_templates: Path) -> None:
    """Whole texts, so that a reversed condition is seen."""

    def of(uid: str, labels: Mapping[str, str], remaining: float = 1.0) -> dict[str, str]:
        annotations = RULES[uid]["annotations"]
        return texts(expand(grafana_templates, annotations, labels, {"A": remaining, "C": 1.0}))

    failing = of("mtls-probe-failing", FAILING)
    assert failing["summary"] == "checkout+eu/pem is not as expected: client_ca_untrusted"
    some = of("mtls-probe-failing-addresses", FAILING, 2.0)
    assert (
        some["summary"]
        == "checkout+eu/pem: 2 of its addresses not as expected: client_ca_untrusted"
    )
    assert failing["description"] == (
        "Attempts end with client_ca_untrusted, of the family backend_ca_trust. Who must act: the "
        f"backend's side.{WHOSE}"
    )
    assert failing["runbook_url"] == f"{CAUSES_PAGE}client_ca_untrusted"
    for party, who in (
        ("network", "the network's operators."),
        ("probe", "this probe's operators."),
        ("", "the side that its page names."),
    ):
        assert who in of("mtls-probe-failing", {**FAILING, "party": party})["description"]
    without_party = {name: value for name, value in FAILING.items() if name != "party"}
    assert "the side that its page names." in of("mtls-probe-failing", without_party)["description"]

    ending = of("mtls-probe-client-expiry-14d", CERTIFICATE, 12.5 * DAY)
    assert ending["summary"] == (
        "CN=checkout of checkout+eu/pem, in /etc/otel/tls.crt, ends in 12d 12h 0m 0s"
    )
    where = "It is number 0 in /etc/otel/tls.crt"
    assert ending["description"].splitlines()[0].startswith(where)
    assert "Its issuer is CN=CA." in ending["description"]
    assert ending["fix"].startswith("See why what renews it has not done so")
    ended = of("mtls-probe-client-expiry-14d", CERTIFICATE, -1.0)
    assert ended["summary"] == "CN=checkout of checkout+eu/pem, in /etc/otel/tls.crt, has ended"
    without_names = {name: CERTIFICATE[name] for name in (*TARGET, "source", "position")}
    public = of("mtls-probe-ca-expiry-14d", without_names, -1.0)
    assert public["summary"] == (
        "A certificate of checkout+eu/pem, in the system's roots, has ended"
    )


@pytest.mark.parametrize("cause", CATALOGUE.values(), ids=lambda cause: cause.id)
def test_every_cause_is_whole_sentences(grafana_templates: Path, cause: Cause) -> None:
    """With the labels that are there in a pod, and with none of them that need not be there."""
    own = {
        "cause": cause.id,
        "family": cause.family,
        "party": cause.party,
        "severity": cause.severity,
    }
    for labels, whose in (({**FAILING, **own}, WHOSE), ({**TARGET, "certain": "false", **own}, "")):
        for uid in ("mtls-probe-failing", "mtls-probe-failing-addresses"):
            said = texts(
                expand(grafana_templates, RULES[uid]["annotations"], labels, {"A": 1.0, "C": 1.0})
            )
            assert said["summary"].endswith(cause.id)
            assert said["description"].startswith(
                f"Attempts at these addresses end with {cause.id}"
                if uid.endswith("addresses")
                else f"Attempts end with {cause.id}"
            )
            assert said["description"].endswith(f".{whose}")
            assert said["fix"] == get_first_step(cause)
            assert said["fix"].endswith(".")
            assert said["runbook_url"] == CAUSES_PAGE + cause.id


def _two_dollars(annotations: dict[str, str]) -> None:
    for name, text in annotations.items():
        annotations[name] = text.replace("$", "$$")


@pytest.mark.parametrize(
    ("uid", "mistake"),
    [
        *((uid, _two_dollars) for uid in RULES),
        ("mtls-probe-failing", lambda says: says.update(summary="{{ .labels.target }}")),
        ("mtls-probe-failing", lambda says: says.update(summary="{{ $labels.targets }}")),
        ("mtls-probe-failing", lambda says: says.update(summary="{{ $label.target }}")),
        ("mtls-probe-failing", lambda says: says.update(summary="{{ humanise 1.0 }}")),
        ("mtls-probe-failing", lambda says: says.update(summary="${RUNBOOKS}")),
    ],
)
def test_a_mistake_in_a_template_is_seen(
    grafana_templates: Path, uid: str, mistake: Callable[[Any], Any]
) -> None:
    """Two dollar signs, correct elsewhere in provisioning, would show the template's source."""
    annotations = copy.deepcopy(RULES[uid]["annotations"])
    mistake(annotations)
    assert unreadable(expand(grafana_templates, annotations, SERIES[uid], {"A": 1.0, "C": 1.0}))
