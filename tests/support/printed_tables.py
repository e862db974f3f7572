"""The table and its stories as a pipe and a terminal get them."""

import io
from typing import Final

from probe.attempt.target_facts import collect_target_facts
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Ending, Evidence
from probe.model.target import Endpoint, Target, TlsSettings
from probe.report.story import Row
from probe.report.terminal import print_table

CONFIRMED: Final = Diagnosis(outcome="confirmed", stage="export")
REFUSED: Final = Diagnosis(
    outcome="failed",
    stage="accept",
    cause="client_ca_untrusted",
    family="backend_ca_trust",
    facts=("the backend sent alert unknown_ca (48)",),
    fix=("add the CA",),
)


def row(
    diagnosis: Diagnosis,
    name: str = "eu",
    expect: str | None = None,
    tls: TlsSettings | None = None,
) -> Row:
    """Return what `check` has of one target."""
    target = Target(
        name=name,
        endpoint=Endpoint("collector", 4317),
        expect_cause=expect,
        tls=tls or TlsSettings(),
    )
    evidence = Evidence(
        target=collect_target_facts(target, 60.0),
        at=0.0,
        ending=Ending(stage=diagnosis.stage, kind="alert"),
    )
    return evidence, diagnosis


def printed(*rows: Row, stream: io.StringIO | None = None) -> str:
    """Return what is printed of `rows`."""
    stream = stream or io.StringIO()
    print_table(rows, stream)
    return stream.getvalue()


def without_margin(text: str) -> list[str]:
    """Return the lines without the spaces that fill a column."""
    return [line.rstrip() for line in text.splitlines()]
