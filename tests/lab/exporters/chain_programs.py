"""The programs that make real handshakes with generated chains: how each is built and started."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.lab.compiled import go_server
from tests.lab.exporters.programs import HERE, build_program, run_tool
from tests.support.builds import NotBuiltError

Command = Callable[[], list[str]]


@dataclass(frozen=True, slots=True)
class ChainProgram:
    """One runtime's client: it reads cases with ports and answers what came of each handshake."""

    runtime: str
    command: Command


def chain_server() -> Path:
    """Return the server of chains."""
    return go_server(HERE / "chains-server" / "main.go")


def read_versions(command: list[str]) -> dict[str, str]:
    """Return what a program says that it is made of."""
    asked = [*command, "--versions"]
    ended = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=True)
    return {str(name): str(value) for name, value in json.loads(ended.stdout).items()}


def _python(client: str) -> Command:
    return lambda: [sys.executable, str(HERE / "chains-python" / "client.py"), client]


def _node(client: str) -> Command:
    def build(folder: Path) -> None:
        run_tool(["npm", "install", "--no-package-lock", "--ignore-scripts", "--silent"], folder)

    def command() -> list[str]:
        if client == "curl" and shutil.which("curl") is None:
            raise NotBuiltError("curl is not installed")
        folder = build_program("chains-node", ["node", "--version"], build)
        return ["node", str(folder / "client.js"), client]

    return command


def _java(client: str) -> Command:
    def build(folder: Path) -> None:
        run_tool(
            ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars"], folder
        )
        run_tool(["javac", "-cp", "jars/*", "-d", "made", "Client.java"], folder)

    def command() -> list[str]:
        if shutil.which("mvn") is None:
            raise NotBuiltError("mvn is not installed")
        folder = build_program("chains-java", ["javac", "-version"], build)
        classes = os.pathsep.join([str(folder / "made"), str(folder / "jars" / "*")])
        return ["java", "-XX:TieredStopAtLevel=1", "-cp", classes, "Client", client]

    return command


def _rust(client: str) -> Command:
    def build(folder: Path) -> None:
        run_tool(["cargo", "build", "--release", "--quiet"], folder)
        program = folder / "target" / "release" / "chains-rust"
        program.replace(folder / "chains-rust")
        shutil.rmtree(folder / "target")

    def command() -> list[str]:
        folder = build_program("chains-rust", ["cargo", "--version"], build)
        return [str(folder / "chains-rust"), client]

    return command


CHAIN_PROGRAMS: Final = {
    each.runtime: each
    for each in (
        ChainProgram("python-grpc", _python("grpc")),
        ChainProgram("python-http", _python("http")),
        ChainProgram("node-grpc", _node("grpc")),
        ChainProgram("node-http", _node("http")),
        ChainProgram("curl", _node("curl")),
        ChainProgram("java-okhttp", _java("okhttp")),
        ChainProgram("java-jdk", _java("jdk")),
        ChainProgram("java-grpc", _java("grpc")),
        ChainProgram("rust-tonic", _rust("tonic")),
        ChainProgram("rust-reqwest", _rust("reqwest")),
    )
}
