"""What the diagnosis may know of a target is made once, safe to show."""

from probe.attempt.target_facts import collect_target_facts
from probe.model.target import Endpoint, Source, Target

TARGET = Target(
    name="t",
    endpoint=Endpoint("c", 4317),
    notes=("a choice\x1b[31m",),
    sources=(Source("collector", "/a.yaml, /b.yaml"),),
)


def test_notes_are_facts() -> None:
    """They have no control characters; a single source is not reported."""
    assert collect_target_facts(TARGET, 60.0).notes == ("a choice\\x1b[31m",)


def test_several_sources_are_named() -> None:
    """Each once, with its kind and every file of it."""
    sources = (*TARGET.sources, Source("sdk", "environment"), *TARGET.sources)
    several = Target(name="t", endpoint=TARGET.endpoint, sources=sources)
    assert collect_target_facts(several, 60.0).notes == (
        "several sources name this target: collector /a.yaml, /b.yaml; sdk environment",
    )
