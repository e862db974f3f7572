"""The table of a forecast, its summary, and the same as JSON."""

import io
import re
from typing import Final

import msgspec
from jsonschema import Draft202012Validator

from probe.diagnosis.diagnose import diagnose
from probe.forecast.entry import ForecastEntry
from probe.forecast.forecast import SeenTarget, make_forecast
from probe.report.forecast_document import build_forecast, encode_forecast
from probe.report.forecast_table import print_forecast, summarize_forecast
from probe.schemas.document_schema import build_output_schema
from tests.support.certificate_facts import AT, DAY, backend, exporter
from tests.support.evidence import (
    answered_attempt,
    complete_handshake,
    held_credentials,
    target,
)

OWN: Final = exporter(ends=10)
SERVED: Final = backend(ends=30)


def forecast(*names: str, days: float = 90) -> tuple[ForecastEntry, ...]:
    """Return what ends of targets with these names."""
    seen = []
    for name in names or ("collector-eu",):
        evidence = answered_attempt(
            target=target(name=name),
            credentials=held_credentials(OWN),
            handshake=complete_handshake(server_chain=(SERVED,), staple_until=AT + 5 * DAY),
        )
        seen.append(SeenTarget(evidence, diagnose(evidence)))
    return make_forecast(seen, AT, days * DAY)


def printed(entries: tuple[ForecastEntry, ...], *, verbose: bool = False) -> list[str]:
    """Return the lines of the table."""
    text = io.StringIO()
    print_forecast(entries, AT, 90 * DAY, text, verbose=verbose)
    return [line.rstrip() for line in text.getvalue().splitlines()]


def test_the_table_is_in_order_of_time() -> None:
    """With when, what, who must act, how sure, and for which targets."""
    head, staple, own, served, _, total = printed(forecast("a", "b", "c"))
    assert head.split() == ["ENDS", "UTC", "WHAT", "WHO", "MUST", "ACT", "SURE", "TARGETS"]
    assert staple.startswith("in 5 days   2026-11-27 10:00:00  the OCSP answer that ")
    assert own.startswith("in 10 days  2026-12-02 10:00:00  the client certificate in /etc/otel/")
    assert re.search(r"CN=checkout +the exporter's side +certain +a and 2 more$", own)
    assert served.startswith("in 30 days  2026-12-22 10:00:00  the certificate that collector.")
    assert total == "2 things break within 90 days: the first in 10 days; 1 more renews by itself"


def test_the_details_say_why_and_what_to_do() -> None:
    """Only where they are asked for."""
    lines = printed(forecast(), verbose=True)
    assert "  the backend verifies a path that uses it" in lines
    assert "  1. Renew the exporter's certificate (CN=checkout)." in lines
    assert not any("Renew" in line for line in printed(forecast()))


def test_the_summary_counts_what_somebody_must_do() -> None:
    """What has ended, what comes next, and what renews by itself, apart."""
    assert summarize_forecast((), AT, DAY) == "nothing breaks by itself within 1 day"
    only_staple = forecast(days=6)
    assert summarize_forecast(only_staple, AT, 6 * DAY) == (
        "nothing breaks by itself within 6 days; 1 more renews by itself"
    )
    later = AT + 12 * DAY
    assert summarize_forecast(forecast(), later, 90 * DAY) == (
        "2 things break within 90 days: 1 ended already, the next in 18 days; "
        "1 more renews by itself"
    )


def test_the_json_is_as_its_schema_says() -> None:
    """Moments are RFC 3339, and what was not seen is there too."""
    raw = encode_forecast(build_forecast(forecast(), [("b", "refused")], AT, 90 * DAY))
    document = msgspec.json.decode(raw)
    definitions = build_output_schema()
    schema = {"$ref": "#/$defs/ForecastDocument", "$defs": definitions["$defs"]}
    assert list(Draft202012Validator(schema).iter_errors(document)) == []
    assert [(one["kind"], one["at"], one["seconds_left"]) for one in document["forecast"]] == [
        ("staple", "2026-11-27T10:00:00Z", 5 * DAY),
        ("client_certificate", "2026-12-02T10:00:00Z", 10 * DAY),
        ("server_certificate", "2026-12-22T10:00:00Z", 30 * DAY),
    ]
    assert document["unseen"] == [{"target": "b", "why": "refused"}]
