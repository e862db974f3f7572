"""The story of one attempt in words: what happened, what was seen, what it means, what to do.

Pure, and the same for a terminal, a pipeline's report and `/probe`. Every text has passed
`safe_text` on its way into evidence and diagnosis, or passes it here.
"""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from probe.changes.describe_change import describe_changes
from probe.comparison.by_exporter import compare_exporters
from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import PARTIES
from probe.diagnosis.readings.experiment_results import read_experiments
from probe.ledger.target_runtime import is_expected
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.runtime import COLLECTOR
from probe.report.message_table import load_refusal_texts
from probe.report.outcome import EXPORTER_NAMES, describe_expectation
from probe.report.proofs import list_proofs
from probe.report.unexpected_acceptance import explain_outcome
from probe.text.safe_text import safe_text

Section = Literal[
    "what", "changed", "seen", "proven", "means", "also", "decide", "tried", "exporters", "do", "note",
]  # fmt: skip

Row = tuple[Evidence, Diagnosis]
"""What one attempt saw, and what that means."""


class Sentence(NamedTuple):
    """One sentence of a story, and the section it belongs to."""

    section: Section
    text: str


LABELS: Final[dict[Section, str]] = {
    "what": "what happened",
    "changed": "what changed",
    "seen": "seen",
    "proven": "proven",
    "means": "it means",
    "also": "also",
    "decide": "to decide",
    "tried": "tried",
    "exporters": "exporters",
    "do": "fix",
    "note": "note",
}
"""The label of each section; the longest decides how far the text is indented."""


def name_target(evidence: Evidence) -> str:
    """Return the target's name, with the address that the attempt stands for in brackets."""
    target = evidence.target
    name = safe_text(target.name)
    return f"{name} ({target.address})" if target.address else name


def format_heading(evidence: Evidence) -> str:
    """Return which target it is about, and as which exporter unless it is a Collector's."""
    target = evidence.target
    heading = f"{name_target(evidence)}  {safe_text(target.endpoint)}".rstrip()
    if target.exporter == COLLECTOR.id:
        return heading
    return f"{heading}  as {EXPORTER_NAMES.get(target.exporter, safe_text(target.exporter))}"


def summarize(diagnosis: Diagnosis) -> str:
    """Return in one sentence what happened."""
    if diagnosis.outcome == "confirmed":
        return "the backend accepted the exporter, and answered"
    if diagnosis.cause is None:
        return "no proof that the backend accepts this exporter: silence is not a success"
    known = CATALOGUE.get(diagnosis.cause)
    title = known.title if known else diagnosis.cause
    sure = "" if diagnosis.certain else ", likely but not certain"
    return f"{title} ({diagnosis.cause}{sure}), found at {diagnosis.stage}"


def build_story(
    evidence: Evidence, diagnosis: Diagnosis, *, verbose: bool = False
) -> Iterator[Sentence]:
    """Yield the story sentence by sentence, in the order in which people need it.

    Where `verbose`, with what the attempt proved, whatever its outcome.
    """
    expected = is_expected(evidence, diagnosis)
    explained = explain_outcome(evidence, diagnosis)
    yield Sentence(
        "what", summarize(diagnosis) + _compare_with_expected(evidence, expected=expected)
    )
    for change in describe_changes(evidence):
        yield Sentence("changed", change)
    for fact in diagnosis.facts:
        yield Sentence("seen", fact)
    for proof in list_proofs(evidence) if verbose else ():
        yield Sentence("proven", proof)
    if not expected and explained.seen:
        yield Sentence("seen", explained.seen)
    if not expected and explained.meaning:
        yield Sentence("means", explained.meaning)
        if explained.party is not None:
            yield Sentence("means", f"who must act: {PARTIES[explained.party]}")
    if diagnosis.also:
        proven = "proven too" if diagnosis.certain else "proven too, or still possible"
        yield Sentence("also", f"{proven}: {', '.join(diagnosis.also)}")
    if diagnosis.would_decide:
        yield Sentence("decide", diagnosis.would_decide)
    # What a round shows of a success is a finding, where it is anything.
    for one in read_experiments(evidence) if diagnosis.outcome != "confirmed" else ():
        ruled_out = f"rules out {one.rules_out}" if one.rules_out else "decides nothing"
        result = f"proves {one.proves}" if one.proves else ruled_out
        yield Sentence("tried", f"{one.varied}: {one.outcome} ({result})")
    if not expected:
        yield from _exporters(evidence, diagnosis)
        for step in explained.fix:
            yield Sentence("do", step)
    for finding in diagnosis.findings:
        yield Sentence("note", f"{finding.fact} ({finding.cause})")
        for step in finding.fix[:1]:
            yield Sentence("note", f"for that: {step}")


def _exporters(evidence: Evidence, diagnosis: Diagnosis) -> Iterator[Sentence]:
    """Yield who ends otherwise than the probe, those with one reason in one sentence."""
    alike: dict[tuple[str, str], list[str]] = {}
    for verdict in compare_exporters(evidence, diagnosis, load_refusal_texts()):
        if verdict.outcome != "same":
            names = alike.setdefault((verdict.outcome, verdict.because), [])
            names.append(EXPORTER_NAMES[verdict.runtime])
    for (outcome, because), names in alike.items():
        fail = "fails" if len(names) == 1 else "fail"
        ends = "not here" if outcome == "works" else "in another way"
        yield Sentence("exporters", f"{', '.join(names)} {fail} {ends}: {because}")


def _compare_with_expected(evidence: Evidence, *, expected: bool) -> str:
    wanted = describe_expectation(evidence.target)
    if not wanted:
        return ""
    return ", as expected" if expected else f", where {wanted} was expected"


def format_story(evidence: Evidence, diagnosis: Diagnosis) -> str:
    """Return the whole story as text, for where nobody formats it; ends in a line break."""
    lines = [format_heading(evidence)]
    lines += [f"  {LABELS[one.section]}: {one.text}" for one in build_story(evidence, diagnosis)]
    return "\n".join(lines) + "\n"
