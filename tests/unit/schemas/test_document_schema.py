"""What the probe writes is what the schemas of its documents say."""

import json
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator
from msgspec.json import decode

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.diagnose import diagnose
from probe.model.evidence import to_json
from probe.report.cause_document import encode_cause
from probe.report.result import build_result, encode_line, encode_results
from probe.schemas.document_schema import build_evidence_schema, build_output_schema
from tests.contract.imports import ROOT
from tests.stories.all_stories import STORIES
from tests.support.command_line import command, run_commands
from tests.support.every_row import every_row

OUTPUT: Final[dict[str, Any]] = json.loads(json.dumps(build_output_schema()))
EVIDENCE: Final[dict[str, Any]] = json.loads(json.dumps(build_evidence_schema()))
OF_OUTPUT: Final = Draft202012Validator(OUTPUT)
OF_EVIDENCE: Final = Draft202012Validator(EVIDENCE)
OF_A_LINE: Final = Draft202012Validator({"$ref": "#/$defs/Result", "$defs": OUTPUT["$defs"]})
SAMPLE: Final = STORIES[::7]


def errors(validator: Draft202012Validator, document: Any) -> list[str]:
    """Return what `validator` says against `document`."""
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


@every_row(schema=(OUTPUT, EVIDENCE))
def test_they_are_schemas(schema: dict[str, Any]) -> None:
    """Each follows its dialect, and every object in it says what it is."""
    Draft202012Validator.check_schema(schema)
    assert [name for name, one in schema["$defs"].items() if not one.get("description")] == []


@pytest.mark.slow
def test_evidence_and_results_of_stories_are_valid() -> None:
    """Evidence of every kind, and what is made of it: a document, and a line of jsonl."""
    for story in SAMPLE:
        result = build_result(story.evidence, diagnose(story.evidence))
        assert errors(OF_EVIDENCE, decode(to_json(story.evidence))) == [], story.name
        assert errors(OF_A_LINE, decode(encode_line(result))) == [], story.name
        assert errors(OF_OUTPUT, decode(encode_results([result], ["a"], sources=[]))) == []


def test_the_page_of_a_cause_is_valid() -> None:
    """`explain CAUSE --output json` is one of the documents."""
    for cause in CATALOGUE.values():
        assert errors(OF_OUTPUT, decode(encode_cause(cause))) == []


@pytest.mark.slow
async def test_what_commands_print_is_valid() -> None:
    """`validate`, `inspect` and `explain` with `--output json`, as their users run them."""
    file = str(ROOT / "config" / "mtls-probe.yml")
    for ended in await run_commands(
        command("validate", "--config", file, "--output", "json"),
        command("inspect", "--config", file, "--output", "json"),
        command("explain", "remote error: tls: bad certificate", "--output", "json"),
    ):
        assert errors(OF_OUTPUT, json.loads(ended.out)) == [], ended.err


def test_something_else_is_refused() -> None:
    """Of a document of another kind or version, the schema says so."""
    assert errors(OF_OUTPUT, {"schema": "mtls-probe/2", "results": []})
    assert errors(OF_OUTPUT, {"schema": "mtls-probe/1", "results": [{"target": "a"}]})
    evidence = decode(to_json(STORIES[0].evidence))
    assert errors(OF_EVIDENCE, {**evidence, "at": "yesterday"})
    del evidence["schema"]
    assert errors(OF_EVIDENCE, evidence)


@pytest.mark.slow
async def test_the_command_prints_each_schema() -> None:
    """`mtls-probe schema` prints what these tests look at, and names what it takes."""
    output, evidence, wrong = await run_commands(
        command("schema", "output"), command("schema", "evidence"), command("schema", "confg")
    )
    assert (output.code, json.loads(output.out)) == (0, OUTPUT)
    assert (evidence.code, json.loads(evidence.out)) == (0, EVIDENCE)
    assert wrong.code == 2
    assert "config" in wrong.err
