"""A Collector's configuration: its files merged as confmap does, its parts expanded as asked for.

Pure but for `read_text`. Only what is asked for is expanded: a reference that stands elsewhere
(another component's secret, a provider that only the Collector has) is not the probe's business.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from probe.config.errors import (
    ConfigurationError,
    KeyPath,
    UnreadableFileError,
    explain_unreadable,
    render_key,
)
from probe.config.expand import MAX_NESTING, Unresolved, UnsetVariable, expand
from probe.config.location import Location
from probe.config.other_files import recognise_document, recognise_text
from probe.config.typed_values import convert
from probe.config.yaml_document import Document, Place, parse_yaml, resolve_go_scalar, unwrap
from probe.text.description import refuse_non_path

T = TypeVar("T")

DELIMITER: Final = "::"
"""`exporters::otlp::endpoint` is three keys in one (confmap's `KeyDelimiter`)."""

ReadText = Callable[[str], str]
"""Returns a file's text; raises OSError or ValueError where it cannot."""


class CollectorFiles:
    """What the files of one Collector say.

    Attributes:
        document: The merged document, its references not expanded; it knows file and line of keys.
        at: The root of `document`.
        warnings: What expansion and others want to say, each once.
        unset: By section and key, the variables that references there name and that are not set.
    """

    def __init__(
        self, paths: Sequence[str], environ: Mapping[str, str], read_text: ReadText
    ) -> None:
        """Read and merge `paths`, the later ones over the earlier.

        Raises:
            ConfigurationError: A file that cannot be read, is not YAML or has no mapping.
        """
        self._environ = environ
        self._read_text = read_text
        self.warnings: dict[str, None] = {}
        self.unset: dict[KeyPath, dict[UnsetVariable, None]] = {}
        self.document = merge_documents([self._read_document(path) for path in paths])
        self.at = Location(self.document)

    def read(self, path: str) -> str:
        """Return the text of a file that the configuration names.

        Raises:
            OSError, ValueError: as `read_text` does.
        """
        refuse_non_path(path)
        return self._read_text(path)

    def warn(self, text: str) -> None:
        """Remember a warning."""
        self.warnings[text] = None

    def value(self, *path: str) -> Any:
        """Return the expanded value at `path`, None where there is none.

        What only a provider of the Collector's knows is `Unresolved`.

        Raises:
            ConfigurationError: A reference on the way or within that cannot be expanded.
        """
        value = self.document.value
        final = False
        at = self.at
        for name in path:
            if not final and isinstance(value, str) and "$" in value:
                value, final = self._expand(value, at), True
            value = unwrap(value)
            if isinstance(value, Unresolved):
                return value
            if not isinstance(value, dict):
                return None
            value, at = value.get(name), at[name]
        return unwrap(value if final else self._expand(value, at))

    def component(self, section: str, key: str, shape: type[T]) -> T:
        """Return one component of `section` as a `shape`.

        Raises:
            ConfigurationError: as `value` and `convert` do.
        """
        return convert(self.value(section, key), shape, self.at[section][key])

    def component_part(self, shape: type[T], *path: str) -> T:
        """Return what stands at `path` as a `shape`; one without settings where it is null.

        Raises:
            ConfigurationError: as `value` and `convert` do.
        """
        at = self.at
        for key in path:
            at = at[key]
        value = self.value(*path)
        return convert({} if value is None else value, shape, at)

    def components(self, section: str) -> dict[str, str]:
        """Return the ids of `section` (`exporters`, …), each with the key that it has there.

        Raises:
            ConfigurationError: where the section is not a mapping.
        """
        raw = unwrap(self.document.value.get(section))
        value = self.value(section) if isinstance(raw, str) else raw
        if value is None or isinstance(value, Unresolved):
            return {}
        if not isinstance(value, dict):
            raise self.at[section].error("must be a mapping", found=value)
        return {component_id(key): key for key in value}

    def _read_document(self, path: str) -> Document:
        path = path.removeprefix("file:")
        try:
            text = self.read(path)
        except (OSError, ValueError) as error:
            reason = f"cannot be read: {explain_unreadable(error)}"
            raise UnreadableFileError(reason, file=path) from None
        text = text.removeprefix("\ufeff")
        try:
            document = parse_yaml(text, path, plain=resolve_go_scalar, first_alone=True)
        except ConfigurationError:
            if other := recognise_text(text):
                raise ConfigurationError(other.explain(path), file=path) from None
            raise
        if document.second and document.value is None:
            reason = "its first document is empty, and the Collector reads no other"
            raise ConfigurationError(reason, file=path, line=document.second)
        if document.second:
            self.warn(
                f"line {document.second} begins a second document, which the Collector does not read"
            )
        if not isinstance(document.value, dict | None):
            other = recognise_document(document.value) or recognise_text(text)
            if other is not None:
                raise ConfigurationError(other.explain(path), file=path)
            reason = "is not the configuration of a Collector"
            raise Location(document).error(reason, found=document.value)
        return document

    def _expand(self, value: Any, location: Location) -> Any:
        expansion = expand(value, location, environ=self._environ, read_file=self.read, others=True)
        self.warnings.update(dict.fromkeys(expansion.warnings))
        self.unset.setdefault(location.path[:2], {}).update(dict.fromkeys(expansion.unset))
        return expansion.value


def component_id(text: str) -> str:
    """Return `type` or `type/name` without the spaces that the Collector drops."""
    kind, slash, name = text.partition("/")
    return kind.strip() + slash + name.strip()


def component_type(text: str) -> str:
    """Return the type, the part before the name, of a component's or pipeline's id."""
    return text.partition("/")[0].strip()


def merge_documents(documents: Sequence[Document]) -> Document:
    """Return `documents` in one, by confmap's rules: mappings merge, anything else is replaced.

    A later null replaces too; an empty document says nothing.

    Raises:
        ConfigurationError: where keys nest without measure.
    """
    values: dict[str, Any] = {}
    parts: dict[str, Place] = {}
    for document in documents:
        for key, item, place in _split_keys(document.value or {}, document.place, document, ()):
            _merge_key(values, parts, key, item, place)
    file = ", ".join(document.file for document in documents)
    return Document(file, values, Place(1, parts))


def _split_keys(
    values: dict[str, Any], place: Place, document: Document, path: tuple[str, ...]
) -> Iterator[tuple[str, Any, Place]]:
    """Yield the keys of a mapping, each split at `::`, with its place in the file."""
    for key, value in values.items():
        where = place.parts[key] if isinstance(place.parts, dict) else place
        first, *rest = key.split(DELIMITER)
        inner = (*path, first, *rest)
        if len(inner) > MAX_NESTING:
            reason = f"nests deeper than {MAX_NESTING} levels"
            raise ConfigurationError(
                reason, file=document.file, line=where.line, key=render_key(inner[:4])
            )
        item, at = value, replace(where, file=document.file)
        if isinstance(value, dict):
            item, inside = {}, dict[str, Place]()
            for name, held, below in _split_keys(value, where, document, inner):
                _merge_key(item, inside, name, held, below)
            at = replace(at, parts=inside)
        for name in reversed(rest):
            item, at = {name: item}, replace(at, parts={name: at})
        yield first, item, at


def _merge_key(
    values: dict[str, Any], parts: dict[str, Place], key: str, item: Any, place: Place
) -> None:
    old = values.get(key)
    inside = parts[key].parts if key in parts else None
    if isinstance(item, dict) and isinstance(old, dict) and isinstance(inside, dict):
        below = place.parts if isinstance(place.parts, dict) else {}
        for name, held in item.items():
            _merge_key(old, inside, name, held, below[name])
    else:
        values[key], parts[key] = item, place
