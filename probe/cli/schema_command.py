"""`mtls-probe schema`: JSON Schema of what the probe reads and writes, on standard output."""

import json
from typing import Any, Final

import click

from probe.cli.results import AS_EXPECTED
from probe.system.standard_streams import ignore_broken_pipe

DOCUMENTS: Final = ("config", "output", "evidence")


@click.command(short_help="Print the JSON Schema of what it reads or writes.")
@click.argument("document", type=click.Choice(DOCUMENTS), metavar="config|output|evidence")
def schema(document: str) -> int:
    """Print the JSON Schema of the configuration file, of `--output json`, or of evidence files."""
    with ignore_broken_pipe():
        click.echo(json.dumps(_build(document), indent=2, ensure_ascii=False))
    return AS_EXPECTED


def _build(document: str) -> dict[str, Any]:
    """Return the schema; what it is made from is imported for it alone."""
    if document == "config":
        from probe.schemas.configuration_schema import build_configuration_schema

        return build_configuration_schema()
    from probe.schemas.document_schema import build_evidence_schema, build_output_schema

    return build_output_schema() if document == "output" else build_evidence_schema()
