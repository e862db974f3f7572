"""What to write instead, behind a usage error: the nearest option, command or way to name a target."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Final, cast

import click

from probe.cli.choice import list_nearest

_SYNONYMS: Final = {
    **dict.fromkeys(("probe", "test", "try", "ping", "verify", "connect"), "check"),
    **dict.fromkeys(("curl", "s_client", "grpcurl", "once"), "check"),
    **dict.fromkeys(("start", "serve", "server", "daemon", "service"), "run"),
    **dict.fromkeys(("lint", "config", "test-config", "dry-run"), "validate"),
    **dict.fromkeys(("show", "cert", "certs", "certificate", "x509", "files"), "inspect"),
    **dict.fromkeys(("why", "cause", "causes", "error"), "explain"),
    **dict.fromkeys(("alerts", "prometheus"), "rules"),
    "help": "--help",
    "version": "--version",
}
"""What other tools call a command."""
_OPTIONS: Final = {
    **dict.fromkeys(("-p", "--port", "-l", "--bind", "--addr", "--address"), "--listen HOST:PORT"),
    **dict.fromkeys(("-c", "-f", "--file", "--conf"), "--config FILE"),
    **dict.fromkeys(("-o", "--format", "--json"), "--output json"),
}
"""What other tools call an option, and what to write where the command has it."""
_MISSING: Final = {
    "explain": 'Paste a line of a log, in quotes: mtls-probe explain "remote error: tls: bad certificate"; '
    "or name a cause: mtls-probe explain client_ca_untrusted",
    "diagnose": "Name a file that mtls-probe check --evidence DIR has written",
}
"""What to write where the argument of a command is missing."""
ENDPOINT: Final = re.compile(r"https?://\S+|[\w.-]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")
_FILE_ENDS: Final = (".pem", ".crt", ".cer", ".key", ".p12", ".pfx", ".jks", ".der")
_CONFIGURATION_ENDS: Final = (".yml", ".yaml", ".json")


def describe_usage_error(error: click.ClickException) -> str:
    """Return the message of `error`, and behind it what to write where that can be known."""
    message = error.format_message()
    context = getattr(error, "ctx", None)
    if isinstance(error, click.NoSuchOption) and not error.possibilities and context is not None:
        return " ".join([message, *_hint_option(error.option_name, context)])
    if isinstance(error, click.NoSuchCommand):
        near = "" if error.possibilities else " ".join(_hint_command(error.command_name, context))
        return f"{message} {near}".rstrip()
    if isinstance(error, click.MissingParameter) and context is not None:
        return " ".join([message, _MISSING.get(context.info_name, "")]).rstrip()
    if message.startswith("Got unexpected extra argument") and context is not None:
        return " ".join([message.removesuffix(".") + ".", *_hint_argument(message, context)])
    return message


def _hint_option(option: str, context: click.Context) -> Iterator[str]:
    """Yield which commands have an option that this one lacks."""
    own = {each for parameter in context.command.params for each in parameter.opts}
    meant = _OPTIONS.get(option, "")
    if meant and meant.split()[0] in own:
        yield f"Write: {meant}"
        return
    owners = [
        name
        for name, command in _list_commands(context)
        if any(option in parameter.opts + parameter.secondary_opts for parameter in command.params)
    ]
    if isinstance(context.command, click.Group):
        command = "check" if "check" in owners else [*owners, "check"][0]
        yield f"Options stand behind the command: mtls-probe {command} {option} …"
    elif owners:
        yield f"It is an option of {', '.join(owners)}."
    else:
        yield f"mtls-probe {context.info_name} --help lists all."


def _hint_command(word: str, context: click.Context | None) -> Iterator[str]:
    """Yield the command that was meant: by another name, or left out before its argument."""
    shown = shlex.quote(word) if len(word) < 256 and word.isprintable() else "…"
    if word in _SYNONYMS:
        yield f"Write: mtls-probe {_SYNONYMS[word]}"
    elif ENDPOINT.fullmatch(word):
        yield f"To try an endpoint: mtls-probe check {shown}"
    elif word.endswith(_FILE_ENDS):
        yield f"To see what a file is: mtls-probe inspect {shown}"
    elif word.endswith(_CONFIGURATION_ENDS):
        yield f"To try what it names: mtls-probe check --config {shown}"
    elif " " in word:
        yield "To explain a line of a log: mtls-probe explain TEXT"
    elif context is not None:
        names = [name for name, _ in _list_commands(context)]
        near = list_nearest(word, names)
        yield (
            f"Did you mean {' or '.join(near)}?"
            if near
            else f"The commands are {', '.join(names)}."
        )


def _hint_argument(message: str, context: click.Context) -> Iterator[str]:
    """Yield where to write what to probe, for a command that takes no argument."""
    options = {option for parameter in context.command.params for option in parameter.opts}
    word = re.search(r"\((\w+)\)", message)
    if word and f"--{word[1]}" in options:
        yield f"Write: --{word[1]}"
        return
    if "--config" in options:
        yield f"A file is named by an option: mtls-probe {context.info_name} --config FILE."
    yield "To try an endpoint: mtls-probe check HOST:PORT"


def _list_commands(context: click.Context) -> Iterator[tuple[str, click.Command]]:
    root = context.find_root()
    group = cast("click.Group", root.command)
    for name in group.list_commands(root):
        command = group.get_command(root, name)
        if command is not None:
            yield name, command
