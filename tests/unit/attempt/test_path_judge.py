"""A server's chain is judged once for each model, name and set of anchors, until a date changes it."""

import time

import pytest

from probe.attempt import path_judge
from probe.attempt.path_judge import Kept, PathJudge, ServerJudge
from probe.exporters.path_verdict import PathRequest, PathVerdict
from probe.exporters.verifiers import VERIFIERS
from probe.model.path_fault import PathFault
from probe.tls.settings import ServerJudgement
from probe.x509.anchors import AnchorPool
from probe.x509.parse import read_der
from tests.support.pki import issue, subject_alternative_name

NOW = time.time()
ROOT = issue("root", ca=True)
LEAF = issue("backend", ROOT, extensions=[subject_alternative_name(["DNS:localhost"])])
CHAIN = (LEAF.der,)
ANCHORS = AnchorPool([ROOT.der])
UNTIL = 100.0
"""Seconds for which the verdicts of `Model` hold."""


class Model:
    """A verifier that counts how often it is asked, and finds the same faults in everything."""

    def __init__(self, *faults: PathFault) -> None:
        """Find `faults` in everything."""
        self.faults = faults
        self.asked = 0

    def __call__(self, request: PathRequest) -> PathVerdict:
        """Judge."""
        self.asked += 1
        return PathVerdict(self.faults, constant_until=request.at + UNTIL)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    """Return the model of Python's gRPC exporter, which refuses everything."""
    made = Model(PathFault(kind="name_mismatch"))
    monkeypatch.setattr(path_judge, "VERIFIERS", {**VERIFIERS, "python-grpc": made})
    monkeypatch.setattr(path_judge, "get_verifier", {**VERIFIERS, "python-grpc": made}.__getitem__)
    return made


def test_a_verdict_is_kept_until_a_date_may_change_it(model: Model) -> None:
    """Not beyond it, and not before the time at which it was made: clocks go back too."""
    judge = PathJudge(read_der)

    def ask(at: float) -> int:
        judge.judge("python-grpc", CHAIN, ANCHORS, "localhost", at)
        return model.asked

    assert [ask(1000.0), ask(1050.0), ask(1100.0)] == [1, 1, 1]
    assert ask(1101.0) == 2
    assert ask(1100.0) == 3


def test_what_else_counts_makes_another_verdict(model: Model) -> None:
    """Another chain, other anchors and another name are judged for themselves."""
    judge = PathJudge(read_der)
    judge.judge("python-grpc", CHAIN, ANCHORS, "localhost", NOW)
    judge.judge("python-grpc", (*CHAIN, ROOT.der), ANCHORS, "localhost", NOW)
    judge.judge("python-grpc", CHAIN, AnchorPool([]), "localhost", NOW)
    judge.judge("python-grpc", CHAIN, ANCHORS, "elsewhere", NOW)
    judge.judge("python-grpc", CHAIN, ANCHORS, "localhost", NOW)

    assert model.asked == 4


def test_runtimes_of_one_model_share_its_verdict() -> None:
    """The Collector and Go's SDKs have one verifier, and one judgement object."""
    judge = PathJudge(read_der)
    found = {
        id(judge.judge(runtime, CHAIN, ANCHORS, "localhost", NOW).judgement)
        for runtime in ("collector", "go-grpc", "go-http")
    }

    assert len(found) == 1


def test_what_is_kept_is_bounded(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend that presents another certificate each time fills no memory."""
    monkeypatch.setattr(path_judge, "MOST_KEPT", 3)
    judge = PathJudge(read_der)
    for number in range(9):
        judge.judge("python-grpc", (bytes([number]),), ANCHORS, "localhost", NOW)

    assert len(judge._kept) == 3


def test_a_trusted_server_has_its_path_and_its_anchor() -> None:
    """The facts of the anchor, which nothing else holds where it is the system's."""
    found = PathJudge(read_der).judge("collector", CHAIN, ANCHORS, "localhost", NOW).judgement

    assert found.faults == ()
    assert [one.subject.text for one in found.anchors] == ["CN=root"]
    assert found.paths[0][-1] == found.anchors[0].sha256


async def test_others_are_reported_where_they_differ(model: Model) -> None:
    """Of the target's protocol only; a runtime without a model is never claimed anything of."""
    judge = PathJudge(read_der)
    asked = (CHAIN, ANCHORS, "localhost", NOW)
    found = await judge.judge_others("collector", "grpc", *asked)

    assert ("python-grpc", model.faults) in [(one.runtime, one.faults) for one in found.judgement]
    assert await judge.judge_others("collector", "grpc", *asked) is found
    assert model.asked == 1
    over_http = (await judge.judge_others("collector", "http/protobuf", *asked)).judgement
    assert "python-grpc" not in {one.runtime for one in over_http}


async def test_of_a_chain_longer_than_any_only_the_exporter_s_own_verdict_counts(
    model: Model,
) -> None:
    """Nine further models would look at what is made to be expensive."""
    long = CHAIN * (path_judge.LONGEST_CHAIN + 1)
    judge = PathJudge(read_der)
    found = await judge.judge_others("collector", "grpc", long, ANCHORS, "localhost", NOW)

    assert found.judgement == ()
    assert model.asked == 0


def test_what_a_server_sends_again_is_not_even_looked_up(model: Model) -> None:
    """Copies of its certificates count as the same; other ones, and other times, do not."""
    now, asked = [1000.0], list[float]()

    class Asked(PathJudge):
        def judge(
            self,
            runtime: str,
            chain: tuple[bytes, ...],
            anchors: AnchorPool,
            reference: str,
            at: float,
        ) -> Kept[ServerJudgement]:
            asked.append(at)
            return super().judge(runtime, chain, anchors, reference, at)

    judge = Asked(read_der)
    server = ServerJudge(judge, "python-grpc", ANCHORS, "localhost", lambda: now[0])
    first = server(CHAIN)
    now[0] += UNTIL
    assert server((bytes(bytearray(LEAF.der)),)) is first
    assert asked == [1000.0]

    for at in (1000.0 + UNTIL + 1, 900.0):  # beyond a date, and where the clock was set back
        now[0] = at
        server(CHAIN)
    server((*CHAIN, ROOT.der))
    assert asked == [1000.0, 1000.0 + UNTIL + 1, 900.0, 900.0]
