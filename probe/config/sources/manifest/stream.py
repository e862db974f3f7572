"""A stream of YAML or JSON documents, as kubectl writes and reads it, becomes single documents.

Pure and total. A document that cannot be read is an error of its own; the others are read. Lines
stay those of the file.
"""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Final

from probe.config.errors import ConfigurationError
from probe.config.sources.manifest.objects import Problems
from probe.config.yaml_document import MAX_BYTES, Document, parse_yaml, resolve_scalar

MOST_DOCUMENTS: Final = 5000
"""How many documents one file may have; a List counts as one."""
_SEPARATOR: Final = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_DIRECTIVES: Final = re.compile(r"(?:[ \t]*(?:#.*|%.*)?\r?\n?)*")
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_TEMPLATE: Final = re.compile(r"\{\{-?[ \t]*[.$/A-Za-z]")
_TRUE: Final = frozenset({"y", "yes", "on"})
_FALSE: Final = frozenset({"n", "no", "off"})
_OCTAL: Final = re.compile(r"[-+]?0[0-7]{1,20}")
_NEXT_JSON: Final = re.compile(r"[\s,]*")


def read_stream(raw: bytes, file: str, errors: Problems) -> list[Document]:
    """Return the documents of `raw` that hold anything.

    Args:
        raw: What the file holds, one byte more than the limit of a longer one.
        file: Its name, for errors.
        errors: Receives what cannot be read, each with its line.
    """
    if len(raw) > MAX_BYTES:
        reason = f"is larger than {MAX_BYTES} bytes; give one namespace or fewer kinds at a time"
        errors.add(ConfigurationError(reason, file=file))
        return []
    try:
        text = _decode(raw)
    except UnicodeDecodeError:
        errors.add(ConfigurationError("is not UTF-8 text", file=file))
        return []
    documents = []
    for count, (line, part) in enumerate(_split(text)):
        if count >= MOST_DOCUMENTS:
            reason = f"has more than {MOST_DOCUMENTS} documents; the rest is not read"
            errors.add(ConfigurationError(reason, file=file, line=line))
            break
        try:
            document = parse_yaml(part, file, plain=resolve_scalar_as_kubectl, first_line=line)
        except ConfigurationError as error:
            found = _TEMPLATE.search(part)
            errors.add(
                error
                if found is None
                else _describe_template(file, line + part.count("\n", 0, found.start()))
            )
            continue
        if document.value is not None:
            documents.append(document)
    return documents


def resolve_scalar_as_kubectl(text: str) -> bool | int | float | str | None:
    """Return the value of a plain scalar as sigs.k8s.io/yaml reads it, and Helm with it.

    YAML 1.1, as goyaml.v2 has it: `yes` and `on` are true, a number that begins with 0 is octal.
    """
    word = text if text in {text.lower(), text.upper(), text.capitalize()} else ""
    if word.lower() in _TRUE:
        return True
    if word.lower() in _FALSE:
        return False
    if _OCTAL.fullmatch(text):
        return int(text, 8)
    return resolve_scalar(text)


def _describe_template(file: str, line: int) -> ConfigurationError:
    reason = (
        "holds {{ }}, so it is a template and not a manifest; give what Helm makes of it: "
        "helm template NAME CHART -f values.yaml | mtls-probe check --manifest -"
    )
    return ConfigurationError(reason, file=file, line=line)


def _decode(raw: bytes) -> str:
    """Return the text; a shell of Windows writes UTF-16 with a byte order mark."""
    return raw.decode("utf-16" if raw.startswith(_UTF16) else "utf-8-sig")


def _split(text: str) -> Iterator[tuple[int, str]]:
    """Yield each document with the line where it begins.

    As kubectl does it: a line of three dashes ends a document; values of JSON may follow each other.
    """
    if text.lstrip().startswith("{") and (values := list(_split_json(text))):
        yield from values
        return
    line, start = 1, 0
    for mark in (*(found.start() for found in _SEPARATOR.finditer(text)), len(text)):
        part = text[start:mark]
        if not _DIRECTIVES.fullmatch(part):
            yield line, part
        line += part.count("\n")
        start = mark


def _split_json(text: str) -> Iterator[tuple[int, str]]:
    """Yield the values of a text that is JSON throughout; nothing where it is not, or only one."""
    decoder = json.JSONDecoder()
    found: list[tuple[int, str]] = []
    line, start, end = 1, 0, 0
    try:
        while (begin := _skip(text, end)) < len(text):
            line += text.count("\n", start, begin)
            _, end = decoder.raw_decode(text, begin)
            found.append((line, text[begin:end]))
            start = begin
    except (ValueError, RecursionError):
        return
    yield from found if len(found) > 1 else ()


def _skip(text: str, start: int) -> int:
    found = _NEXT_JSON.match(text, start)
    return found.end() if found else start
