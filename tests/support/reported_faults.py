"""Faults of settings that no exporter can use, from an error or from a target."""

from collections.abc import Callable, Iterable

from probe.config.errors import ConfigurationError, ErrorList
from probe.config.source_content import SourceContent
from probe.model.target import Target


def faults_of(targets: Iterable[Target]) -> str:
    """Return every fault of `targets`, with its fix, in one text."""
    faults = [fault for target in targets for fault in target.faults]
    assert all(fault.cause == "exporter_configuration_invalid" for fault in faults)
    return "\n".join(text for fault in faults for text in (fault.fact, *fault.fix))


def reported(read: Callable[[], Iterable[Target]]) -> str:
    """Return the text of the error that `read` raises, else of the faults of its targets."""
    try:
        targets = tuple(read())
    except ConfigurationError as error:
        return str(error)
    text = faults_of(targets)
    assert text, "nothing is reported"
    return text


def targets_in(content: SourceContent) -> tuple[Target, ...]:
    """Return the targets of `content`, or raise its errors where there are none."""
    if not content.targets:
        ErrorList(content.errors).raise_any()
    return content.targets
