"""The pipeline: what is kept between attempts, what a reload drops, what a detached attempt leaves."""

import gc
from dataclasses import replace
from pathlib import Path

from probe.attempt.prepared_target import PreparedTarget
from probe.attempt.resolver import Resolver
from probe.ledger.ledger import Ledger
from probe.ledger.target_runtime import TargetRuntime
from probe.model.target import Endpoint, Secret, Target
from probe.otlp.request import Request
from probe.service.attempt_scope import AttemptScope
from probe.service.experiment_schedule import ExperimentSchedule
from probe.service.pipeline import Pipeline
from probe.text.secret_register import SecretRegister
from tests.support.credential_files import pair_files
from tests.support.pki import issue

CA = issue("CA", ca=True)


def closed(folder: Path, name: str = "t") -> Target:
    """Return a target with files, at a port where nobody listens."""
    files = pair_files(folder, issue(name, CA))
    return Target(name=name, endpoint=Endpoint("127.0.0.1", 1), tls=files)


async def test_a_reload_keeps_what_is_known_of_files_that_stay_in_use(tmp_path: Path) -> None:
    """A changed interval is another target; what its exporter read at its start is still known."""
    target = closed(tmp_path)
    pipeline = Pipeline(Ledger([target]))
    await pipeline.probe_once(target)
    pair_files(tmp_path, issue("new", CA))

    changed = replace(target, interval=7.0)
    pipeline.replace_targets([changed])
    _, evidence, _ = await pipeline.probe_once(changed)

    (rotation,) = evidence.credentials.rotated
    assert rotation.before[0].subject.text == "CN=t"


async def test_a_reload_drops_what_is_kept_of_targets_that_are_gone(tmp_path: Path) -> None:
    """With the runtime go the prepared request and the files, unless another target has them."""
    (tmp_path / "gone").mkdir()
    kept, gone = closed(tmp_path, "kept"), closed(tmp_path / "gone", "gone")
    pipeline = Pipeline(Ledger([kept, gone]))
    for target in (kept, gone):
        await pipeline.probe_once(target)
    assert len(pipeline.credentials) == 2

    pipeline.replace_targets([kept])

    assert len(pipeline.credentials) == 1
    assert [runtime.attempts for runtime in pipeline.ledger] == [1]


async def test_after_a_reload_nothing_is_left_of_a_target_but_what_others_share(
    tmp_path: Path,
) -> None:
    """Not what was prepared for it, nor its request, in which its headers are."""
    token = "Bearer-of-a-target-that-goes"
    target = replace(closed(tmp_path), headers=(("authorization", Secret(token)),))
    pipeline = Pipeline(Ledger([target]))
    await pipeline.probe_once(target)
    assert _count_kept(token) == (1, 1)

    pipeline.replace_targets([])
    assert _count_kept(token) == (0, 0)


def _count_kept(token: str) -> tuple[int, int]:
    """Return how many prepared targets there are, and how many requests with `token`."""
    gc.collect()
    kept = gc.get_objects()
    headers = [one.target.headers for one in kept if isinstance(one, PreparedTarget)]
    requests = [one.http1 for one in kept if isinstance(one, Request)]
    return (
        headers.count((("authorization", Secret(token)),)),
        sum(token.encode() in one for one in requests),
    )


async def test_a_detached_attempt_is_entered_in_its_own_runtime(tmp_path: Path) -> None:
    """The ledger does not see it, and it counts as no change."""
    target = closed(tmp_path)
    pipeline = Pipeline(Ledger([target]))
    runtime, register = TargetRuntime(target), SecretRegister()
    prober = pipeline.make_prober(Resolver(), register)
    scope = AttemptScope(prober, ExperimentSchedule(), register, detached=runtime)

    _, _, diagnosis = await pipeline.probe_once(target, scope)

    assert diagnosis.cause == "tcp_refused"
    assert (runtime.attempts, runtime.changed) == (1, False)
    assert [runtime.attempts for runtime in pipeline.ledger] == [0]
