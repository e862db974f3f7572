"""`mtls-probe diagnose`: the pure diagnosis over recorded evidence."""

from typing import IO

import click

from probe.cli.load_configuration import TextFile
from probe.cli.results import exit_code, output_option, print_results
from probe.system.standard_streams import ignore_broken_pipe
from probe.text.safe_text import safe_text


@click.command(short_help="Say what recorded evidence means.")
@click.argument("files", nargs=-1, required=True, type=TextFile("rb"), metavar="EVIDENCE...")
@output_option("table", "json", "jsonl")
def diagnose(files: tuple[IO[bytes], ...], output: str) -> int:
    """Say what recorded evidence means; `-` reads it from stdin. Connects nowhere.

    `check --evidence DIR` records it. A file holds one attempt, or one on each line.
    """
    from probe.diagnosis.diagnose import diagnose as meaning
    from probe.model.evidence import from_json

    observations = []
    for file in files:
        for number, raw in _split_documents(file):
            try:
                evidence = from_json(raw)
            except ValueError as error:
                where = f"{safe_text(file.name)}{f', line {number}' if number else ''}"
                raise click.ClickException(f"{where}: {error}") from None
            observations.append((evidence, meaning(evidence)))
    with ignore_broken_pipe():
        print_results(observations, output)
    return exit_code(observations)


def _split_documents(file: IO[bytes]) -> list[tuple[int, bytes]]:
    """Return the whole file, or where it is JSON lines each of them with its number."""
    raw = file.read()
    lines = [(number, line) for number, line in enumerate(raw.splitlines(), 1) if line.strip()]
    if len(lines) > 1 and all(line.startswith(b"{") for _, line in lines):
        return lines
    return [(0, raw)]
