"""The tables of docs/metrics.md, docs/json.md and docs/command-line.md, written from the code.

`python -m tests.contract.reference_pages` brings them up to date. The meaning of a JSON field is
only in the page: it is kept, and a new field gets an empty one, which a test refuses.
"""

import re
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

import click
import msgspec
from msgspec import inspect

from probe.cli.main import cli
from probe.metrics.blackbox import BLACKBOX_FAMILIES, WITHOUT_A_SCHEDULE
from probe.metrics.exposition import Family
from probe.metrics.families import SERVICE_FAMILIES, TARGET_FAMILIES
from probe.model.evidence import Evidence
from probe.report.cause_document import CauseDocument
from probe.report.explanation import CandidatesDocument
from probe.report.exporter_connections import ListeningDocument
from probe.report.forecast_document import ForecastDocument
from probe.report.inspection import InspectionDocument
from probe.report.result import Result, ResultsDocument
from probe.report.validation import ValidationDocument
from tests.contract.imports import ROOT

METRICS: Final = ROOT / "docs" / "metrics.md"
JSON: Final = ROOT / "docs" / "json.md"
COMMAND_LINE: Final = ROOT / "docs" / "command-line.md"
TABLE: Final = re.compile(r"<!-- table: (?P<name>[^>]+) -->\n.*?<!-- end -->\n", re.DOTALL)
ROW: Final = re.compile(
    r"^\| `(?P<field>[^`]+)` \| (?P<type>.*?) \| (?P<meaning>.*) \|$", re.MULTILINE
)
SECTION: Final = re.compile(r"^#### `(?P<path>[^`]+)`$", re.MULTILINE)

FAMILIES: Final = {
    "targets": TARGET_FAMILIES,
    "service": SERVICE_FAMILIES,
    "probe": BLACKBOX_FAMILIES,
}
DOCUMENTS: Final[dict[str, type[msgspec.Struct]]] = {
    "results": ResultsDocument,
    "forecast": ForecastDocument,
    "inspect": InspectionDocument,
    "validate": ValidationDocument,
    "explain": CandidatesDocument,
    "cause": CauseDocument,
    "listen": ListeningDocument,
    "evidence": Evidence,
}


class Field(NamedTuple):
    """One field of an object: its name and what JSON holds there."""

    name: str
    type: str


def metrics_table(families: tuple[Family, ...]) -> str:
    """Return the table of `families`."""
    lines = ["| metric | type | labels | meaning | has samples |", "|---|---|---|---|---|"]
    for family in families:
        labels = ", ".join(f"`{label}`" for label in family.labels)
        when = family.when or "always"
        if family in WITHOUT_A_SCHEDULE:
            when += "; also on `/probe`"
        lines.append(
            f"| `{family.name}` | {family.kind} | {labels} | {family.documentation} | {when} |"
        )
    return "\n".join(lines) + "\n"


def objects(document: type[msgspec.Struct]) -> dict[str, list[Field]]:
    """Return the fields of each kind of object in `document`, by the path where it stands first."""
    found: dict[str, list[Field]] = {}
    paths: dict[type, str] = {}
    waiting: deque[tuple[Object, str]] = deque()

    def describe(kind: inspect.Type, path: str) -> str:
        if isinstance(kind, inspect.UnionType):
            return " or ".join(dict.fromkeys(describe(each, path) for each in kind.types))
        if isinstance(kind, inspect.VarTupleType | inspect.ListType):
            return f"array of {describe(kind.item_type, f'{path}[]')}"
        if isinstance(kind, inspect.TupleType):
            return f"array of {describe(kind.item_types[0], f'{path}[]')}"
        if isinstance(kind, inspect.DictType):
            return f"object of {describe(kind.value_type, f'{path}.*')}"
        if isinstance(kind, inspect.LiteralType):
            return " or ".join(f"`{value}`" for value in kind.values if value)
        if isinstance(kind, Object):
            if kind.cls in paths:
                return f"object, as `{paths[kind.cls]}`"
            paths[kind.cls] = path
            waiting.append((kind, path))
            return f"object: `{path}`"
        return SCALARS[type(kind)]

    describe(_plain_results(inspect.type_info(document)), "")
    while waiting:
        kind, path = waiting.popleft()
        found[path] = [
            Field(one.encode_name, describe(one.type, f"{path}.{one.encode_name}".lstrip(".")))
            for one in kind.fields
        ]
    return found


Object = inspect.StructType | inspect.DataclassType
SCALARS: Final[dict[type[inspect.Type], str]] = {
    inspect.StrType: "string",
    inspect.BoolType: "boolean",
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.NoneType: "null",
}


def _plain_results(kind: inspect.Type) -> inspect.Type:
    """Leave out the form of results that are JSON already."""
    if isinstance(kind, inspect.StructType) and kind.cls is ResultsDocument:
        for field in kind.fields:
            if field.encode_name == "results":
                field.type = inspect.VarTupleType(inspect.type_info(Result))
    return kind


def json_table(document: type[msgspec.Struct], meanings: dict[tuple[str, str], str]) -> str:
    """Return the tables of `document`, with what the page says of each field so far."""
    parts = []
    for path, fields in objects(document).items():
        head = [f"#### `{path}`", ""] if path else []
        head += ["| field | type | meaning |", "|---|---|---|"]
        rows = [
            f"| `{one.name}` | {one.type} | {meanings.get((path, one.name), '')} |"
            for one in fields
        ]
        parts.append("\n".join([*head, *rows]) + "\n")
    return "\n".join(parts)


def meanings_of(table: str) -> dict[tuple[str, str], str]:
    """Return what a table of the page says of each field."""
    found = {}
    pieces = SECTION.split(table)
    for path, text in zip(["", *pieces[1::2]], pieces[::2], strict=True):
        for row in ROW.finditer(text):
            found[path, row["field"]] = row["meaning"]
    return found


def written_metrics() -> str:
    """Return docs/metrics.md as it has to be."""
    return TABLE.sub(
        lambda match: _table(match["name"], metrics_table(FAMILIES[match["name"]])),
        METRICS.read_text(encoding="utf-8"),
    )


def written_json() -> str:
    """Return docs/json.md as it has to be, but for meanings that are missing."""
    return TABLE.sub(
        lambda match: _table(
            match["name"], json_table(DOCUMENTS[match["name"]], meanings_of(match[0]))
        ),
        JSON.read_text(encoding="utf-8"),
    )


def list_options(command: str) -> Iterator[click.Option]:
    """Yield the options of a command, without `--help`, which every command has."""
    context = click.Context(cli)
    found = cli.get_command(context, command)
    assert found is not None
    for parameter in found.get_params(context):
        if isinstance(parameter, click.Option) and "--help" not in parameter.opts:
            yield parameter


def options_table(command: str) -> str:
    """Return the table of a command's options."""
    lines = ["| option | value | default | meaning |", "|---|---|---|---|"]
    for option in list_options(command):
        if isinstance(option.type, click.Choice):
            value = ", ".join(f"`{choice}`" for choice in option.type.choices)
        else:
            value = "" if option.is_flag else option.make_metavar(click.Context(cli))
        default = f"`{option.default}`" if option.show_default else ""
        lines.append(f"| `{option.opts[0]}` | {value} | {default} | {option.help} |")
    return "\n".join(lines) + "\n"


def written_command_line() -> str:
    """Return docs/command-line.md as it has to be."""
    text = COMMAND_LINE.read_text(encoding="utf-8")
    return TABLE.sub(lambda match: _table(match["name"], options_table(match["name"])), text)


def tables(page: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each table of `page`."""
    for match in TABLE.finditer(page):
        yield match["name"], match[0]


def _table(name: str, text: str) -> str:
    return f"<!-- table: {name} -->\n{text}<!-- end -->\n"


if __name__ == "__main__":
    METRICS.write_text(written_metrics(), encoding="utf-8")
    JSON.write_text(written_json(), encoding="utf-8")
    COMMAND_LINE.write_text(written_command_line(), encoding="utf-8")
