"""The command line: which commands there are, and how all of them end.

Exit codes: 0 all as expected, 1 at least one target is not, 2 usage or configuration, 3 the
probe's own fault. Only a bug of the probe is printed as a traceback. A command is imported when
it is called: a mistake in another is answered at once.
"""

import os
import sys
from importlib import import_module
from typing import Final, cast

import click

from probe import __version__
from probe.cli.results import PROBE_FAULT, USAGE
from probe.config.errors import ConfigurationError
from probe.system.deferred_packages import defer_packages
from probe.system.own_limits import OwnLimitError, forbid_core_dumps
from probe.system.standard_streams import (
    buffer_stdout,
    discard_stdout,
    install_bounded_stderr,
    open_closed_streams,
)
from probe.text.description import describe_path, mask_arguments
from probe.text.safe_text import safe_text
from probe.text.secret_register import SecretRegister

COMMANDS: Final = (
    "run",
    "check",
    "forecast",
    "inspect",
    "explain",
    "listen",
    "diagnose",
    "validate",
    "rules",
    "schema",
    "demo",
)
"""In the order of the help; `probe.cli.NAME_command` defines each under its name."""

_APPLICATION_VARIABLES: Final = (
    "PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir", "SSLKEYLOGFILE",
)  # fmt: skip
"""What makes a library write into a file or folder of the application next to which the probe runs:
prometheus_client its values, Python's ssl the secrets of TLS sessions. A sidecar often has the whole
environment of its application. Where such a folder is missing, nothing would start."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002  (click's signature)
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"probe.cli.{cmd_name}_command")
        return cast("click.Command", getattr(module, cmd_name))


_TO_BEGIN: Final = """\b
To begin, and for the options of a command:
  mtls-probe demo
  mtls-probe check HOST:PORT --ca ca.crt --cert tls.crt --key tls.key
  mtls-probe check --help"""


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_TO_BEGIN
)
@click.version_option(__version__, "-V", "--version", prog_name="mtls-probe")
def cli() -> None:
    """Performs client-certificate handshakes against OTLP backends and names what is wrong."""


def main() -> None:
    """Run the command line and exit with its code."""
    forbid_core_dumps()
    defer_packages()
    for name in _APPLICATION_VARIABLES:
        os.environ.pop(name, None)
    open_closed_streams()
    buffer_stdout()
    register = SecretRegister()
    install_bounded_stderr(register.mask)
    try:
        code = cli.main(standalone_mode=False, obj=register)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = USAGE
    except click.ClickException as error:
        from probe.cli.usage_hints import describe_usage_error

        # What it quotes of the command line may be a key: "$(cat key.pem)".
        with_names = click.UsageError(
            register.mask(mask_arguments(describe_usage_error(error), sys.argv[1:]))
        )
        with_names.ctx = getattr(error, "ctx", None)
        with_names.show()
        code = USAGE
    except click.Abort:
        code = 130
    except ConfigurationError as error:
        click.echo(register.mask(str(error)), err=True)
        code = USAGE
    except OSError as error:
        # The machine, not a target: a full disk, no folder for temporary files, no descriptors.
        discard_stdout()
        where = f" ({safe_text(describe_path(str(error.filename)))})" if error.filename else ""
        click.echo(f"mtls-probe: {error.strerror or error}{where}", err=True)
        code = PROBE_FAULT
    except OwnLimitError as error:
        click.echo(f"mtls-probe: {register.mask(error.detail)}", err=True)
        code = PROBE_FAULT
    except Exception as error:  # noqa: BLE001  (a bug of the probe's has an exit code of its own)
        from probe.text.description import describe_bug

        click.echo(register.mask(describe_bug(error)), err=True, nl=False)
        code = PROBE_FAULT
    sys.exit(code)
