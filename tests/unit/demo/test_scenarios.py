"""The demo's scenarios: each documented cause is shown, and each is what its name says."""

import stat
from pathlib import Path

import pytest

from probe.demo.scenarios import CHANGING, SCENARIOS, Demo
from probe.diagnosis.catalogue import CATALOGUE
from probe.ledger.ledger import Ledger
from probe.service.pipeline import Pipeline
from probe.service.run_rounds import run_rounds

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def test_every_documented_cause_is_shown() -> None:
    """Each of the six documented causes has a scenario, whose name bears its number and id."""
    shown = set()
    for scenario in SCENARIOS:
        if scenario.expected is not None:
            number = CATALOGUE[scenario.expected].documented_cause
            dashed = scenario.expected.replace("_", "-")
            assert scenario.name == f"documented-cause-{number}-{dashed}"
            shown.add(number)
        assert scenario.build.__doc__
    assert shown == {1, 2, 3, 4, 5, 6}
    assert [each.name for each in SCENARIOS if each.expected is None] == [
        "healthy-grpc",
        "healthy-http",
        CHANGING,
    ]


async def test_every_backend_gets_exactly_the_cause_it_was_built_for(tmp_path: Path) -> None:
    """One round over the demo: every cause is found, and found for certain but for the clock.

    An expired CA of the backend's own brings the same alert as a clock that is ahead.
    """
    demo = Demo()
    targets = await demo.start(tmp_path)
    try:
        assert tuple(target.name for target in targets) == tuple(BY_NAME)
        observations = await run_rounds(targets, concurrency=4)
    finally:
        await demo.stop()
    found = {target.name: diagnosis.cause for target, _, diagnosis in observations}
    assert found == demo.expected
    for target, _, diagnosis in observations:
        wanted = "confirmed" if demo.expected[target.name] is None else "failed"
        certain = diagnosis.cause != "clock_skew"
        assert (diagnosis.outcome, diagnosis.certain) == (wanted, certain), target.name


async def test_a_backend_that_changes_is_named_with_its_change(tmp_path: Path) -> None:
    """As the demo shows it after a minute: it is refused, because of the CA that was exchanged."""
    demo = Demo((BY_NAME[CHANGING],))
    (target,) = await demo.start(tmp_path)
    pipeline = Pipeline(Ledger([target]))
    try:
        _, _, before = await pipeline.probe_once(target)
        await demo.change()
        _, evidence, after = await pipeline.probe_once(target)
    finally:
        await demo.stop()
    assert (before.outcome, after.cause) == ("confirmed", "client_ca_untrusted")
    (change,) = evidence.changed
    assert (change.removed, change.added) == (
        ("CN=Demo exporter CA",),
        ("CN=Demo CA of another team",),
    )


async def test_files_are_private_and_next_to_their_issuer(tmp_path: Path) -> None:
    """Only the owner can read the files; the exporter's own CA is next to its certificate."""
    demo = Demo((BY_NAME["healthy-grpc"],))
    (target,) = await demo.start(tmp_path)
    await demo.stop()
    assert target.tls.cert_file is not None
    folder = Path(target.tls.cert_file).parent
    assert folder == tmp_path / "healthy-grpc"
    assert (folder / "exporter-ca.pem").is_file()
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


async def test_a_failed_start_leaves_nothing_running(tmp_path: Path) -> None:
    """Where a folder cannot be made, the backends already started are stopped again."""
    (tmp_path / "healthy-http").write_text("a file in the folder's place")
    demo = Demo((BY_NAME["healthy-grpc"], BY_NAME["healthy-http"]))
    with pytest.raises(FileExistsError):
        await demo.start(tmp_path)
    assert demo.backends == {}
