"""Wrong usage and wrong configuration: exit 2, with where, what was found and what to write."""

import os
import socket
from pathlib import Path
from typing import Final

import pytest

from tests.support.command_line import (
    NOWHERE,
    command,
    configuration,
    run_commands,
    run_probe,
)

pytestmark = pytest.mark.slow

WITH_CONFIGURATION: Final = ("run", "check", "validate", "rules")


async def test_bytes_that_are_no_text_are_no_endpoint() -> None:
    """A binary file on stdin is a usage error that says which line it was, and quotes none."""
    ended = await run_probe("check", "-", stdin=b"\x7fELF\xff\xfe\x1b[31m\n")
    assert ended.code == 2
    assert "endpoint 1, text, 11 characters (not shown)" in ended.err
    assert "ELF" not in ended.err
    assert "\x1b" not in ended.err


USAGE_ERRORS: Final = {
    "an unknown command": (["chekc"], "No such command"),
    "an unknown option": (["check", "--certificate", "x"], "No such option"),
    "no endpoint": (["check", "host"], "has no port"),
    "two sources": (["check", NOWHERE, "--config", "x.yml"], "not both"),
    "files for nothing": (["check", "--ca", "ca.pem"], "--ca goes with an endpoint"),
    "an empty list": (["check", "-"], "no endpoint is named"),
    "a missing list": (["check", "--targets", "nowhere.txt"], "No such file"),
    "no port to serve on": (["demo", "--listen", "127.0.0.1:99999"], "is not HOST:PORT"),
}


async def test_a_usage_error_is_2() -> None:
    """A mistake on the command line is named on stderr, and nothing is on stdout."""
    commands = [arguments for arguments, _ in USAGE_ERRORS.values()]
    each = await run_commands(*(command(*arguments, stdin=b"") for arguments in commands))
    for ended, (mistake, (_, named)) in zip(each, USAGE_ERRORS.items(), strict=True):
        assert (ended.code, ended.out) == (2, ""), mistake
        assert named in ended.err, mistake


async def test_a_configuration_error_says_where_what_and_what_is_near(tmp_path: Path) -> None:
    """File and line, the key's path, what was found, what is allowed, and the nearest of it."""
    config = tmp_path / "probe.yml"
    config.write_text(f"targets:\n  - endpoint: {NOWHERE}\n    protocol: grcp\n", encoding="utf-8")
    commands = (command(each, "--config", config) for each in WITH_CONFIGURATION)
    for ended in await run_commands(*commands):
        assert (ended.code, ended.out) == (2, "")
        first, found, allowed, nearest = ended.err.splitlines()
        assert first.startswith(f"{config}:3: targets[0].protocol: ")
        assert found.split() == ["found:", "grcp"]
        assert allowed.split() == ["allowed:", "grpc,", "http/protobuf"]
        assert nearest.split() == ["nearest:", "grpc"]


async def test_a_configuration_that_cannot_be_read_is_2(tmp_path: Path) -> None:
    """A folder, a missing file, a loop of links, bytes that are not text: one line each."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00\x1b[31m")
    each = (tmp_path, tmp_path / "missing", tmp_path / "loop", tmp_path / "bytes")
    for ended in await run_commands(*(command("run", "--config", path) for path in each)):
        assert (ended.code, ended.out) == (2, "")
        assert str(tmp_path) in ended.err
        assert "\x1b" not in ended.err


async def test_a_hostile_file_name_is_shown_escaped(tmp_path: Path) -> None:
    """A path with an escape sequence does not reach the terminal as one."""
    ended = await run_probe("check", "--config", os.fsencode(tmp_path) + b"/\xff\x1b[31m.yml")
    assert ended.code == 2
    assert r"\udcff\x1b[31m.yml: cannot be read" in ended.err
    assert "\x1b" not in ended.err


async def test_what_the_configuration_leaves_open_is_said(tmp_path: Path) -> None:
    """A variable that is not set expands to nothing, as in a Collector, and a warning names it."""
    config = configuration(tmp_path, {"endpoint": NOWHERE, "name": "n${env:NOT_SET_HERE}"})
    ended = await run_probe("validate", "--config", config)
    assert ended.code == 0
    assert ended.err.splitlines()[0].startswith("warning: ")
    assert "NOT_SET_HERE" in ended.err


async def test_a_demo_that_cannot_listen_is_2() -> None:
    """The demo says where it wanted to serve its page; its port may be another demo's."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = await run_probe("demo", "--listen", address)
    assert ended.code == 2
    assert f"cannot listen on {address}" in ended.err
