"""Prometheus's target groups, `[{targets: [host:port …], labels: {…}}]`, become Targets.

Pure and total. file_sd and http_sd have this shape in common (Prometheus, `targetgroup.Group`: an
unknown key is an error). As after Prometheus's relabelling, labels that begin with `__` are gone;
of them only `__scheme__` means something here. Settings come from `defaults`.
"""

from dataclasses import replace
from typing import Any, Final

import msgspec

from probe.config.check_settings import check_label
from probe.config.errors import ConfigurationError, KeyPath, render_key
from probe.config.schema import DefaultsEntry, Entry, TargetEntry
from probe.config.source_content import SourceContent, add_faults
from probe.config.target_entry import read_target
from probe.config.typed_values import convert, error_at
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


class _Groups(Entry, frozen=True):
    """The list under a key, because errors are found by the keys that lead to them."""

    groups: list[TargetGroup]


def read_groups(document: Document, defaults: DefaultsEntry, source: Source) -> SourceContent:
    """Return the Targets of the list that `document` holds, each once; they have no names yet.

    An address is `host:port` or a URL; `__scheme__` gives the former its scheme. An `http` one is
    probed without TLS. A group with a label that no target can have, and an address that is none,
    is an error each, and the other ones go on. `[]` says that there are no targets.

    Raises:
        ConfigurationError: with line and entry, for a document that is empty or of another shape.
    """
    if document.value is None:
        reason = "must be a list; [] says that there are no targets"
        raise ConfigurationError(reason, file=document.file)
    found: dict[Target, None] = {}
    errors: list[ConfigurationError] = []
    for position, group in enumerate(_groups(document)):
        try:
            scheme, labels = _labels(group, document, position)
        except ConfigurationError as error:
            errors.append(error)
            continue
        for at, address in enumerate(group.targets):
            path = (position, "targets", at)
            try:
                text = _address(address, scheme, document, path)
                target = _target(text, labels, defaults, document, path)
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
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"is not JSON: {remove_quotes(str(error))}", file=name) from None
    except RecursionError:
        raise _too_deep(name) from None
    if _deeper_than(value, MAX_DEPTH):
        raise _too_deep(name)
    return Document(name, value, Place(1))


def _groups(document: Document) -> list[TargetGroup]:
    value = document.value
    if not isinstance(value, list):
        reason = "must be a list of {targets: [...], labels: {...}}"
        raise error_at(document, (), reason, found=value)
    wrapped = replace(
        document,
        value={"groups": value},
        place=Place(document.place.line, {"groups": document.place}),
    )
    try:
        return convert(wrapped, _Groups).groups
    except ConfigurationError as error:
        raise _without_prefix(error) from None


def _without_prefix(error: ConfigurationError) -> ConfigurationError:
    for one in (error, *error.more):
        one.key = one.key.removeprefix("groups")
    return error


def _labels(group: TargetGroup, document: Document, position: int) -> tuple[str, dict[str, str]]:
    """Return the scheme that the labels give to each address, and those that the targets have."""
    scheme = group.labels.get(SCHEME_LABEL, "")
    if scheme and scheme not in _SCHEMES:
        path = (position, "labels", SCHEME_LABEL)
        raise error_at(document, path, "is unknown", found=scheme, allowed=_SCHEMES)
    labels = {name: text for name, text in group.labels.items() if not name.startswith(_INTERNAL)}
    for name in labels:
        check_label(name, document, (position, "labels", name))
    return scheme, labels


def _address(address: str, scheme: str, document: Document, path: KeyPath) -> str:
    """Return `address` with its scheme, after a look at whether it is one at all."""
    text = address.strip()
    try:
        endpoint = Endpoint.parse(text)
    except ValueError as error:
        raise error_at(document, path, str(error), found=address) from None
    return text if endpoint.scheme or not scheme else f"{scheme}://{text}"


def _target(
    endpoint: str,
    labels: dict[str, str],
    defaults: DefaultsEntry,
    document: Document,
    path: KeyPath,
) -> Target:
    entry = TargetEntry(endpoint=endpoint, labels=labels)
    target, faults = read_target(entry, defaults, document, path, in_clear=True)
    # Address and labels are right by now: what is left comes from `defaults`.
    return add_faults(target, (_of_defaults(fault, document, path) for fault in faults))


def _of_defaults(
    fault: ConfigurationError, document: Document, path: KeyPath
) -> ConfigurationError:
    key = fault.key.removeprefix(render_key(path)).removeprefix(".")
    reason = f"cannot have what defaults say: {key}: {fault.reason}"
    return error_at(document, path, reason)


def _deeper_than(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        level = [
            item
            for outer in level
            if isinstance(outer, dict | list)
            for item in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return any(isinstance(item, dict | list) for item in level)


def _too_deep(name: str) -> ConfigurationError:
    return ConfigurationError(f"nests deeper than {MAX_DEPTH} levels", file=name)
