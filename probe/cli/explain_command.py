"""`mtls-probe explain`: a cause's page, or the causes that a pasted error line matches."""

from __future__ import annotations

import re
import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

import click

from probe.cli.results import AS_EXPECTED, NOT_AS_EXPECTED, output_option
from probe.system.standard_streams import ignore_broken_pipe
from probe.text.decoding import decode_text
from probe.text.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from probe.diagnosis.catalogue import Catalogue

_ID: Final = re.compile(r"[a-z]+(_[a-z0-9]+)+")
_SURELY_MEANT, _PERHAPS_MEANT = 0.88, 0.6
_BYTES_OF_A_CHARACTER: Final = 4
_NO_MATCH: Final = """\
This text matches no cause.
Paste the innermost error, as `remote error: tls: bad certificate` or `certificate verify failed: …`,
with the lines around it and, of a stack trace, all of its causes: `mtls-probe explain -` reads stdin.
To find the cause itself, where the exporter runs, with its environment or its process:
  mtls-probe check
  mtls-probe check --pid PID"""


@click.command(
    short_help="Explain a cause, or a line of a log.",
    # The text may begin with a dash, and `-h` may be its first word's beginning.
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
)
@click.argument(
    "words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="CAUSE | ERROR TEXT | -"
)
@output_option("table", "json")
@click.pass_context
def explain(context: click.Context, words: tuple[str, ...], output: str) -> int:
    """Explain a cause, or an error line copied from an exporter's or a Collector's log.

    `-` reads the text from stdin. Connects nowhere.
    """
    if words == ("-h",):
        click.echo(context.get_help())
        return AS_EXPECTED
    from probe.diagnosis.catalogue import CATALOGUE, Catalogue
    from probe.messages.paste import LONGEST

    most = LONGEST * _BYTES_OF_A_CHARACTER
    text = decode_text(sys.stdin.buffer.read(most)) if words == ("-",) else " ".join(words)
    if not text.strip():
        raise click.UsageError("there is no text to explain")

    catalogue = context.find_object(Catalogue) or CATALOGUE
    one_word = text.strip().lower().replace("-", "_")
    if one_word in catalogue:
        return _print_page(one_word, catalogue, output)
    if _ID.fullmatch(one_word):
        _refuse_if_near(one_word, catalogue, _SURELY_MEANT)
    from probe.messages.explain import explain as explain_text
    from probe.report.message_table import load_message_table

    explanation = explain_text(text, load_message_table())
    candidates = explanation.candidates
    if not candidates and " " not in one_word:
        _refuse_if_near(one_word, catalogue, _PERHAPS_MEANT)
    from probe.report.explanation import encode_explanation, print_explanation

    with ignore_broken_pipe():
        if output == "json":
            click.echo(encode_explanation(explanation, catalogue), nl=False)
        elif candidates:
            print_explanation(explanation, catalogue)
    if candidates:
        return AS_EXPECTED
    click.echo(_NO_MATCH, err=True)
    return NOT_AS_EXPECTED


def _print_page(cause_id: str, catalogue: Catalogue, output: str) -> int:
    cause = catalogue[cause_id]
    with ignore_broken_pipe():
        if output == "json":
            from probe.report.cause_document import encode_cause

            click.echo(encode_cause(cause), nl=False)
        else:
            from probe.report.cause_page import cause_page

            click.echo(cause_page(cause, catalogue), nl=False)
    return AS_EXPECTED


def _refuse_if_near(word: str, ids: Iterable[str], cutoff: float) -> None:
    # The word may be as long as a paste, and comparing is quadratic.
    near = get_close_matches(word[:64], list(ids), n=1, cutoff=cutoff)
    if near:
        raise click.UsageError(f"no cause is called {safe_text(word)}; did you mean {near[0]}?")
