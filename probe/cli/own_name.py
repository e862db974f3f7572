"""How this program was called, so that a command that it prints works as it is pasted."""

import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

NAME: Final = "mtls-probe"


def name_command() -> str:
    """Return what to type for this program from any folder: its name, or a path where that is another's."""
    called = Path(sys.argv[0])
    if called.name != NAME:
        return f"{shlex.quote(sys.executable)} -m probe"
    found = shutil.which(NAME)
    if found and Path(found).resolve() == called.resolve():
        return NAME
    return shlex.quote(str(called.absolute()))
