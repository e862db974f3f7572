"""The pages of the causes: the index, and what there is to know of one cause."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from heapq import nsmallest
from operator import itemgetter
from typing import Final

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import FAMILIES, PARTIES, Cause
from probe.diagnosis.fixes.steps import fill_steps
from probe.ledger.replicas import list_causes
from probe.ledger.target_runtime import TargetRuntime
from probe.report.cause_page import EXAMPLE, group_texts_by_exporter, list_neighbours
from probe.report.causes_markdown import group_by_family
from probe.web.pages.rendering import list_frame_values, load_template
from probe.web.pages.target_row import build_row, rank_urgency

BATCH: Final = 500
"""Targets that are looked at in one go."""
TARGETS_SHOWN: Final = 50
"""Targets that the page of a cause lists; the status page lists them all."""


def render_causes_page(
    catalogue: Mapping[str, Cause], states: Iterable[TargetRuntime] = ()
) -> Iterator[bytes]:
    """Yield the index of all causes, family by family, with how many targets now have each.

    An empty part is only a pause.
    """
    counts: Counter[str] = Counter()
    for number, state in enumerate(list(states), 1):
        counts.update(list_causes(state))
        if not number % BATCH:
            yield b""
    page = load_template("causes.html").render(
        list_frame_values(),
        families=group_by_family(catalogue),
        headings=FAMILIES,
        parties=PARTIES,
        counts=counts,
    )
    yield page.encode()


def render_cause_page(
    cause: Cause,
    states: Iterable[TargetRuntime] = (),
    catalogue: Mapping[str, Cause] = CATALOGUE,
    now: float = 0.0,
) -> Iterator[bytes]:
    """Yield the page of one cause, with example paths in its steps; an empty part is only a pause.

    Args:
        cause: whose page it is.
        states: all targets; those that now have `cause` are linked.
        catalogue: where its neighbours and the order of targets come from.
        now: for how long they have had it, epoch seconds.
    """
    having: list[tuple[tuple[int, int, float, str], TargetRuntime]] = []
    for number, state in enumerate(list(states), 1):
        if cause.id in list_causes(state):
            having.append((rank_urgency(state, catalogue), state))
        if not number % BATCH:
            yield b""
    shown = nsmallest(TARGETS_SHOWN, having, key=itemgetter(0))
    page = load_template("cause.html").render(
        list_frame_values(),
        cause=cause,
        heading=FAMILIES[cause.family],
        party=PARTIES[cause.party],
        steps=fill_steps(cause.fix, EXAMPLE),
        printed=group_texts_by_exporter(cause),
        neighbours=tuple(
            sentence.replace("`", "") for sentence in list_neighbours(cause, catalogue)
        ),
        rows=[build_row(state, catalogue, now) for _, state in shown],
        total=len(having),
    )
    yield page.encode()
