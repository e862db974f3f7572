"""The options that name targets: `check` and `forecast` have them in common."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from probe.cli.choice import Choice
from probe.cli.habits import translate_habits
from probe.cli.load_configuration import TextFile, config_option, manifest_option, pid_option
from probe.cli.named_receivers import receiver_option
from probe.model.runtime import COLLECTOR, EXPORTERS
from probe.model.target import ADDRESSES, DEPTHS, PROTOCOLS

_Command = TypeVar("_Command", bound=Callable[..., Any])
_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?")


def add_unit(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    """Return a duration with its unit; a number alone is seconds."""
    return f"{text}s" if text is not None and _NUMBER.fullmatch(text) else text


def need_unit(_context: click.Context, option: click.Parameter, text: str | None) -> str | None:
    """Return a duration; a number alone is refused, as nobody means so many seconds here."""
    if text is not None and _NUMBER.fullmatch(text):
        raise click.UsageError(
            f"{option.opts[0]} {text!r}: a duration needs its unit, like {text}d for days"
        )
    return text


class TargetsCommand(click.Command):
    """Reads what users of curl and openssl write, too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, in the command's own words."""
        if ctx.resilient_parsing:  # a shell completes a line that is not whole yet
            return super().parse_args(ctx, args)
        valued: set[str] = set()
        flags: set[str] = set()
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option):
                (flags if parameter.is_flag else valued).update(parameter.opts)
        return super().parse_args(ctx, list(translate_habits(args, valued, flags)))


_TARGET_OPTIONS: Final = (
    config_option,
    pid_option,
    manifest_option,
    receiver_option,
    click.argument("endpoints", nargs=-1),
    click.option(
        "--cert", "cert_file", metavar="PATH", help="File with the client certificate (PEM)."
    ),
    click.option("--key", "key_file", metavar="PATH", help="File with its private key (PEM)."),
    click.option(
        "--ca",
        "ca_file",
        metavar="PATH",
        help="File with the CA of the backend's certificate (PEM).",
    ),
    click.option(
        "--server-name", default="", help="Name to verify instead of the endpoint's host."
    ),
    click.option(
        "--protocol",
        type=Choice(PROTOCOLS, short={"http": "http/protobuf"}),
        help="The OTLP protocol, `http` for short; default: what the exporter speaks, else what a pasted "
        "URL's path says, else by port: 4318 is http/protobuf.",
    ),
    click.option(
        "--exporter",
        type=Choice(EXPORTERS),
        default=COLLECTOR.id,
        show_default=True,
        help="Whose verdict it is: how the files and the backend's certificate are judged.",
    ),
    click.option(
        "--depth",
        type=Choice(DEPTHS),
        default="otlp",
        show_default=True,
        help="How far an attempt goes: handshake and judgement, an empty OTLP request, or one with an item.",
    ),
    click.option(
        "--addresses",
        type=Choice(ADDRESSES),
        default="first",
        show_default=True,
        help="Whether the first address of a name stands for all, or each has a result of its own.",
    ),
    click.option(
        "--timeout",
        metavar="DURATION",
        callback=add_unit,
        default="5s",
        show_default=True,
        help="Time limit of one attempt; a number alone is seconds.",
    ),
    click.option(
        "--header",
        "headers",
        metavar="NAME=VALUE",
        multiple=True,
        help="A header of the request, `NAME: VALUE` works too. The value is masked wherever the probe "
        "writes. May be repeated.",
    ),
    click.option(
        "--proxy", metavar="URL", help="A proxy that is asked for a tunnel: http://HOST:PORT."
    ),
    click.option(
        "--insecure-skip-verify",
        is_flag=True,
        help="Go on where the backend's certificate does not verify, as an exporter with "
        "insecure_skip_verify does.",
    ),
    click.option(
        "--targets",
        "targets_file",
        type=TextFile("r", encoding="utf-8-sig", errors="surrogateescape"),
        help="A file of endpoints, one on each line.",
    ),
)


def target_options(command: _Command) -> _Command:
    """Give `command` the options that name targets, in the order of its help."""
    for option in reversed(_TARGET_OPTIONS):
        command = option(command)
    return command


resolve_option: Final = click.option(
    "--resolve",
    "resolved",
    metavar="NAME=ADDRESS",
    multiple=True,
    help="Connect to this address where an endpoint has this name: for a Service whose port is "
    "forwarded here, for example. What is verified stays. curl's HOST:PORT:ADDRESS works too. May be "
    "repeated.",
)
with_option: Final = click.option(
    "--with",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="Try the targets with this setting in place of their own, such as tls.cert_file=new.crt: the "
    "keys are those of a target in the configuration. Nothing is changed. May be repeated.",
)
