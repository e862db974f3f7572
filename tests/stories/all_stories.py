"""All stories: evidence of every cause, for tests of whatever reads evidence or a diagnosis."""

from collections.abc import Mapping
from typing import Final

from tests.stories import (
    addresses,
    backend_changes,
    client_certificates,
    clocks,
    experiments,
    local_files,
    negotiation,
    network,
    open_backends,
    otlp,
    receivers,
    rotation,
    server_certificates,
    trust,
)
from tests.stories.story import Story, stories_in

STORIES: Final[tuple[Story, ...]] = tuple(
    story
    for module in (
        local_files,
        trust,
        client_certificates,
        clocks,
        server_certificates,
        negotiation,
        experiments,
        network,
        addresses,
        backend_changes,
        open_backends,
        otlp,
        receivers,
        rotation,
    )
    for story in stories_in(module)
)

BY_NAME: Final[Mapping[str, Story]] = {story.name: story for story in STORIES}
