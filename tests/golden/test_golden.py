"""Every story gets the diagnosis that it must get, and the files are what the stories make."""

import msgspec
import pytest

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.diagnose import diagnose
from probe.model.evidence import from_json
from tests.golden.build import CASES, FOLDER, files
from tests.golden.case import Case, Expected, outcome_of


def test_the_files_are_what_the_stories_make() -> None:
    """A changed story changes its files: python -m tests.golden.build writes them."""
    found = {path.name: path.read_bytes() for path in FOLDER.glob("*.json")}

    assert found == files()


def test_names_are_told_apart() -> None:
    """No two stories share a file."""
    names = [case.name for case in CASES]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_file_gets_its_diagnosis(case: Case) -> None:
    """The evidence on disk gives outcome, stage, cause, certainty, `also` and findings exactly."""
    evidence = from_json((FOLDER / f"{case.name}.json").read_bytes())
    expected = msgspec.json.decode(
        (FOLDER / f"{case.name}.expected.json").read_bytes(), type=Expected
    )

    assert outcome_of(diagnose(evidence), expected.story) == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_failure_says_why_and_what_to_do(case: Case) -> None:
    """A cause comes with facts and with steps in which the reader's own paths stand."""
    found = diagnose(case.evidence)

    assert found.facts
    assert bool(found.fix) == (found.cause is not None)
    steps = (*found.fix, *(step for finding in found.findings for step in finding.fix))
    assert not [step for step in steps if "{" in step]
    if found.cause is not None:
        cause = CATALOGUE[found.cause]
        assert (found.family, found.documented_cause) == (cause.family, cause.documented_cause)
    if found.cause is not None and not found.certain and found.cause != "unexplained":
        assert found.would_decide
