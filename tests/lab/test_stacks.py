"""Every scenario against every stack, at TLS 1.2 and 1.3: the right cause, and no false green."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from probe.model.diagnosis import Diagnosis
from tests.lab import scenarios
from tests.lab.credentials import LabPki
from tests.lab.observation import observe, target
from tests.lab.scenario import CONFIRMED, SCENARIOS, Scenario, Staging
from tests.lab.stack import Serving, Stack, TlsVersion, lacking
from tests.lab.stacks import STACKS
from tests.support.required_tools import missing

assert scenarios.__all__

CASES = [
    pytest.param(
        stack, version, scenario, id=f"{stack.name}-{version}-{scenario.name}",
        marks=pytest.mark.xdist_group(f"{stack.name}-{version}"),
    )
    for stack in STACKS
    for version in stack.versions
    for scenario in SCENARIOS.values()
    if version in scenario.versions
    and scenario.name not in stack.skips
    and (not scenario.once or (stack.name, version) == ("s_server", "1.3"))
]  # fmt: skip

StartStack = Callable[[Stack, Serving], int]


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartStack]:
    """A function that returns the port of a running stack; the same arguments give the same one."""
    with ExitStack() as running:
        ports: dict[tuple[str, Serving], int] = {}

        def start(stack: Stack, serving: Serving) -> int:
            key = (stack.name, serving)
            if key not in ports:
                folder = tmp_path_factory.mktemp(stack.name)
                ports[key] = running.enter_context(stack.start(folder, serving))
            return ports[key]

        yield start


@pytest.mark.parametrize(("stack", "version", "scenario"), CASES)
def test_the_true_cause_is_named(
    backend: StartStack, pki: LabPki, stack: Stack, version: TlsVersion, scenario: Scenario
) -> None:
    """The scenario's docstring says what is wrong; the stack's entry says what it accepts or hides."""
    staging = scenario.build(pki)
    not_run = _not_run(stack, scenario, staging)
    if not_run:
        missing(not_run)
    port = backend(stack, staging.serving(pki, version))
    settings = dict(staging.settings)
    if stack.speaks_both and version == "1.2":
        settings["max_version"] = version
    watched = target(
        pki,
        port,
        staging.client,
        protocol=stack.protocol,
        depth=stack.depth,
        timeout=5.0 if stack.answers else 2.0,
        **settings,
    )
    _, diagnosis = observe(watched)
    if scenario.truth == (CONFIRMED,) or scenario.name in stack.lets_in:
        assert diagnosis.outcome == ("confirmed" if stack.answers else "unconfirmed"), diagnosis
        open_to_all = diagnosis.outcome == "confirmed" and staging.client and not staging.asks
        found = {finding.cause for finding in diagnosis.findings}
        assert ("client_cert_not_requested" in found) is bool(open_to_all), diagnosis
    else:
        _judge(
            scenario,
            diagnosis,
            undecided=_undecided(stack, version, scenario),
            shows_one=scenario.name in stack.shows_one,
        )


def _not_run(stack: Stack, scenario: Scenario, staging: Staging) -> str:
    """Report what is not run here and why, in the form that tests.lab.stacks_not_run reads."""
    absent = stack.missing()
    if absent:
        return f"{stack.name}: {absent}"
    absent = lacking("faketime")() if staging.clock else ""
    return f"{stack.name} {scenario.name}: {absent}" if absent else ""


def _undecided(stack: Stack, version: TlsVersion, scenario: Scenario) -> bool:
    return bool({scenario.name, f"{scenario.name}@{version}"} & stack.undecided.keys())


def _judge(scenario: Scenario, diagnosis: Diagnosis, *, undecided: bool, shows_one: bool) -> None:
    story = f"{scenario.says}\n{diagnosis}"
    assert diagnosis.outcome == "failed", story
    named = {diagnosis.cause, *diagnosis.also}
    if undecided:
        assert not diagnosis.certain, story
        assert set(scenario.truth) & named, story
        # Where this fails, evidence decides after all: take the entry away.
        assert diagnosis.cause not in scenario.truth, story
        return
    assert diagnosis.cause in scenario.truth, story
    # Where this fails with shows_one, the evidence has them all: take the entry away.
    assert (set(scenario.truth) <= named) is not shows_one, story
