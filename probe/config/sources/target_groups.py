"""Prometheus's target groups, `[{targets: [host:port …], labels: {…}}]`, become Targets.

Pure and total. file_sd and http_sd have this shape in common (Prometheus, `targetgroup.Group`: an
unknown key is an error). As after Prometheus's relabelling, labels that begin with `__` are gone;
of them only `__scheme__` means something here. Settings come from `defaults`.
"""

from dataclasses import replace
from typing import Any, Final

import msgspec

from probe.config.check_settings import check_label
from probe.config.errors import ConfigurationError
from probe.config.location import Location
from probe.config.schema import DefaultsEntry, Entry, TargetEntry
from probe.config.source_content import SourceContent, add_faults
from probe.config.target_entry import read_target
from probe.config.typed_values import convert
from probe.config.yaml_document import MAX_BYTES, MAX_DEPTH, Document, Place
from probe.model.target import Endpoint, Source, Target
from probe.text.description import remove_quotes

SCHEME_LABEL: Final = "__scheme__"
_SCHEMES: Final = ("http", "https")
_INTERNAL: Final = "__"


class TargetGroup(Entry, frozen=True, kw_only=True):
    """One item of the list."""

    targets: list[str] = msgspec.field(default_factory=list)
    labels: dict[str, str] = msgspec.field(default_factory=dict)


def read_groups(document: Document, defaults: DefaultsEntry, source: Source) -> SourceContent:
    """Return the Targets of the list that `document` holds, each once; they have no names yet.

    An address is `host:port` or a URL; `__scheme__` gives the former its scheme. An `http` one is
    probed without TLS. A group with a label that no target can have, and an address that is not valid,
    is an error each, and the other ones go on. `[]` says that there are no targets.

    Raises:
        ConfigurationError: with line and entry, for a document that is empty or of another shape.
    """
    if document.value is None:
        reason = "must be a list; [] says that there are no targets"
        raise ConfigurationError(reason, file=document.file)
    root = Location(document)
    if not isinstance(document.value, list):
        reason = "must be a list of {targets: [...], labels: {...}}"
        raise root.error(reason, found=document.value)
    found: dict[Target, None] = {}
    errors: list[ConfigurationError] = []
    for position, group in enumerate(convert(document.value, list[TargetGroup], root)):
        at = root[position]
        try:
            scheme, labels = _split_labels(group, at["labels"])
        except ConfigurationError as error:
            errors.append(error)
            continue
        for place, address in enumerate(group.targets):
            here = at["targets"][place]
            try:
                text = _add_scheme(address, scheme, here)
                target = _read_target(text, labels, defaults, here)
                found[replace(target, sources=(source,))] = None
            except ConfigurationError as error:
                errors.append(error)
    return SourceContent(targets=tuple(found), errors=tuple(errors))


def parse_json(raw: bytes, name: str) -> Document:
    """Read the JSON text `raw` (RFC 8259); no line of it is known.

    Raises:
        ConfigurationError: where it is too large, is not JSON, or nests without measure.
    """
    if len(raw) > MAX_BYTES:
        raise ConfigurationError(f"is larger than {MAX_BYTES} bytes", file=name)
    try:
        value = msgspec.json.decode(raw)
        _check_depth(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"is not JSON: {remove_quotes(str(error))}", file=name) from None
    except RecursionError:
        raise ConfigurationError(f"nests deeper than {MAX_DEPTH} levels", file=name) from None
    return Document(name, value, Place(1))


def _split_labels(group: TargetGroup, location: Location) -> tuple[str, dict[str, str]]:
    """Return the scheme that the labels give to each address, and those that the targets have."""
    scheme = group.labels.get(SCHEME_LABEL, "")
    if scheme and scheme not in _SCHEMES:
        raise location[SCHEME_LABEL].error("is unknown", found=scheme, allowed=_SCHEMES)
    labels = {name: text for name, text in group.labels.items() if not name.startswith(_INTERNAL)}
    for name in labels:
        check_label(name, location[name])
    return scheme, labels


def _add_scheme(address: str, scheme: str, location: Location) -> str:
    """Return `address` with its scheme, after a look at whether it is one at all."""
    text = address.strip()
    endpoint = location.parse(Endpoint.parse, text)
    return text if endpoint.scheme or not scheme else f"{scheme}://{text}"


def _read_target(
    endpoint: str, labels: dict[str, str], defaults: DefaultsEntry, location: Location
) -> Target:
    entry = TargetEntry(endpoint=endpoint, labels=labels)
    target, faults = read_target(entry, defaults, location, plaintext_allowed=True)
    # Address and labels are right by now: what is left comes from `defaults`.
    return add_faults(target, (_blame_defaults(fault, location) for fault in faults))


def _blame_defaults(fault: ConfigurationError, location: Location) -> ConfigurationError:
    key = fault.key.removeprefix(location.key).removeprefix(".")
    return location.error(f"cannot have what defaults say: {key}: {fault.reason}")


def _check_depth(value: Any) -> None:
    """Raise RecursionError, as the decoder does, where `value` nests deeper than MAX_DEPTH."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for outer in level
            if isinstance(outer, dict | list)
            for item in (outer.values() if isinstance(outer, dict) else outer)
        ]
    if any(isinstance(item, dict | list) for item in level):
        raise RecursionError
