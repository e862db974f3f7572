"""Equal data of many targets, in memory once. Bounded, keyed by content; without I/O.

Most targets of a fleet see the same handshake and get the same diagnosis. Whoever shares data gives
none away that is not masked: an equal value of another target takes its place.
"""

from functools import lru_cache
from typing import Any, Final, TypeVar, cast

from msgspec.structs import replace

from probe.model.evidence import Evidence, Experiment

MOST_SHARED: Final = 512
"""Values that are known at a time: of one that is not, the next equal one is another object."""

T = TypeVar("T")


@lru_cache(maxsize=MOST_SHARED)
def _get_known(value: Any) -> Any:
    return value


def share(value: T) -> T:
    """Return `value`, hashable and never changed, or an equal one of before."""
    return cast("T", _get_known(value))


def share_parts(evidence: Evidence) -> Evidence:
    """Return `evidence`, which is masked, with a handshake that equal ones share.

    Not the ending: by its identity it is known that two attempts saw the same.
    """
    if evidence.handshake is None:
        return evidence
    return replace(evidence, handshake=share(evidence.handshake))


def share_experiment(experiment: Experiment) -> Experiment:
    """Return `experiment`, which is masked, with parts that equal ones share."""
    handshake, answer = experiment.handshake, experiment.answer
    return replace(
        experiment,
        handshake=handshake and share(handshake),
        answer=answer and share(answer),  # its date is one of seconds
        ending=share(experiment.ending),
    )
