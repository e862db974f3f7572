"""Write the skeleton of a new cause: `make new-cause ID=my_cause FAMILY=network`.

The skeleton is a cause in its family's module, a test story and, where the TLS server has a part in
the family's causes, a lab scenario. Each `TODO` in them makes a test fail until it is filled in;
docs/adding-a-cause.md describes how.
"""

import argparse
import ast
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import FAMILIES

ROOT: Final = Path(__file__).parents[1]
MODULES: Final = Path("probe/diagnosis/families")
STORIES: Final = Path("tests/stories")
SCENARIOS: Final = Path("tests/lab/scenarios")
CAUSE: Final = """\
    {constructor}(
        id="{id}",
        title="TODO: what is wrong, in a few words",
        family="{family}",
        party="backend",  # TODO: who must act as a rule
        rank=Rank.{rank},  # TODO: what an exporter meets before it, and after it
        meaning="TODO: what it means, for somebody who has never met it.",
        evidence="TODO: what proves it.",
        fix=(
            "TODO: the first step, for any target: {{endpoint}} and the other placeholders.",
            "TODO: the command that shows it: openssl s_client -connect {{host}}:{{port}} </dev/null",
        ),
        tell_apart="TODO: the one observation that tells it from causes that look alike.",
        citations=("TODO: RFC and section, or the source that behaves so",),
        not_printed="TODO: why exporters print nothing; remove it where messages/ has their texts",
        applies=frozenset(),  # TODO: the endings at which it can be the cause: see cause.py
        match={match}
    ),
"""
MATCH: Final = """\
def _match_{id}(evidence: Evidence) -> Match | None:
    if evidence.ending.stage != "handshake":  # TODO: what of the evidence shows it
        return None
    return Match(Strength.FITS, ("TODO: the proof, as a fact",))


"""
STORY: Final = '''

@story("{stage}")
def {id}() -> Evidence:
    """TODO: what happened, in one sentence."""
    return {evidence}  # TODO: the evidence that it left
'''
SCENARIO: Final = '''

@scenario("{id}")
def {id}(pki: LabPki) -> Staging:
    """TODO: the backend or the files differ from right ones in this way."""
    return Staging(pki.client)  # TODO: what differs
'''


class Ended(NamedTuple):
    """How the attempt of a skeleton's story ends, and how the cause matches it."""

    match: str
    """The code of the cause's match function."""
    function: str
    """The match function itself; empty where the module has one for all its causes."""
    stage: str
    evidence: str
    """The code of the story's evidence."""
    imports: tuple[tuple[str, str], ...]
    """Module and name of what `evidence` uses."""


HANDSHAKE: Final = Ended(
    "_match_{id},",
    MATCH,
    "handshake",
    'attempt("handshake", "close", handshake=partial_handshake())',
    (("tests.support.evidence", "attempt"), ("tests.support.evidence", "partial_handshake")),
)
ANSWER: Final = Ended(
    '_match_status("{id}"),  # TODO: the status, in _CAUSE_BY_GRPC or _CAUSE_BY_HTTP',
    "",
    "export",
    'answered_http_attempt(Answer(over="http/1.1", http_status=418))',
    (("tests.support.evidence", "answered_http_attempt"), ("probe.model.evidence", "Answer")),
)


def add_cause(root: Path, id_: str, family: str) -> tuple[Path, ...]:
    """Write the skeleton of the cause `id_` below `root`, and return the files that hold it.

    Raises:
        ValueError: where the id cannot be one or is taken, or the family is not known.
    """
    if not re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", id_):
        raise ValueError(
            f"{id_} is not a valid id: it takes two or more words_joined_by_underscores"
        )
    if id_ in CATALOGUE:
        raise ValueError(f"there is a cause {id_} already")
    if family not in FAMILIES:
        raise ValueError(f"{family} is not a family; the families are {', '.join(FAMILIES)}")
    module = root / MODULES / f"{family}.py"
    if not module.exists():
        [module, *_] = _list_usual_files(root / MODULES, family)
    [story, *_] = _list_usual_files(root / STORIES, family)
    scenarios = _list_usual_files(root / SCENARIOS, family)[:1]
    ended = ANSWER if family == "otlp" else HANDSHAKE
    _add_to_family(module, id_, family, ended)
    text = STORY.format(id=id_, stage=ended.stage, evidence=ended.evidence)
    _append(story, text, ended.imports)
    for scenario in scenarios:
        _append(scenario, SCENARIO.format(id=id_))
    return module, story, *scenarios


def _list_usual_files(folder: Path, family: str) -> list[Path]:
    """Return the files of `folder` that name causes of `family`; the one with the most first."""
    counts: Counter[Path] = Counter()
    for path in sorted(folder.glob("[a-z]*.py")):
        words = re.findall(r"\w+", path.read_text(encoding="utf-8"))
        names = Counter(word.partition("__")[0] for word in words)
        counts[path] = sum(
            names[cause.id] for cause in CATALOGUE.values() if cause.family == family
        )
    return [path for path, count in counts.most_common() if count]


def _add_to_family(module: Path, id_: str, family: str, ended: Ended) -> None:
    text = module.read_text(encoding="utf-8")
    at = text.index("CAUSES: Final = (")
    rank = re.findall(r"rank=Rank\.(\w+)", text)[-1]
    end = text.rindex(")\n")
    common = _list_common_fields(text)
    cause = CAUSE.format(
        constructor="_declare" if common else "Cause",
        id=id_,
        family=family,
        rank=rank,
        match=ended.match.format(id=id_),
    )
    for field in common:
        cause = re.sub(rf"^        {field}=.*\n", "", cause, flags=re.MULTILINE)
    match = ended.function.format(id=id_)
    module.write_text(text[:at] + match + text[at:end] + cause + text[end:], encoding="utf-8")


def _list_common_fields(text: str) -> list[str]:
    """Return the fields that the module's `_declare` gives to all of its causes."""
    return [
        keyword.arg
        for node in ast.parse(text).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Call)
        if isinstance(node.target, ast.Name) and node.target.id == "_declare"
        for keyword in node.value.keywords
        if keyword.arg
    ]


def _append(path: Path, text: str, imports: Sequence[tuple[str, str]] = ()) -> None:
    """Append `text` to a module, which then has the `imports`: module and name of each."""
    old = path.read_text(encoding="utf-8").rstrip("\n") + "\n"
    nodes = [node for node in ast.parse(old).body if isinstance(node, ast.ImportFrom)]
    imported = {alias.name for node in nodes for alias in node.names}
    lines = old.splitlines(keepends=True)
    lines[nodes[0].lineno - 1 : nodes[0].lineno - 1] = [
        f"from {module} import {name}\n" for module, name in imports if name not in imported
    ]
    path.write_text("".join(lines) + text, encoding="utf-8")


def main() -> None:
    """Add the cause that the command line names, and say what comes next."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("id", help="as client_cert_expired: never renamed once released")
    parser.add_argument("family", help="as network: docs/adding-a-cause.md has the list")
    arguments = parser.parse_args()
    if not arguments.id or not arguments.family:
        parser.error("which one? make new-cause ID=my_cause FAMILY=network")
    try:
        files = add_cause(ROOT, arguments.id, arguments.family)
    except ValueError as error:
        parser.error(str(error))
    print("Skeletons were written into:")
    for path in files:
        print(f"  {path.relative_to(ROOT)}")
    if not any(SCENARIOS in path.relative_to(ROOT).parents for path in files):
        print("no scenario: write a lab test, and name it in tests/contract/test_lab_scenarios.py")
    print("Fill in each TODO, as docs/adding-a-cause.md describes; then: make causes rules check")


if __name__ == "__main__":
    main()
