"""A story: what happened in an attempt, its evidence, and the diagnosis that it must get."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import cleandoc
from types import ModuleType

from msgspec import Struct

from probe.model.diagnosis import Diagnosis, Outcome
from probe.model.evidence import Evidence, Stage


class Expected(Struct, frozen=True, kw_only=True):
    """What a diagnosis must say; `findings` are their causes, in order."""

    outcome: Outcome
    stage: Stage
    cause: str | None
    certain: bool
    also: tuple[str, ...]
    findings: tuple[str, ...]

    @classmethod
    def of(cls, diagnosis: Diagnosis) -> "Expected":
        """Return what `diagnosis` says."""
        return cls(
            outcome=diagnosis.outcome,
            stage=diagnosis.stage,
            cause=diagnosis.cause,
            certain=diagnosis.certain,
            also=diagnosis.also,
            findings=tuple(finding.cause for finding in diagnosis.findings),
        )


@dataclass(frozen=True)
class Story:
    """One story, named `cause` or `cause--variant`."""

    name: str
    text: str
    evidence: Evidence
    expected: Expected


def story(
    stage: Stage,
    *,
    outcome: Outcome = "failed",
    cause: str | None = None,
    certain: bool = True,
    also: tuple[str, ...] = (),
    findings: tuple[str, ...] = (),
) -> Callable[[Callable[[], Evidence]], Story]:
    """Turn a function that builds evidence into a story: its name is the cause, its docstring the title.

    `client_cert_expired__accepted` is the variant `accepted` of `client_cert_expired`; `cause` is
    given where another cause than the named one is primary.
    """

    def decorate(build: Callable[[], Evidence]) -> Story:
        assert build.__doc__
        name = build.__name__.replace("__", "--")
        primary = cause or name.partition("--")[0]
        expected = Expected(
            outcome=outcome,
            stage=stage,
            cause=primary if outcome == "failed" else None,
            certain=certain,
            also=also,
            findings=findings,
        )
        return Story(name, " ".join(cleandoc(build.__doc__).split()), build(), expected)

    return decorate


def stories_in(module: ModuleType) -> tuple[Story, ...]:
    """Return the stories of a module, in their order there."""
    return tuple(value for value in vars(module).values() if isinstance(value, Story))
