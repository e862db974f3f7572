"""The pages of one target and of the causes: HTML of the status page's kind, without a script.

Law 10: the templates escape every value (autoescape), and each has passed `safe_text` before.
"""

from collections.abc import Mapping
from typing import Final

from probe import __version__
from probe.causes.cause import Cause
from probe.diagnosis import fill
from probe.exporters.behaviour import by_exporter
from probe.exporters.runtime import RUNTIMES
from probe.exporters.verdict import Outcome, Verdict
from probe.ledger import TargetState
from probe.outputs.cause_page import EXAMPLE, PARTIES, neighbours, texts_by_exporter
from probe.outputs.causes_markdown import by_family
from probe.outputs.result import rfc3339
from probe.outputs.status_page import STYLE, row, template

_NAMES: Final = {runtime.id: runtime.name for runtime in RUNTIMES}
_OUTCOMES: Final[Mapping[Outcome, str]] = {
    "same": "as the probe",
    "works": "gets further",
    "fails": "fails otherwise",
}


def target_page(state: TargetState, catalogue: Mapping[str, Cause], now: float) -> str:
    """Return the page of one target as of `now` (epoch seconds)."""
    evidence, diagnosis = state.evidence, state.diagnosis
    found: tuple[Verdict, ...] = ()
    if evidence is not None and diagnosis is not None:
        found = by_exporter(evidence, diagnosis)
    cause = catalogue.get(diagnosis.cause or "") if diagnosis else None
    return template("target.html").render(
        style=STYLE,
        version=__version__,
        row=row(state, catalogue, now),
        stage=diagnosis.stage if diagnosis else "",
        at=rfc3339(evidence.at) if evidence else "",
        meaning=cause.meaning if cause else "",
        findings=diagnosis.findings if diagnosis else (),
        known=frozenset(catalogue),
        verdicts=[(_NAMES[one.runtime], _OUTCOMES[one.outcome], one) for one in found],
    )


def causes_page(catalogue: Mapping[str, Cause]) -> str:
    """Return the index of all causes, family by family."""
    return template("causes.html").render(
        style=STYLE, version=__version__, families=by_family(catalogue), parties=PARTIES
    )


def one_cause_page(cause: Cause) -> str:
    """Return the page of one cause, with example paths in its steps."""
    return template("cause.html").render(
        style=STYLE,
        version=__version__,
        cause=cause,
        party=PARTIES[cause.party],
        steps=fill(cause.fix, EXAMPLE),
        printed=texts_by_exporter(cause),
        neighbours=tuple(sentence.replace("`", "") for sentence in neighbours(cause)),
    )
