"""Writes the files of config/share, which the wheel installs below share/: completions and a man page.

    make references

Both come from the command line itself. Completions ask the command, so that only a change of the
library that makes them changes the files; the man page has every command and option.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
from click.shell_completion import get_completion_class

from probe.cli.main import COMMANDS, cli

SHARE: Final = Path(__file__).parents[1] / "config" / "share"
NAME: Final = "mtls-probe"
COMPLETE: Final = "_MTLS_PROBE_COMPLETE"
COMPLETIONS: Final = {
    "bash": "bash-completion/completions/mtls-probe",
    "zsh": "zsh/site-functions/_mtls-probe",
    "fish": "fish/vendor_completions.d/mtls-probe.fish",
}
"""Of each shell, the file below share/ in which it looks for the completion of a command."""
MAN_PAGE: Final = "man/man1/mtls-probe.1"

EXIT_STATUS: Final = {
    "0": "Every target is as expected.",
    "1": "At least one is not, a source of targets could not be read, or there was nothing to probe.",
    "2": "Wrong usage or configuration.",
    "3": "The probe itself failed, or its output could not be written.",
}
ENVIRONMENT: Final = {
    "OTEL_EXPORTER_OTLP_*": "What to probe, where neither a configuration nor an endpoint is given.",
    "MTLS_PROBE_EXPORTER": "Whose verdict counts for targets of the environment.",
    "NO_COLOR": "Output without colours.",
}
EXAMPLES: Final = (
    "mtls-probe check collector.example.com:4317 --ca ca.crt --cert tls.crt --key tls.key",
    "mtls-probe inspect --cert tls.crt --key tls.key --ca ca.crt",
    'mtls-probe explain "remote error: tls: bad certificate"',
    "mtls-probe run --config mtls-probe.yml",
)
"""Of README.md; a test compares."""


def render_all() -> dict[str, str]:
    """Return the text of each file by its path below share/."""
    found = {path: render_completion(shell) for shell, path in COMPLETIONS.items()}
    return {**found, MAN_PAGE: render_man_page()}


def render_completion(shell: str) -> str:
    """Return the script that completes the command in `shell`."""
    kind = get_completion_class(shell)
    assert kind is not None
    maker = kind(cli, {}, NAME, COMPLETE)
    # Not its `source`: for bash that asks which bash is installed here.
    return (maker.source_template % maker.source_vars()).strip() + "\n"


def render_man_page() -> str:
    """Return the manual page, in the macros of man(7)."""
    return "\n".join(_man_lines()) + "\n"


def _man_lines() -> Iterator[str]:
    summary = (cli.help or "").rstrip(".")
    yield '.TH MTLS-PROBE 1 "" mtls-probe "User Commands"'
    yield from (".nh", ".ad l")
    yield from (".SH NAME", f"mtls-probe \\- {_escape(summary[:1].lower() + summary[1:])}")
    yield from (".SH SYNOPSIS", ".B mtls-probe", ".I COMMAND", "[\\fIOPTION\\fR]...")
    yield ".SH DESCRIPTION"
    yield _escape(
        "Presents a client certificate to OTLP backends, again and again, as an exporter does. When a "
        "backend refuses it, the probe names the cause, shows the proof, and says how to fix it."
    )
    context = click.Context(cli, info_name=NAME)
    yield ".SH COMMANDS"
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        yield from _describe_command(command, click.Context(command, context, info_name=name))
    for title, entries in (("EXIT STATUS", EXIT_STATUS), ("ENVIRONMENT", ENVIRONMENT)):
        yield f".SH {title}"
        for name, meaning in entries.items():
            yield from (".TP", f".B {_escape(name)}", _escape(meaning))
    yield ".SH EXAMPLES"
    for example in EXAMPLES:
        yield from (".PP", ".EX", _escape(example), ".EE")


def _describe_command(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield from (f".SS {command.name}", f".B mtls-probe {command.name}", _escape(usage), ".PP")
    yield _escape(re.sub(r"\s+", " ", (command.help or "").replace("\b", "")))
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            term = _escape(record[0]).replace("|", "|\\:")
            yield from (".TP", f"\\fB{term}\\fR", _escape(" ".join(record[1].split())))


def _escape(text: str) -> str:
    """Return `text` as roff shows it: no dash becomes a hyphen, no line a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return re.sub(r"^([.'])", r"\\&\1", escaped)


def main() -> None:
    """Write every file."""
    for path, text in render_all().items():
        aim = SHARE / path
        aim.parent.mkdir(parents=True, exist_ok=True)
        aim.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
