"""One cause of the catalogue as JSON; the fields are in `docs/json.md`."""

import msgspec
from msgspec import Struct

from probe.diagnosis.cause import Cause
from probe.report.result import SCHEMA


class ReportedCause(Struct, frozen=True):
    """What the catalogue says of a cause."""

    id: str
    title: str
    family: str
    documented_cause: int
    party: str
    severity: str
    meaning: str
    evidence: str
    fix: tuple[str, ...]
    citations: tuple[str, ...]
    explained_by: tuple[str, ...]


class CauseDocument(Struct, frozen=True):
    """One cause of the catalogue."""

    schema: str
    cause: ReportedCause


def encode_cause(cause: Cause) -> str:
    """Return the JSON document of one cause of the catalogue."""
    reported = msgspec.convert(cause, ReportedCause, from_attributes=True)
    return encode_document(CauseDocument(SCHEMA, reported))


def encode_document(document: Struct) -> str:
    """Return `document` as indented JSON that ends in a line break."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
