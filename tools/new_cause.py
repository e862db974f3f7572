"""Write the skeleton of a new cause: `make new-cause ID=my_cause FAMILY=network`.

The skeleton is a cause in its family's module, a test story and a lab scenario. Each `TODO` in them
makes a test fail until it is filled in; docs/adding-a-cause.md describes how.
"""

import argparse
import ast
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import FAMILIES

ROOT: Final = Path(__file__).parents[1]
MODULES: Final = Path("probe/diagnosis/families")
STORIES: Final = Path("tests/stories")
SCENARIOS: Final = Path("tests/lab/scenarios")
CAUSE: Final = """\
    Cause(
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
        match=_match_{id},
    ),
"""
MATCH: Final = """\
def _match_{id}(evidence: Evidence) -> Match | None:
    if evidence.ending.stage != "handshake":  # TODO: what of the evidence shows it
        return None
    return Match(Strength.FITS, ("TODO: the proof, as a fact",))


"""
STORY: Final = '''

@story("handshake")
def {id}() -> Evidence:
    """TODO: what happened, in one sentence."""
    return attempt("handshake", "close", handshake=partial_handshake())  # TODO: the evidence that it left
'''
SCENARIO: Final = '''

@scenario("{id}")
def {id}(pki: LabPki) -> Staging:
    """TODO: the backend or the files differ from right ones in this way."""
    return Staging(pki.client)  # TODO: what differs
'''


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
        module = _find_usual_file(root / MODULES, family)
    story = _find_usual_file(root / STORIES, family)
    scenario = _find_usual_file(root / SCENARIOS, family, "negotiation.py")
    _add_to_family(module, id_, family)
    _append(
        story, STORY.format(id=id_), ("tests.support.evidence", ("attempt", "partial_handshake"))
    )
    _append(scenario, SCENARIO.format(id=id_))
    return module, story, scenario


def _find_usual_file(folder: Path, family: str, otherwise: str = "") -> Path:
    """Return the file of `folder` that names the most causes of `family`."""
    counts: Counter[Path] = Counter()
    for path in sorted(folder.glob("[a-z]*.py")):
        words = re.findall(r"\w+", path.read_text(encoding="utf-8"))
        names = Counter(word.partition("__")[0] for word in words)
        counts[path] = sum(
            names[cause.id] for cause in CATALOGUE.values() if cause.family == family
        )
    usual, count = counts.most_common(1)[0]
    return usual if count or not otherwise else folder / otherwise


def _add_to_family(module: Path, id_: str, family: str) -> None:
    text = module.read_text(encoding="utf-8")
    at = text.index("CAUSES: Final = (")
    rank = re.findall(r"rank=Rank\.(\w+)", text)[-1]
    end = text.rindex(")\n")
    cause = CAUSE.format(id=id_, family=family, rank=rank)
    module.write_text(
        text[:at] + MATCH.format(id=id_) + text[at:end] + cause + text[end:], encoding="utf-8"
    )


def _append(path: Path, text: str, needs: tuple[str, Sequence[str]] | None = None) -> None:
    """Append `text` to a module, which imports what it `needs`: a module and names of it."""
    old = path.read_text(encoding="utf-8").rstrip("\n") + "\n"
    if needs is not None:
        imported = {
            alias.name
            for node in ast.walk(ast.parse(old))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        missing = [name for name in needs[1] if name not in imported]
        line = f"from {needs[0]} import {', '.join(missing)}\n"
        first = re.search(rf"^from {re.escape(needs[0])} import", old, re.MULTILINE)
        if missing and first is not None:
            old = old[: first.start()] + line + old[first.start() :]
    path.write_text(old + text, encoding="utf-8")


def main() -> None:
    """Add the cause that the command line names, and say what comes next."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("id", help="as client_cert_expired: never renamed once released")
    parser.add_argument("family", help="as network: docs/adding-a-cause.md has the list")
    arguments = parser.parse_args()
    try:
        files = add_cause(ROOT, arguments.id, arguments.family)
    except ValueError as error:
        parser.error(str(error))
    print("Skeletons were written into:")
    for path in files:
        print(f"  {path.relative_to(ROOT)}")
    print("Fill in each TODO, as docs/adding-a-cause.md describes; then: make causes rules check")


if __name__ == "__main__":
    main()
