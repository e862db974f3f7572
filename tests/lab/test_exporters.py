"""What the measured facts say of real exporters is what they do here, on a sample of the cases.

`make exporters` runs all cases and writes the facts.
"""

from pathlib import Path

import pytest

from tests.lab.exporters.exporters_page import PAGE, render_page
from tests.lab.exporters.generators.credential_set import write_backend_files
from tests.lab.exporters.generators.files import credential_files
from tests.lab.exporters.measured_facts import read_facts
from tests.lab.exporters.programs import PROGRAMS
from tests.lab.exporters.run import measure, running_backends
from tests.support.builds import NotBuiltError
from tests.support.required_tools import missing

pytestmark = pytest.mark.slow

SAMPLED = ("collector", "go-grpc", "python-grpc", "python-http", "node-grpc", "node-http")
"""The exporters whose programs are built in seconds."""
EVERY = 7
"""One case in so many is run; bundles take some exporters seconds each."""


@pytest.mark.parametrize("exporter", SAMPLED)
def test_an_exporter_does_what_was_measured(exporter: str, tmp_path: Path) -> None:
    """Outcomes of the sample are those of the facts; a difference names both versions."""
    facts = read_facts("files")[exporter]
    write_backend_files(tmp_path)
    sample = [each for each in credential_files()[::EVERY] if not each.id.startswith("bundle-")]
    cases = [each.write(tmp_path) for each in sample]
    try:
        with running_backends(tmp_path) as endpoints:
            versions, answers = measure(PROGRAMS[exporter], cases, endpoints)
    except NotBuiltError as error:
        missing(str(error))
    differing = {
        answer.id: (facts.answers[answer.id].outcome, answer.outcome, answer.text[:300])
        for answer in answers
        if facts.answers[answer.id].outcome != answer.outcome
    }
    assert not differing, f"measured with {dict(facts.versions)}, here {versions}"


def test_every_generated_case_is_measured() -> None:
    """No exporter's facts leave a case out or know one that is not generated."""
    ids = [each.id for each in credential_files()]
    for exporter, measured in read_facts("files").items():
        assert list(measured.answers) == ids, f"`make exporters EXPORTERS={exporter}`"


def test_the_page_says_what_was_measured() -> None:
    """docs/exporters.md is what `make references` writes from the facts."""
    assert PAGE.read_text(encoding="utf-8") == render_page(), "`make references`"
