"""The report of a run: counts first, then each complaint with its evidence."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.faults.judging import Complaint, Judgement

_FACTS: Final = 4
_EVIDENCE: Final = 1500
"""Characters of an attempt's evidence that are printed."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One injected fault, and when."""

    step: int
    said: str
    begin: float
    end: float


def report(judgement: Judgement, happened: Sequence[Happening], seed: int) -> str:
    """Return all of it as text."""
    kinds = Counter(complaint.kind for complaint in judgement.complaints)
    lines = [
        "",
        f"{len(happened)} faults, {judgement.judged} attempts judged, {judgement.found} faults found",
        f"verdicts: {dict(judgement.verdicts.most_common())}",
        f"the probe's own fault, with no trouble injected: {judgement.own}",
        *(f"{kind}: {count}" for kind, count in sorted(kinds.items())),
    ]
    if not judgement.complaints:
        return "\n".join([*lines, "nothing was wrong"])
    for (kind, wrong), several in _grouped(judgement.complaints).items():
        steps = sorted({step for one in several for step in _steps(one, happened)})
        lines += [
            "",
            f"{kind}, {len(several)} times: {wrong}",
            f"  steps {steps}; again: make faults SEED={seed} ONLY={','.join(map(str, steps[:3]))}",
        ]
        lines += _evidence(several[0]) or _spans(several)
    return "\n".join(lines)


def _grouped(complaints: Sequence[Complaint]) -> dict[tuple[str, str], list[Complaint]]:
    grouped: dict[tuple[str, str], list[Complaint]] = {}
    for one in complaints:
        grouped.setdefault((one.kind, _wrong(one)), []).append(one)
    return dict(sorted(grouped.items(), key=lambda item: -len(item[1])))


def _wrong(complaint: Complaint) -> str:
    attempt = complaint.attempt
    if attempt is None:
        return complaint.said
    certain = "certain" if attempt.certain else "uncertain"
    also = f", also {', '.join(attempt.also)}" if attempt.also else ""
    return f"{attempt.target} {attempt.verdict} ({certain}{also}); the truth: {complaint.said}"


def _spans(complaints: Sequence[Complaint]) -> list[str]:
    """Return how long it lasted, and for which target, where no attempt can be shown."""
    lasted = max(one.end - one.at for one in complaints)
    targets = sorted({one.target for one in complaints if one.target})
    return [f"  for up to {lasted:.1f} s{': ' if targets else ''}{', '.join(targets)}"]


def _evidence(complaint: Complaint) -> list[str]:
    attempt = complaint.attempt
    if attempt is None or not attempt.more:
        return []
    evidence = dict(attempt.more["evidence"])
    for bulky in ("credentials", "target"):
        evidence.pop(bulky, None)
    facts = [f"  fact: {fact}" for fact in attempt.more["facts"][:_FACTS]]
    spans = f"  attempt from {attempt.begin:.3f} to {attempt.end:.3f}"
    return [spans, *facts, f"  evidence: {json.dumps(evidence)[:_EVIDENCE]}"]


def _steps(complaint: Complaint, happened: Sequence[Happening]) -> set[int]:
    """Return the running steps, or else the previous one."""
    at, end = complaint.at, complaint.end
    touched = {one.step for one in happened if one.begin <= end and one.end >= at}
    before = [one.step for one in happened if one.begin <= at]
    return touched or set(before[-1:])
