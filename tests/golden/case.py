"""A golden case: one story, the evidence that it leaves, and the diagnosis that it must get."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import cleandoc
from types import ModuleType

import msgspec
from msgspec import Struct

from probe.model.diagnosis import Diagnosis, Outcome
from probe.model.evidence import Evidence, Stage, to_json


class Expected(Struct, frozen=True, kw_only=True):
    """What a case must get; `findings` are their causes, in order."""

    story: str
    outcome: Outcome
    stage: Stage
    cause: str | None
    certain: bool
    also: tuple[str, ...]
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """One case, named `cause` or `cause--variant`."""

    name: str
    evidence: Evidence
    expected: Expected

    def files(self) -> dict[str, bytes]:
        """Return the content of the case's two files by their names."""
        return {
            f"{self.name}.json": _readable(to_json(self.evidence)),
            f"{self.name}.expected.json": _readable(msgspec.json.encode(self.expected)),
        }


def case(
    stage: Stage,
    *,
    outcome: Outcome = "failed",
    cause: str | None = None,
    certain: bool = True,
    also: tuple[str, ...] = (),
    findings: tuple[str, ...] = (),
) -> Callable[[Callable[[], Evidence]], Case]:
    """Turn a builder into a case: its name names the cause, its docstring is the story.

    `client_cert_expired__let_in` is the variant `let_in` of `client_cert_expired`; `cause` is
    given where another cause than the named one is primary.
    """

    def decorate(build: Callable[[], Evidence]) -> Case:
        assert build.__doc__
        name = build.__name__.replace("__", "--")
        primary = cause or name.partition("--")[0]
        expected = Expected(
            story=" ".join(cleandoc(build.__doc__).split()),
            outcome=outcome,
            stage=stage,
            cause=primary if outcome == "failed" else None,
            certain=certain,
            also=also,
            findings=findings,
        )
        return Case(name, build(), expected)

    return decorate


def cases_in(module: ModuleType) -> tuple[Case, ...]:
    """Return the cases of a module of stories, in their order there."""
    return tuple(value for value in vars(module).values() if isinstance(value, Case))


def outcome_of(diagnosis: Diagnosis, story: str) -> Expected:
    """Return a diagnosis in the form of an expectation."""
    return Expected(
        story=story,
        outcome=diagnosis.outcome,
        stage=diagnosis.stage,
        cause=diagnosis.cause,
        certain=diagnosis.certain,
        also=diagnosis.also,
        findings=tuple(finding.cause for finding in diagnosis.findings),
    )


def _readable(line: bytes) -> bytes:
    return msgspec.json.format(line, indent=2) + b"\n"
