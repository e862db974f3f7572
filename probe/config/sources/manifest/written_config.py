"""A Collector's configuration that stands in a manifest as a structure becomes the text of a file.

Pure and total. Each key is written into the line where it stands in the manifest, so that whatever
reads the text reports the manifest's own lines.
"""

import json
import math
import re
from typing import Any, Final

from probe.config.errors import ConfigurationError
from probe.config.sources.manifest.objects import Node
from probe.config.sources.manifest.stored_data import StoredData
from probe.config.yaml_document import MAX_BYTES, Place

CONFIG_VOLUME: Final = "otc-internal"
_ODD: Final = re.compile("[\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")


def write_config(node: Node, key: str, title: str) -> StoredData:
    """Return a file `key` with the configuration at `node`: its text, or what its structure means.

    Args:
        node: The value in the manifest.
        key: The name of the file.
        title: What the configuration is called where it is text, which has lines of its own.
    """
    if isinstance(node.value, str):
        return _store(title, key, node.value)
    place = node.at.document.find_place(node.at.path)
    try:
        text = write_value(node.value, place)
    except ConfigurationError:
        node.errors.add(node.at.error(f"is larger than {MAX_BYTES} bytes"))
        text = ""
    return _store(node.at.document.file, key, text)


def _store(title: str, key: str, text: str) -> StoredData:
    values = {key: text.encode("utf-8", "surrogatepass")}
    return StoredData(title, is_secret=False, values=values, is_written=True)


def write_value(value: Any, place: Place) -> str:
    """Return `value` as YAML in flow style, with its keys in the lines of `place`.

    Raises:
        ConfigurationError: where it is too large: aliases can stand for any size.
    """
    writer = _Writer()
    writer.go_to(place.line)
    writer.write_value(value, place)
    return "".join(writer.pieces)


class _Writer:
    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._line = 1
        self._left = MAX_BYTES

    def go_to(self, line: int) -> None:
        """Begin line `line`, unless it has begun."""
        if line > self._line:
            self._add("\n" * (line - self._line))
            self._line = line

    def write_value(self, value: Any, place: Place) -> None:
        match value:
            case dict():
                self._add("{")
                for key, item in value.items():
                    inner = place.parts.get(key, place) if isinstance(place.parts, dict) else place
                    self.go_to(inner.line)
                    self._add(f"{_quote(str(key))}: ")
                    self.write_value(item, inner)
                    self._add(",")
                self._add("}")
            case list():
                self._add("[")
                for index, item in enumerate(value):
                    parts = place.parts
                    inner = (
                        parts[index] if isinstance(parts, list) and index < len(parts) else place
                    )
                    self.go_to(inner.line)
                    self.write_value(item, inner)
                    self._add(",")
                self._add("]")
            case str():
                self._add(_quote(value))
            case float() if not math.isfinite(value):
                self._add(".nan" if math.isnan(value) else f"{'-' * (value < 0)}.inf")
            case _:
                self._add(json.dumps(value))

    def _add(self, text: str) -> None:
        self._left -= len(text)
        if self._left < 0:
            raise ConfigurationError(f"is larger than {MAX_BYTES} bytes")
        self.pieces.append(text)


def _quote(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
