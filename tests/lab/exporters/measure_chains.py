"""Runs generated server chains through Go's own TLS client and writes what it said: `make exporters`.

The model must say the same of every one of them (tests/unit/exporters/test_go_path_measured.py).
"""

import argparse
import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from tests.lab.compiled import go_server
from tests.lab.exporters.case import Answer
from tests.lab.exporters.generators.chain_case import ChainCase
from tests.lab.exporters.generators.chain_mutations import (
    combine_rules,
    damage_chains,
    mesh_authorities,
)
from tests.lab.exporters.generators.chain_random_names import name_by_chance
from tests.lab.exporters.generators.chains import generate_chains
from tests.lab.exporters.measured_facts import MeasuredExporter, read_facts, write_facts
from tests.support.exporter_chains import compare_verdict

PROGRAM: Final = Path(__file__).parent / "chains-go" / "main.go"
NAME: Final = "chains"
COLUMN: Final = "go"
_TIMES: Final = re.compile(r": current time \S+ (is (?:before|after)) .*")


def judge_by_go(cases: Iterable[ChainCase]) -> tuple[dict[str, str], list[Answer]]:
    """Return Go's version, and its answer to each case."""
    asked = list(cases)
    ended = subprocess.run(
        [str(go_server(PROGRAM))],
        input="".join(json.dumps(encode_case(case)) + "\n" for case in asked),
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    first, *lines = ended.stdout.splitlines()
    answers = [read_answer(json.loads(line)) for line in lines]
    assert [one.id for one in answers] == [case.id for case in asked]
    return json.loads(first)["versions"], answers


def encode_case(case: ChainCase) -> dict[str, Any]:
    """Return what the program reads."""
    return {
        "id": case.id,
        "chain": [base64.b64encode(der).decode() for der in case.chain],
        "anchors": [base64.b64encode(der).decode() for der in case.anchors],
        "name": case.name,
        "at": case.at,
    }


def read_answer(answered: dict[str, Any]) -> Answer:
    """Return an answer without times."""
    text = _TIMES.sub(r": \1", answered["text"])
    return Answer(answered["id"], "ok" if answered["outcome"] == "ok" else "connect", text)


def main() -> int:
    """Measure and write; or, with a seed, look for chains that the model judges otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="cases whose id matches this expression")
    parser.add_argument("--seed", type=int, help="chains by chance of this seed; writes nothing")
    parser.add_argument("--count", type=int, default=1000, help="of each kind of them")
    chosen = parser.parse_args()
    if chosen.seed is not None:
        return _search(chosen.seed, chosen.count)
    cases = list(generate_chains())
    versions, answers = judge_by_go(one for one in cases if re.search(chosen.only, one.id))
    facts = read_facts(NAME)
    kept = facts[COLUMN].answers if COLUMN in facts else {}
    facts[COLUMN] = MeasuredExporter(versions, {**kept, **{one.id: one for one in answers}})
    write_facts(NAME, [one.id for one in cases], facts)
    print(f"go: {len(answers)} chains, {sum(one.outcome == 'ok' for one in answers)} trusted")
    return 0


def _search(seed: int, count: int) -> int:
    kinds = (combine_rules, damage_chains, mesh_authorities, name_by_chance)
    cases = [case for generate in kinds for case in generate(seed, count)]
    _, answers = judge_by_go(cases)
    differing = [
        difference
        for case, answer in zip(cases, answers, strict=True)
        if (difference := compare_verdict(case, answer))
    ]
    print("\n".join([*differing, f"{len(cases)} chains, {len(differing)} differ"]))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
