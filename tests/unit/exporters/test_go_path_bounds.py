"""What the most hostile chain costs is bounded, and the verdict is still Go's."""

import gc
import time
from itertools import pairwise

import pytest

from probe.exporters.go_constraints import MAX_COMPARISONS
from probe.exporters.go_path import verify_for_go
from tests.lab.exporters.generators.chain_builder import (
    basic_constraints,
    build,
    constraints,
    ec_key,
    name,
    san,
)
from tests.lab.exporters.generators.chain_case import HOST, INTERMEDIATE, LEAF, ROOT, ChainCase
from tests.lab.exporters.generators.chain_extremes import generate_extremes
from tests.support.exporter_chains import judge_case, make_request

CPU_LIMIT = 0.3
"""Seconds of this process; about 0.05 on an idle machine."""


@pytest.mark.serial
def test_no_chain_costs_much() -> None:
    """Thousands of names, constraints, policies, signatures, within 256 KiB."""
    costs = {}
    # What thousands of other tests have left would be searched for garbage meanwhile.
    gc.collect()
    gc.freeze()
    try:
        for case in generate_extremes():
            request = make_request(case)
            began = time.process_time()
            verify_for_go(request)
            costs[case.id] = time.process_time() - began
    finally:
        gc.unfreeze()
    assert len(costs) > 20
    assert {label: cost for label, cost in costs.items() if cost > CPU_LIMIT} == {}


@pytest.mark.slow
def test_more_names_and_constraints_than_are_compared_are_too_complex() -> None:
    """This is the model's own limit, and it says so: Go would go on."""
    authorities = [
        INTERMEDIATE.but(subject=name(f"CA {level}"), key=ec_key(f"CA {level}")).adding(
            basic_constraints(), constraints(["DNS:example.com"])
        )
        for level in range(40)
    ]
    count = MAX_COMPARISONS // 40 + 10
    leaf = LEAF.adding(
        san(*(f"DNS:{number}.example.com" for number in range(count)), f"DNS:{HOST}")
    )
    specs = [leaf, *authorities, ROOT]
    chain = tuple(build(one, above) for one, above in pairwise(specs))
    fault = judge_case(ChainCase("costly", chain, (build(ROOT),))).faults[0]
    assert fault.kind == "too_complex"
    assert fault.rule.startswith("this probe")
    assert not fault.says
