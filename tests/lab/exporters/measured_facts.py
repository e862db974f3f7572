"""Reads and writes what real exporters did: a table of outcomes, and the texts that they printed.

`measured/<name>.tsv` has a line per case and a column per exporter. A cell is the outcome's letter
and the number of the text in `measured/<name>.json`, which also has each exporter's versions.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.lab.exporters.case import Answer, Outcome

FOLDER: Final = Path(__file__).parent / "measured"
_LETTERS: Final[dict[Outcome, str]] = {
    "ok": "o",
    "load": "l",
    "connect": "c",
    "fail": "f",
    "abort": "a",
    "hang": "h",
}
_OUTCOMES: Final = {letter: outcome for outcome, letter in _LETTERS.items()}


@dataclass(frozen=True, slots=True)
class MeasuredExporter:
    """One exporter's answers by the case's id."""

    versions: Mapping[str, str]
    answers: Mapping[str, Answer]


def read_facts(name: str) -> dict[str, MeasuredExporter]:
    """Return what each exporter did with the cases `name` (`files`, …), by the exporter's id."""
    if not (FOLDER / f"{name}.json").exists():
        return {}
    known = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    head, *rows = (FOLDER / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    answers: dict[str, dict[str, Answer]] = {each: {} for each in head.split("\t")[1:]}
    for row in rows:
        case, *cells = row.split("\t")
        for exporter, cell in zip(answers, cells, strict=True):
            if cell:
                text = known[exporter]["texts"][int(cell[1:])] if cell[1:] else ""
                answers[exporter][case] = Answer(case, _OUTCOMES[cell[0]], text)
    return {
        exporter: MeasuredExporter(known[exporter]["versions"], cells)
        for exporter, cells in answers.items()
    }


def write_facts(name: str, ids: Iterable[str], facts: Mapping[str, MeasuredExporter]) -> None:
    """Write the facts of the cases `ids`, in their order; what is not measured is left empty."""
    ids = list(ids)
    numbers: dict[str, dict[str, int]] = {}
    for exporter, measured in facts.items():
        numbered = numbers[exporter] = {}
        for case in ids:
            answer = measured.answers.get(case)
            if answer and answer.text:
                numbered.setdefault(answer.text, len(numbered))
    known = {
        exporter: {"versions": dict(measured.versions), "texts": list(numbers[exporter])}
        for exporter, measured in facts.items()
    }
    rows = ["\t".join(("case", *facts))]
    for case in ids:
        cells = (
            _cell(measured.answers.get(case), numbers[exporter])
            for exporter, measured in facts.items()
        )
        rows.append("\t".join((case, *cells)))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.tsv").write_text("\n".join([*rows, ""]), encoding="utf-8")
    (FOLDER / f"{name}.json").write_text(
        json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def _cell(answer: Answer | None, numbers: Mapping[str, int]) -> str:
    if answer is None:
        return ""
    return _LETTERS[answer.outcome] + (str(numbers[answer.text]) if answer.text else "")
