"""A configuration that is read again shares the targets that did not change."""

from dataclasses import replace

from probe.config.configuration import Configuration, reuse_targets
from probe.model.target import Endpoint, Target


def test_equal_targets_are_those_of_before_and_changed_ones_are_new() -> None:
    """Order and content are what was read; only the objects of equal targets are the known ones."""
    before = tuple(Target(name=name, endpoint=Endpoint("h", 1)) for name in "abc")
    changed = replace(before[1], endpoint=Endpoint("h", 2))
    read = Configuration(targets=(replace(before[2]), changed, replace(before[0])))
    shared = reuse_targets(read, Configuration(targets=before))
    assert shared == read
    assert shared.targets[0] is before[2]
    assert shared.targets[1] is changed
    assert shared.targets[2] is before[0]
