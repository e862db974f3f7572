"""What application.yaml and application.properties hold: documents, with their keys and lines.

Pure. Follows Spring Boot 3.5's OriginTrackedYamlLoader and OriginTrackedPropertiesLoader, and
ConfigurationPropertyName for the names: they are equal without case, dashes and underscores.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from probe.config.errors import ConfigurationError
from probe.config.sources.sdk.java.properties_file import list_properties
from probe.config.yaml_document import Place, parse_yaml

Name = tuple[str, ...]
"""The elements of a name in their uniform form: `("otel", "exporter", "otlp", "clientkey")`."""

_ELEMENT: Final = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")
_NOT_UNIFORM: Final = re.compile(r"[^a-z0-9]")
_YAML_SEPARATOR: Final = re.compile(r"^(?:---(?=[ \t\r\n]|$)[^\n]*|\.\.\.[ \t\r]*)$", re.MULTILINE)
_PROPERTIES_SEPARATOR: Final = re.compile(r"^[#!]---[ \t]*\r?$", re.MULTILINE)
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "yes", "on"), "true"),
    **dict.fromkeys(("false", "no", "off"), "false"),
}
"""YAML 1.1, which SnakeYAML reads: case apart."""
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_INT: Final = re.compile(
    r"[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+"
    r"|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+"
)
_FLOAT: Final = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?"
)
_LONGEST_NUMBER: Final = 128


@dataclass(frozen=True, slots=True)
class Setting:
    """One value, as the file has it."""

    text: str
    written: str
    """Its whole name."""
    file: str
    line: int

    def error(self, reason: str, found: str | None = None) -> ConfigurationError:
        """Return the error about it."""
        return ConfigurationError(
            reason, file=self.file, line=self.line, key=self.written, found=found
        )


@dataclass(frozen=True, slots=True)
class ConfigDocument:
    """One document of a file."""

    line: int
    settings: dict[Name, Setting] = field(default_factory=dict)


def split_name(name: str) -> list[str]:
    """Return the elements of a name as they are written, without brackets."""
    return [bracketed or plain for bracketed, plain in _ELEMENT.findall(name)]


def make_uniform(name: str) -> Name:
    """Return the form of `name` in which equal names are equal."""
    return tuple(
        _NOT_UNIFORM.sub("", (bracketed or plain).lower()) or bracketed
        for bracketed, plain in _ELEMENT.findall(name)
    )


def list_documents(raw: bytes, file: str) -> list[ConfigDocument]:
    """Return the documents of a file in their order.

    Raises:
        ConfigurationError: with the line, where the application could not read it either.
    """
    if file.endswith(".properties"):
        return list(_list_properties_documents(raw, file))
    return list(_list_yaml_documents(raw, file))


def _list_properties_documents(raw: bytes, file: str) -> Iterator[ConfigDocument]:
    # Bytes are read as ISO-8859-1 here, unlike the agent's file.
    for begin, text in _split(raw.decode("latin-1"), _PROPERTIES_SEPARATOR):
        settings: dict[Name, Setting] = {}
        try:
            for each in list_properties(text):
                key = each.key.removesuffix("[]")
                setting = Setting(each.value, each.key, file, begin + each.line - 1)
                _add(settings, setting, make_uniform(key))
        except ValueError as error:
            raise ConfigurationError(str(error), file=file) from None
        yield ConfigDocument(begin, settings)


def _list_yaml_documents(raw: bytes, file: str) -> Iterator[ConfigDocument]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigurationError("is not UTF-8 text", file=file, line=line) from None
    for begin, part in _split(text, _YAML_SEPARATOR):
        document = parse_yaml(part, file, plain=_read_plain, first_line=begin)
        if document.value is None:
            continue
        if not isinstance(document.value, dict):
            raise ConfigurationError("is not a mapping", file=file, line=begin)
        settings: dict[Name, Setting] = {}
        for name, text_of, line in _flatten("", document.value, document.place):
            _add(settings, Setting(text_of, name, file, line), make_uniform(name))
        yield ConfigDocument(begin, settings)


def _add(settings: dict[Name, Setting], setting: Setting, name: Name) -> None:
    """Hold `setting`: of several spellings of one name in a document, the plain one counts."""
    held = settings.get(name)
    plain = ".".join(name)
    if held is None or setting.written in (held.written, plain):
        settings[name] = setting


def _split(text: str, separator: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """Yield each part of `text` and the number of its first line."""
    at = 0
    for found in separator.finditer(text):
        yield text.count("\n", 0, at) + 1, text[at : found.start()]
        at = found.end()
    yield text.count("\n", 0, at) + 1, text[at:]


def _read_plain(text: str) -> str:
    """Return the text that Spring makes of a plain scalar: it prints what SnakeYAML took it for."""
    if text in _NULLS:
        return ""
    if text.lstrip("+-") in {".inf", ".Inf", ".INF"}:
        return "-Infinity" if text[0] == "-" else "Infinity"
    if text[0] not in "+-.0123456789" or len(text) > _LONGEST_NUMBER:
        return _BOOLEANS.get(text.lower(), text)
    if _INT.fullmatch(text):
        return _print_int(text.replace("_", ""))
    if _FLOAT.fullmatch(text):
        return _print_double(float(text.replace("_", "")))
    return text


def _print_int(text: str) -> str:
    """Return a number of YAML 1.1: a leading 0 means octal, a colon sixties."""
    sign = -1 if text[0] == "-" else 1
    digits = text.lstrip("+-")
    if ":" in digits:
        value = 0
        for part in digits.split(":"):
            value = value * 60 + int(part)
    elif digits[:2] in ("0x", "0b"):
        value = int(digits, 0)
    else:
        value = int(digits, 8 if digits[0] == "0" else 10)
    return str(sign * value)


def _print_double(value: float) -> str:
    """Return what Java's Double.toString prints."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = repr(value)
        return text if "." in text else f"{text}.0"
    mantissa, _, exponent = f"{Decimal(repr(value)).normalize():E}".partition("E")
    return f"{mantissa}{'' if '.' in mantissa else '.0'}E{int(exponent)}"


def _flatten(prefix: str, value: Any, place: Place) -> Iterator[tuple[str, str, int]]:
    """Yield each scalar with its whole name and line; it recurses, as depth is bounded."""
    if isinstance(value, dict):
        parts: Any = place.parts
        for key, item in value.items():
            name = f"{prefix}.{key}" if prefix else key
            yield from _flatten(name, item, parts[key])
    elif isinstance(value, list):
        parts = place.parts
        for position, item in enumerate(value):
            yield from _flatten(f"{prefix}[{position}]", item, parts[position])
    else:
        yield prefix, str(value), place.line
