"""The entries of `modules` become Modules for `/probe`: pure.

A module takes what a target takes but an endpoint, filled up from `defaults`, and an allow-list;
without one it allows nothing.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from probe.config.check_settings import check_settings
from probe.config.errors import ConfigurationError
from probe.config.schema import DefaultsEntry, ModuleEntry, TargetEntry
from probe.config.target_entry import read_target
from probe.config.typed_values import error_at
from probe.config.yaml_document import Document
from probe.model.module import AllowEntry, AllowList, Module
from probe.model.target import PROTOCOLS, Protocol, Target

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
    check_settings(entry, document, path)
    allowed = []
    for position, text in enumerate(entry.allow):
        try:
            allowed.append(AllowEntry.parse(text))
        except ValueError as error:
            raise error_at(document, (*path, "allow", position), str(error), found=text) from None
    settings = msgspec.structs.asdict(entry)
    del settings["allow"]
    chosen = next(
        (known for known in PROTOCOLS if known == (entry.protocol or defaults.protocol)), None
    )
    templates: dict[tuple[str, Protocol], Target] = {}
    for scheme in ("", "https", "http"):
        for protocol in (chosen,) if chosen else PROTOCOLS:
            url = f"{scheme}://{_PLACEHOLDER}" if scheme else _PLACEHOLDER
            placed = TargetEntry(endpoint=url, **{**settings, "protocol": protocol})
            try:
                template, faults = read_target(placed, defaults, document, path)
            except ConfigurationError:
                if scheme != "http":
                    raise
                continue  # in clear only where the module says insecure
            for fault in faults:
                raise fault
            templates[scheme, protocol] = template
    return Module(name, templates, chosen, AllowList(tuple(allowed)))
