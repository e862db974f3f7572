"""JSON Schema of the documents that the probe writes: those of `--output json`, and evidence.

Within a version of a document fields are added, so that a key that is not listed is allowed.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from probe.model.evidence import Evidence
from probe.report.cause_document import CauseDocument
from probe.report.explanation import CandidatesDocument
from probe.report.exporter_connections import ListeningDocument
from probe.report.forecast_document import ForecastDocument
from probe.report.inspection import InspectionDocument
from probe.report.result import SCHEMA, Result, ResultsDocument
from probe.report.validation import ValidationDocument
from probe.schemas.struct_texts import Struct, describe_all_fields, describe_struct

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
REFERENCE: Final = "#/$defs/{name}"

DOCUMENTS: Final[tuple[Struct, ...]] = (
    ResultsDocument, ForecastDocument, InspectionDocument, ValidationDocument, CandidatesDocument,
    CauseDocument, ListeningDocument,
)  # fmt: skip
"""What `--output json` prints, by command: check and diagnose, forecast, inspect, validate, explain
(twice), listen."""


def build_output_schema() -> dict[str, Any]:
    """Return the schema of every JSON document.

    `$defs/Result` is that of a line of `jsonl`, `$defs/ListenedConnection` of one of `listen`.
    """
    definitions = _define(*DOCUMENTS, Result)
    results = definitions["ResultsDocument"]["properties"]["results"]
    results["items"] = {"$ref": REFERENCE.format(name="Result")}
    for document in DOCUMENTS:
        definitions[document.__name__]["properties"]["schema"] = {"const": SCHEMA}
    return {
        "$schema": DIALECT,
        "title": "What mtls-probe prints with --output json",
        "anyOf": [{"$ref": REFERENCE.format(name=one.__name__)} for one in DOCUMENTS],
        "$defs": definitions,
    }


def build_evidence_schema() -> dict[str, Any]:
    """Return the schema of an evidence file as this version writes it."""
    definitions = _define(Evidence)
    return {
        "$schema": DIALECT,
        "title": "What one attempt of mtls-probe saw",
        "$ref": REFERENCE.format(name="Evidence"),
        "$defs": definitions,
    }


def _define(*documents: Struct) -> dict[str, Any]:
    """Return the definition of each Struct in `documents`, with the texts of its source."""
    _, definitions = msgspec.json.schema_components(documents, ref_template=REFERENCE)
    structs = {
        struct.__name__: struct for document in documents for struct in find_structs(document)
    }
    for name, definition in definitions.items():
        if (struct := structs.get(name)) is not None:
            definition["description"] = describe_struct(struct)
            _describe_properties(definition["properties"], struct)
    return definitions


def _describe_properties(properties: dict[str, Any], struct: Struct) -> None:
    names: Mapping[str, str] = dict(
        zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True)
    )
    for field, text in describe_all_fields(struct).items():
        if text and field in names:
            properties[names[field]]["description"] = text


def find_structs(document: Struct) -> set[Struct]:
    """Return `document` and every Struct within it."""
    found: set[Struct] = set()
    waiting: list[Any] = [msgspec.inspect.type_info(document)]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, msgspec.inspect.StructType):
            if kind.cls in found:
                continue
            found.add(kind.cls)
            waiting += [field.type for field in kind.fields]
        else:
            held = (getattr(kind, name, None) for name in ("item_type", "value_type", "type"))
            waiting += [one for one in held if one is not None]
            waiting += [*getattr(kind, "types", ()), *getattr(kind, "item_types", ())]
    return found
