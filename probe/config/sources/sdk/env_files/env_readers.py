"""The programs that read env files: which one is meant, and where they disagree. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from probe.config.sources.sdk.env_files.compose_env import read_compose_env
from probe.config.sources.sdk.env_files.docker_env import read_docker_env
from probe.config.sources.sdk.env_files.line_error import LineError
from probe.config.sources.sdk.env_files.node_dotenv import read_dotenv_package, read_node_env_file
from probe.config.sources.sdk.env_files.python_dotenv import read_python_dotenv
from probe.config.sources.sdk.env_files.shell_env import read_shell_env
from probe.config.sources.sdk.env_files.systemd_env import read_systemd_env

MAX_BYTES: Final = 256 * 1024
"""More than the variables of a process may be on Linux by default would not reach it."""

_RELEVANT: Final = re.compile(
    r"OTEL_(?:EXPORTER_OTLP_\w+|(?:TRACES|METRICS|LOGS)_EXPORTER|SDK_DISABLED|CONFIG_FILE)"
)


@dataclass(frozen=True, slots=True)
class EnvReader:
    """One program that reads env files."""

    id: str
    """What `format` calls it."""
    name: str
    """What messages call it."""
    read: Callable[[bytes, Mapping[str, str]], dict[str, str]]


DOCKER: Final = EnvReader("docker-env", "docker run --env-file", read_docker_env)
COMPOSE: Final = EnvReader("compose-env", "docker compose", read_compose_env)
SYSTEMD: Final = EnvReader("systemd-env", "systemd", read_systemd_env)
DOTENV: Final = EnvReader("dotenv", "Node's package dotenv", read_dotenv_package)
NODE: Final = EnvReader("node-env", "node --env-file", read_node_env_file)
PYTHON: Final = EnvReader("python-dotenv", "python-dotenv", read_python_dotenv)
SHELL: Final = EnvReader("shell", "a shell", read_shell_env)

READERS: Final = (DOCKER, COMPOSE, SYSTEMD, DOTENV, NODE, PYTHON, SHELL)
READERS_BY_ID: Final = {reader.id: reader for reader in READERS}


def choose_reader(path: str, raw: bytes) -> EnvReader:
    """Return the program that most likely reads the file: by its directory and name, then content."""
    name = PurePosixPath(path)
    if name.suffix in {".sh", ".bash", ".zsh", ".profile"} or name.name == ".envrc":
        return SHELL
    if re.match(r"/(?:usr/)?(?:etc/(?:default|sysconfig|conf\.d|systemd)|lib/systemd)/", path):
        return SYSTEMD
    if re.search(rb"^[ \t]*(?:export[ \t]|set -a)", raw, re.MULTILINE):
        return SHELL
    return COMPOSE


def list_disagreeing(
    raw: bytes, environ: Mapping[str, str], chosen: EnvReader
) -> Iterator[tuple[EnvReader, tuple[str, ...]]]:
    """Yield each other program that reads the file otherwise, with the variables that differ.

    None of them: it refuses the file. Only variables count that an exporter is made of.
    """
    own = chosen.read(raw, environ)
    for reader in READERS:
        if reader is chosen:
            continue
        try:
            other = reader.read(raw, environ)
        except LineError:
            yield reader, ()
            continue
        names = sorted({*own, *other})
        differing = tuple(
            name for name in names if _RELEVANT.fullmatch(name) and own.get(name) != other.get(name)
        )
        if differing:
            yield reader, differing


def find_lines(raw: bytes, names: Mapping[str, str]) -> dict[str, int]:
    """Return the last line of the file that begins with each name, for messages."""
    begins = re.compile(rb"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*[=:]")
    lines: dict[str, int] = {}
    for number, line in enumerate(raw.splitlines(), start=1):
        found = begins.match(line)
        if found is not None and (name := found[1].decode()) in names:
            lines[name] = number
    return lines
