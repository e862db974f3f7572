"""Completions and man page are those of the command line, and their readers understand them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.contract.imports import ROOT
from tests.support.required_tools import missing
from tools.shared_files import COMPLETIONS, EXAMPLES, MAN_PAGE, SHARE

BIN: Final = Path(sys.executable).parent


def test_the_man_pages_examples_are_the_readmes() -> None:
    """Those are run by a test."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    documented = page + (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    assert [each for each in EXAMPLES if each not in documented] == []


@pytest.mark.slow
def test_the_man_page_is_formatted_without_a_warning() -> None:
    """By groff, as `man` calls it."""
    if not shutil.which("groff"):
        missing("not installed: groff")
    command = ("groff", "-man", "-ww", "-Tutf8", "-Kutf8", "-P-cbou", str(SHARE / MAN_PAGE))
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    assert "EXIT STATUS" in ended.stdout


def complete(shell: str, words: str, position: int) -> str:
    """Return what the command answers to a shell's completion."""
    environment = {
        **os.environ,
        "_MTLS_PROBE_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(position) if shell != "fish" else words.rsplit(maxsplit=1)[-1],
    }
    command = (str(BIN / "mtls-probe"),)
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert ended.stderr == ""
    return ended.stdout


@pytest.mark.slow
@pytest.mark.parametrize("shell", COMPLETIONS)
def test_the_command_answers_each_shell(shell: str) -> None:
    """Commands, options, and the values that an option or an argument takes."""
    assert "inspect" in complete(shell, "mtls-probe in", 1)
    assert "--manifest" in complete(shell, "mtls-probe check --man", 2)
    assert "evidence" in complete(shell, "mtls-probe schema ev", 2)


@pytest.mark.slow
def test_bash_completes_with_the_script() -> None:
    """As a terminal does: the function of the script, with the words so far."""
    script = SHARE / COMPLETIONS["bash"]
    typed = (
        f"source {script}; COMP_WORDS=(mtls-probe exp); COMP_CWORD=1; "
        '_mtls_probe_completion mtls-probe; echo "${COMPREPLY[@]}"; complete -p mtls-probe'
    )
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    command = ("bash", "--norc", "-c", typed)
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert ended.stdout.splitlines()[0] == "explain"
    assert ended.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_can_read_their_script(shell: str) -> None:
    """Without a mistake of syntax."""
    if not shutil.which(shell):
        missing(f"not installed: {shell}")
    command = (shell, "-n", str(SHARE / COMPLETIONS[shell]))
    assert subprocess.run(command, capture_output=True, check=True).stderr == b""
