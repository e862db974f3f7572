"""The pages of the causes: the index, and what there is to know of one cause."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import FAMILIES, PARTIES, Cause
from probe.diagnosis.fixes.steps import fill_steps
from probe.ledger.replicas import list_causes
from probe.ledger.target_runtime import TargetRuntime
from probe.report.cause_page import EXAMPLE, group_texts_by_exporter, list_neighbours
from probe.report.causes_markdown import group_by_family
from probe.web.pages.rendering import list_frame_values, load_template
from probe.web.pages.target_row import build_row, sort_by_urgency

TARGETS_SHOWN: Final = 50
"""Targets that the page of a cause lists; the status page lists them all."""


def render_causes_page(catalogue: Mapping[str, Cause], states: Iterable[TargetRuntime] = ()) -> str:
    """Return the index of all causes, family by family, with how many targets now have each."""
    counts = Counter(cause for state in states for cause in list_causes(state))
    return load_template("causes.html").render(
        list_frame_values(),
        families=group_by_family(catalogue),
        headings=FAMILIES,
        parties=PARTIES,
        counts=counts,
    )


def render_cause_page(
    cause: Cause,
    states: Iterable[TargetRuntime] = (),
    catalogue: Mapping[str, Cause] = CATALOGUE,
    now: float = 0.0,
) -> str:
    """Return the page of one cause, with example paths in its steps.

    Args:
        cause: whose page it is.
        states: all targets; those that now have `cause` are linked.
        catalogue: where its neighbours and the order of targets come from.
        now: for how long they have had it, epoch seconds.
    """
    having = (state for state in states if cause.id in list_causes(state))
    targets = sort_by_urgency(having, catalogue)
    return load_template("cause.html").render(
        list_frame_values(),
        cause=cause,
        heading=FAMILIES[cause.family],
        party=PARTIES[cause.party],
        steps=fill_steps(cause.fix, EXAMPLE),
        printed=group_texts_by_exporter(cause),
        neighbours=tuple(
            sentence.replace("`", "") for sentence in list_neighbours(cause, catalogue)
        ),
        rows=[build_row(state, catalogue, now) for state in targets[:TARGETS_SHOWN]],
        total=len(targets),
    )
