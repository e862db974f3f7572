"""What earlier versions recorded is still read, and means the same.

The files in `recorded/` are never generated and never changed: they are what `--evidence` wrote
once, for every stage at which an attempt can end, each with the diagnosis that it had.
"""

from pathlib import Path
from typing import Final

import msgspec
import pytest

from probe.diagnosis.diagnose import diagnose
from probe.model.evidence import from_json, to_json
from probe.model.older_evidence import needs_upgrade, upgrade_evidence
from tests.stories.story import Expected

FOLDER: Final = Path(__file__).with_name("recorded")
NAMES: Final = sorted(
    path.name.removesuffix(".expected.json") for path in FOLDER.glob("*.expected.json")
)


@pytest.mark.parametrize("name", NAMES)
def test_recorded_evidence_is_read_and_means_the_same(name: str) -> None:
    """Outcome, stage, cause, certainty, `also` and findings; nothing recorded gets lost."""
    recorded = (FOLDER / f"{name}.json").read_bytes()
    evidence = from_json(recorded)
    expected = msgspec.json.decode((FOLDER / f"{name}.expected.json").read_bytes(), type=Expected)

    assert Expected.of(diagnose(evidence)) == expected
    kept = upgrade_evidence(recorded) if needs_upgrade(recorded) else recorded
    assert msgspec.json.decode(to_json(evidence)) == msgspec.json.decode(kept)


def test_every_stage_and_outcome_is_recorded() -> None:
    """A stage whose evidence nobody kept could lose a field without notice."""
    expected = [
        msgspec.json.decode((FOLDER / f"{name}.expected.json").read_bytes(), type=Expected)
        for name in NAMES
    ]

    assert len(expected) == 10
    assert {each.outcome for each in expected} == {"confirmed", "failed", "unconfirmed"}
    assert {each.stage for each in expected} >= {
        "load", "resolve", "connect", "handshake", "accept", "export",
    }  # fmt: skip
