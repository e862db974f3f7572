"""Runs many command lines of the probe: the modules are imported once, then it forks.

A script: reads commands from standard input as JSON, writes what became of each. A process of its
own for each command would cost its imports each time, which is nearly all that most of them do.
"""

import base64
import json
import os
import signal
import sys
import tempfile
from importlib import import_module
from typing import Any, Final

from probe.cli.main import COMMANDS, main

_SECONDS: Final = 30
_IMPORTED_ON_USE: Final = ("probe.config.loader", "probe.service.pipeline", "probe.cli.results")


def run(command: dict[str, Any]) -> dict[str, Any]:
    """Run one command to its end in a process of its own."""
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        given.write(base64.b64decode(command["stdin"]))
        given.seek(0)
        child = os.fork()
        if child == 0:
            signal.alarm(_SECONDS)
            for number, file in enumerate((given, out, err)):
                os.dup2(file.fileno(), number)
            sys.stdin, sys.stdout, sys.stderr = (
                open(number, "rw"[number > 0], closefd=False)  # noqa: SIM115  - for good
                for number in range(3)
            )
            os.environ.clear()
            os.environ.update(command["env"])
            os.chdir(command["cwd"])
            sys.argv = ["mtls-probe", *command["arguments"]]
            main()
            sys.exit()
        _, status = os.waitpid(child, 0)
        out.seek(0)
        err.seek(0)
        return {
            "code": os.waitstatus_to_exitcode(status),
            "out": base64.b64encode(out.read()).decode(),
            "err": base64.b64encode(err.read()).decode(),
        }


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    for module in (*(f"probe.cli.{name}_command" for name in COMMANDS), *_IMPORTED_ON_USE):
        import_module(module)
    ended = [run(each) for each in asked]
    json.dump(ended, sys.stdout)
