"""A bug of ours in reading a configuration: reported with its place, and without a value of it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from probe.text.bug_report import DEEPEST, describe_bug

SECRET: Final = "hunter2-Sw0rdfish-Zz9"
BUGGED: Final = f"""
import {{module}}

def misread(*_arguments, **_named):
    try:
        int("{SECRET}")
    except ValueError as error:
        raise KeyError("{SECRET}") from error

{{module}}.{{function}} = misread
from probe.cli.main import main
main()
"""
"""The command line with one function of it replaced by one that fails as Python's own do."""


def run_bugged(folder: Path, function: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder` in which `function` has a bug."""
    module, _, name = function.rpartition(".")
    script = BUGGED.format(module=module, function=name)
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def write_configuration(folder: Path) -> None:
    """Write a configuration of one source, which holds a secret."""
    (folder / "m.yml").write_text("sources: [{collector: c.yml}]\n", encoding="utf-8")
    (folder / "c.yml").write_text(f"exporters: {{otlp: {SECRET}}}\n", encoding="utf-8")


@pytest.mark.parametrize("output", ["json", "junit", "prometheus"])
def test_a_bug_in_reading_a_source_breaks_no_document(tmp_path: Path, output: str) -> None:
    """Standard output holds the document alone; the log has the place of the bug and no value."""
    write_configuration(tmp_path)
    command = ("check", "--config", "m.yml", "--output", output)
    ended = run_bugged(tmp_path, "probe.config.named_sources.read_collector", *command)
    assert ended.returncode == 1
    assert ended.stdout.startswith(("{", "<?xml", "# HELP"))
    if output == "json":
        assert "KeyError" in json.loads(ended.stdout)["sources"][0]["error"]
    assert "misread" not in ended.stdout
    assert "misread" in ended.stderr
    assert SECRET not in ended.stdout + ended.stderr


def test_a_bug_in_reading_the_configuration_quotes_nothing_of_it(tmp_path: Path) -> None:
    """The traceback of exit code 3 has type and place."""
    write_configuration(tmp_path)
    ended = run_bugged(
        tmp_path, "probe.config.configuration.convert", "validate", "--config", "m.yml"
    )
    assert ended.returncode == 3
    assert "KeyError" in ended.stderr
    assert "ValueError: invalid literal for int() with base 10: …" in ended.stderr
    assert "misread" in ended.stderr
    assert SECRET not in ended.stdout + ended.stderr.replace(f'int("{SECRET}")', "")


def test_a_chain_is_shown_with_its_last_exceptions() -> None:
    """As Python does: what led to it first; what was raised `from None` is left out."""
    try:
        try:
            raise ValueError("first")
        except ValueError:
            raise TypeError("second")  # noqa: B904
    except TypeError as error:
        text = describe_bug(error)
    assert text.index("ValueError: first") < text.index("TypeError: second")
    try:
        raise TypeError("alone") from None
    except TypeError as error:
        assert describe_bug(error).count("Traceback") == 1
    long: BaseException | None = None
    for number in range(3 * DEEPEST):
        each = ValueError(str(number))
        each.__cause__ = long
        long = each
    assert long is not None
    assert describe_bug(long).count("Traceback") == DEEPEST
    long.__cause__ = long
    assert describe_bug(long).count("Traceback") == 1
