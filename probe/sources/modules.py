"""The entries of `modules` become Modules for `/probe`: pure.

A module takes what a target takes but an endpoint, filled up from `defaults`, and an allow-list;
without one it allows nothing.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from probe.module import AllowEntry, AllowList, Module
from probe.sources.conversion import error_at
from probe.sources.schema import DefaultsEntry, ModuleEntry, TargetEntry
from probe.sources.target_entry import target_of
from probe.sources.yaml_document import Document
from probe.target import PROTOCOLS

_PLACEHOLDER: Final = "module.invalid:4317"
"""RFC 6761 §6.4: resolves nowhere; no attempt ever has it."""


def modules_of(
    entries: Mapping[str, ModuleEntry], defaults: DefaultsEntry, document: Document
) -> dict[str, Module]:
    """Return the modules by their names.

    Raises:
        ConfigurationError: for the first that cannot be one.
    """
    return {name: _module(name, entry, defaults, document) for name, entry in entries.items()}


def _module(name: str, entry: ModuleEntry, defaults: DefaultsEntry, document: Document) -> Module:
    path = ("modules", name)
    allowed = []
    for position, text in enumerate(entry.allow):
        try:
            allowed.append(AllowEntry.parse(text))
        except ValueError as error:
            raise error_at(document, (*path, "allow", position), str(error), found=text) from None
    settings = msgspec.structs.asdict(entry)
    del settings["allow"]
    template = target_of(TargetEntry(endpoint=_PLACEHOLDER, **settings), defaults, document, path)
    chosen = entry.protocol or defaults.protocol
    return Module(
        name=name,
        template=template,
        protocol=next((known for known in PROTOCOLS if known == chosen), None),
        allow=AllowList(tuple(allowed)),
    )
