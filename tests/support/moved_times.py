"""Attempts that saw the same at other times: at, before and behind every date that matters."""

import re
from random import Random
from typing import Final

from probe.model.evidence import Evidence, to_json
from probe.model.evidence_times import list_times, put_times

_DATES: Final = re.compile(r'"(?:not_after|not_before|modified|at|started)":(\d{9,12}\.?\d*)')
_STEPS: Final = (0.0, 0.0005, 0.002, 1.0, 30.0, 59.0, 61.0, 3600.0, 3 * 86400.0, 28 * 86400.0, 4e7)


def move_times(evidence: Evidence, random: Random) -> Evidence:
    """Return what an attempt saw that differs from `evidence` in nothing but its times.

    Most are a little later, as the next attempt is; others lie next to a date of the evidence.
    """
    dates = [float(date) for date in _DATES.findall(to_json(evidence).decode())]
    at, *others = list_times(evidence)
    if dates and random.random() < 0.4:
        at = random.choice(dates) + random.choice([-1.0, 1.0]) * random.choice(_STEPS)
    else:
        at += random.choice(_STEPS[:6])
    return put_times(evidence, [at, *(_move(each, random) for each in others)])


def _move(time: float, random: Random) -> float:
    chance = random.random()
    if chance < 0.5:
        return time
    if chance < 0.8:
        return time + random.uniform(-0.1, 0.1)
    return time + random.choice([-1.0, 1.0]) * random.choice(_STEPS)
