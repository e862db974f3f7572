"""The story of one attempt in words: what happened, what was seen, what it means, what to do.

Pure, and the same for a terminal, a pipeline's report and `/probe`. Every text has passed
`safe_text` on its way into evidence and diagnosis, or passes it here (law 10).
"""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import PARTIES
from probe.diagnosis.readings.experiment_results import read_experiments
from probe.exporters.by_exporter import by_exporter
from probe.ledger.target_runtime import as_expected
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.runtime import RUNTIMES
from probe.report.let_in import let_in_against_expectation
from probe.text.safe_text import safe_text

Kind = Literal["what", "seen", "means", "also", "decide", "tried", "exporters", "do", "note"]

_NAMES: Final = {runtime.id: runtime.name for runtime in RUNTIMES}


class Told(NamedTuple):
    """One sentence of a story, and which part of it that is."""

    kind: Kind
    text: str


LABELS: Final[dict[Kind, str]] = {
    "what": "what happened",
    "seen": "seen",
    "means": "it means",
    "also": "also",
    "decide": "to decide",
    "tried": "tried",
    "exporters": "exporters",
    "do": "fix",
    "note": "note",
}
"""What stands before each part; the longest decides how far the text is indented."""


def heading(evidence: Evidence) -> str:
    """Return which target it is about."""
    return f"{safe_text(evidence.target.name)}  {safe_text(evidence.target.endpoint)}"


def summary(diagnosis: Diagnosis) -> str:
    """Return in one sentence what happened."""
    if diagnosis.outcome == "confirmed":
        return "the backend accepted the exporter, and answered"
    if diagnosis.cause is None:
        return "no proof that the backend lets this exporter in: silence is no success"
    known = CATALOGUE.get(diagnosis.cause)
    title = known.title if known else diagnosis.cause
    sure = "" if diagnosis.certain else ", likely but not certain"
    return f"{title} ({diagnosis.cause}{sure}), found at {diagnosis.stage}"


def story(evidence: Evidence, diagnosis: Diagnosis) -> Iterator[Told]:
    """Yield the story sentence by sentence, in the order in which people need it."""
    expected = as_expected(diagnosis, evidence.target.expect_cause)
    known = CATALOGUE.get(diagnosis.cause or "")
    yield Told("what", summary(diagnosis) + _judged(evidence, expected=expected))
    for fact in diagnosis.facts:
        yield Told("seen", fact)
    if known is not None and not expected:
        yield Told("means", known.meaning)
        yield Told("means", f"who must act: {PARTIES[diagnosis.party or known.party]}")
    let_in = let_in_against_expectation(evidence, diagnosis)
    if let_in is not None:
        if let_in.seen:
            yield Told("seen", let_in.seen)
        yield Told("means", let_in.meaning)
        yield Told("means", f"who must act: {PARTIES[let_in.party]}")
    if diagnosis.also:
        proven = "proven too" if diagnosis.certain else "proven too, or still possible"
        yield Told("also", f"{proven}: {', '.join(diagnosis.also)}")
    if diagnosis.would_decide:
        yield Told("decide", diagnosis.would_decide)
    for one in read_experiments(evidence):
        result = f"proves {one.proves}" if one.proves else ""
        result = result or (f"rules out {one.rules_out}" if one.rules_out else "decides nothing")
        yield Told("tried", f"{one.varied}: {one.outcome} ({result})")
    if not expected:
        yield from _exporters(evidence, diagnosis)
        for step in let_in.fix if let_in else diagnosis.fix:
            yield Told("do", step)
    for finding in diagnosis.findings:
        yield Told("note", f"{finding.fact} ({finding.cause})")
        for step in finding.fix[:1]:
            yield Told("note", f"for that: {step}")


def _exporters(evidence: Evidence, diagnosis: Diagnosis) -> Iterator[Told]:
    """Yield who ends otherwise than the probe, those with one reason in one sentence."""
    alike: dict[tuple[str, str], list[str]] = {}
    for verdict in by_exporter(evidence, diagnosis):
        if verdict.outcome != "same":
            names = alike.setdefault((verdict.outcome, verdict.because), [])
            names.append(_NAMES[verdict.runtime])
    for (outcome, because), names in alike.items():
        fail = "fails" if len(names) == 1 else "fail"
        ends = "not here" if outcome == "works" else "in another way"
        yield Told("exporters", f"{', '.join(names)} {fail} {ends}: {because}")


def _judged(evidence: Evidence, *, expected: bool) -> str:
    wanted = evidence.target.expect_cause
    if wanted is None:
        return ""
    if expected:
        return ", as expected"
    return f", where {safe_text(wanted)} was expected"


def plain(evidence: Evidence, diagnosis: Diagnosis) -> str:
    """Return the whole story as text, for where nobody formats it; ends in a line break."""
    lines = [heading(evidence)]
    lines += [f"  {LABELS[told.kind]}: {told.text}" for told in story(evidence, diagnosis)]
    return "\n".join(lines) + "\n"
