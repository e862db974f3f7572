"""Prometheus's file_sd: which files a pattern names, and the targets that one of them lists.

Only `list_files` looks at the file system; what a file holds is read elsewhere.
"""

from glob import has_magic
from pathlib import Path, PurePath
from typing import Final

from probe.config.schema import DefaultsEntry
from probe.config.source_content import SourceContent
from probe.config.sources.sdk.substitution import read_typed_scalar
from probe.config.sources.target_groups import parse_json, read_groups
from probe.config.yaml_document import parse_yaml
from probe.model.target import Source

SUFFIXES: Final = (".json", ".yml", ".yaml")


def pattern_fault(pattern: str) -> str | None:
    """Say why `pattern` cannot name file_sd files, or None; Prometheus has the same rules.

    A `*` is allowed only in the last part of the path, so that one directory has to be watched.
    """
    path = PurePath(pattern)
    if "\0" in pattern:
        return "a path holds no NUL"
    if path.suffix.lower() not in SUFFIXES:
        return "the path of file_sd ends in .json, .yml or .yaml"
    if has_magic(str(path.parent)) or "**" in path.name:
        return "the path of file_sd may hold a * in its last part only"
    return None


def list_files(pattern: str) -> tuple[str, ...]:
    """Return the files that `pattern` names now, in order.

    A path without `*` is returned whether or not it exists; a pattern may match nothing.
    """
    if not has_magic(pattern):
        return (pattern,)
    path = Path(pattern)
    found = (name for name in path.parent.glob(path.name) if name.suffix.lower() in SUFFIXES)
    return tuple(sorted(map(str, found)))


def read_file_sd(raw: bytes, file: str, defaults: DefaultsEntry) -> SourceContent:
    """Return the targets that a file_sd file lists, without names of their own.

    Args:
        raw: The file's content: JSON where its name ends so, else YAML.
        file: Its name, for errors and as the targets' source.
        defaults: Gives every setting but the address and the labels.

    Raises:
        ConfigurationError: naming the file and the entry, where it is not a list of target groups.
    """
    if PurePath(file).suffix.lower() == ".json":
        document = parse_json(raw, file)
    else:
        document = parse_yaml(raw, file, plain=read_typed_scalar)
    return read_groups(document, defaults, Source("file_sd", file))
