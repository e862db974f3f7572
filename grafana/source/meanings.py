"""Texts and colours for the values of metrics and labels, and the links of table cells."""

from typing import Final

from grafana.source.panels import BLUE, GREEN, ORANGE, PURPLE, RED, YELLOW, Json
from grafana.source.tables import link, value_texts

STATES: Final = value_texts(
    _0=("as expected", GREEN),
    _1=("unconfirmed", YELLOW),
    _2=("failed", RED),
    _3=("accepted, must be refused", PURPLE),
)
YES_NO: Final = value_texts(_0=("no", RED), _1=("yes", GREEN))
IN_FORCE: Final = value_texts(_1=("in force", RED))
PARTIES: Final = value_texts(
    exporter=("the exporter's side", BLUE),
    backend=("the backend's side", ORANGE),
    network=("the network's operators", YELLOW),
    probe=("this probe's operators", PURPLE),
    both=("this probe's operators, and the backend's side", RED),
    either=("the exporter's or the backend's side", YELLOW),
)
SEVERITIES: Final = value_texts(
    critical=("critical", RED), warning=("warning", ORANGE), info=("info", BLUE)
)
SOURCES: Final = value_texts(
    client=("client (cert_file)", BLUE),
    server=("server (presented)", ORANGE),
    client_ca_bundle=("CA (ca_file)", PURPLE),
    receiver=("receiver (cert_file)", ORANGE),
    receiver_client_ca=("receiver (client_ca_file)", PURPLE),
)
CERTAIN: Final = value_texts(true=("for certain", GREEN), false=("most likely", YELLOW))

_TARGET = "/d/mtls-probe-target?var-datasource=${datasource}&${__url_time_range}"


def _of_row(name: str) -> str:
    return f"${{__data.fields.{name}:percentencode}}"


def _of_series(name: str) -> str:
    return f"${{__field.labels.{name}:percentencode}}"


def _target(of: Json) -> str:
    return f"{_TARGET}&var-job={of['job']}&var-instance={of['instance']}&var-target={of['target']}"


_ROW: Final = {name: _of_row(name) for name in ("job", "instance", "target", "cause")}
_SERIES: Final = {name: _of_series(name) for name in ("job", "instance", "target", "cause")}

TARGET_OF_ROW: Final = (
    link("The target over time", _target(_ROW)),
    link(
        "Evidence and fix, on the probe's page",
        "${pages}/targets/" + _ROW["target"],
        new_tab=True,
    ),
)
TARGET_OF_SERIES: Final = (link("The target over time", _target(_SERIES)),)
RUNBOOK_OF_ROW: Final = (
    link("What it means and how to fix it", "${pages}/causes/" + _ROW["cause"], new_tab=True),
)
RUNBOOK_OF_SERIES: Final = (
    link("What it means and how to fix it", "${pages}/causes/" + _SERIES["cause"], new_tab=True),
)
CERTIFICATES_OF_ALL: Final = (
    link(
        "Certificates and expiry",
        "/d/mtls-probe-certificates?var-datasource=${datasource}&${__url_time_range}"
        "&${job:queryparam}&${instance:queryparam}",
    ),
)
