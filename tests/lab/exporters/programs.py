"""The programs that stand for real exporters: how each is built, and how it is started."""

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.lab.compiled import go_server
from tests.support.builds import NotBuiltError, built_once, run_go

HERE: Final = Path(__file__).parent
BUILD_TIMEOUT: Final = 1500.0
"""Seconds for everything that a package manager fetches and a compiler builds."""


@dataclass(frozen=True, slots=True)
class Program:
    """One real exporter: `command` builds what is missing and returns how it is started."""

    id: str
    command: Callable[[], list[str]]
    environment: Mapping[str, str]


def backend_program() -> Path:
    """Return the backend that every exporter exports to.

    Raises:
        NotBuiltError: where Go is missing.
    """
    if shutil.which("go") is None:
        raise NotBuiltError("Go is not installed")
    return go_server(HERE / "backend" / "backend.go")


def _sources(folder: str) -> list[Path]:
    kept = (each for each in sorted((HERE / folder).rglob("*")) if each.is_file())
    return [each for each in kept if "__pycache__" not in each.parts]


def build_program(folder: str, version: list[str], build: Callable[[Path], None]) -> Path:
    """Return a copy of `folder` with what `build` made in it, once per content and compiler."""
    if shutil.which(version[0]) is None:
        raise NotBuiltError(f"{version[0]} is not installed")
    state = hashlib.sha256(run_tool(version, HERE))
    for each in _sources(folder):
        state.update(str(each.relative_to(HERE)).encode() + b"\0" + each.read_bytes() + b"\0")

    def make(empty: Path) -> Path:
        made = empty / folder
        shutil.copytree(HERE / folder, made, ignore=shutil.ignore_patterns("__pycache__"))
        build(made)
        return made

    return built_once(f"exporters-{folder}-{state.hexdigest()[:16]}", make)


def run_tool(command: list[str], where: Path) -> bytes:
    """Return what a build's command printed.

    Raises:
        NotBuiltError: with its last lines, where it fails.
    """
    try:
        ended = subprocess.run(
            command,
            cwd=where,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=BUILD_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotBuiltError(
            f"`{' '.join(command[:3])}` took more than {BUILD_TIMEOUT:.0f} s"
        ) from None
    if ended.returncode != 0:
        last = "\n".join(ended.stdout.decode(errors="replace").splitlines()[-15:])
        raise NotBuiltError(f"`{' '.join(command[:3])}` failed:\n{last}")
    return ended.stdout


def _rust(exporter: str) -> list[str]:
    def build(folder: Path) -> None:
        listed = folder / "versions.txt"
        listed.touch()
        # The lock says what was resolved; it also says from where, so it is not kept here.
        run_tool(["cargo", "generate-lockfile", "--quiet"], folder)
        lock = (folder / "Cargo.lock").read_text(encoding="utf-8")
        found = re.findall(r'name = "([\w-]+)"\nversion = "([\d.]+)"', lock)
        wanted = ("opentelemetry-otlp", "tonic", "reqwest", "rustls", "rustls-webpki", "ring")
        lines = [f"{name} {version}" for name, version in found if name in wanted]
        listed.write_text("\n".join(lines), encoding="utf-8")
        run_tool(["cargo", "build", "--release", "--quiet"], folder)
        built = folder / "target" / "release" / "exporters"
        built.replace(folder / "exporters")
        shutil.rmtree(folder / "target")

    return [str(build_program("rust", ["cargo", "--version"], build) / "exporters"), exporter]


_WITHOUT_INPUT: Final = ("sh", "-c", 'exec "$@" 3<&0 </dev/null', "sh")
"""OpenSSL asks for a key's password on standard input; a service has none. Cases come by 3."""


def _interpreted(command: str, script: str) -> Callable[[str], list[str]]:
    """Return how a script starts that needs what its interpreter's packages have."""

    def started(_: str) -> list[str]:
        if shutil.which(command) is None:
            raise NotBuiltError(f"{command} is not installed")
        return [*_WITHOUT_INPUT, command, str(HERE / script)]

    return started


_NO_TXT_LOOKUPS: Final = {"GRPC_ENABLE_TXT_SERVICE_CONFIG": "false"}
"""A look-up of a service configuration in DNS is not what is measured."""


def _go(exporter: str) -> list[str]:
    def build(folder: Path) -> None:
        run_go("build", "-mod=mod", "-ldflags=-s -w", "-o", "exporters", ".", where=folder)

    return [str(build_program("go", ["go", "version"], build) / "exporters"), exporter]


def _python(exporter: str) -> list[str]:
    return [*_WITHOUT_INPUT, sys.executable, str(HERE / "python" / "exporter.py"), exporter]


def _node(exporter: str) -> list[str]:
    def build(folder: Path) -> None:
        run_tool(["npm", "install", "--no-package-lock", "--ignore-scripts", "--silent"], folder)

    return [
        "node",
        str(build_program("node", ["node", "--version"], build) / "exporter.js"),
        exporter,
    ]


def _build_java(folder: Path) -> None:
    for jars in ("jars", "netty", "netty-shaded"):
        profile = [] if jars == "jars" else [f"-P{jars}"]
        run_tool(
            [
                *("mvn", "-q", "-B", *profile, "dependency:copy-dependencies"),
                f"-DoutputDirectory={jars}",
            ],
            folder,
        )
    netty = folder / "NettyExporter.java"
    for jars in ("netty", "netty-shaded"):
        source = netty.read_text(encoding="utf-8")
        if jars == "netty-shaded":  # the same classes, elsewhere
            shaded = "import io.grpc.netty.shaded.io."
            source = re.sub(r"import io\.(?=(grpc\.)?netty\.)", shaded, source)
        netty.write_text(source, encoding="utf-8")
        run_tool(
            ["javac", "-cp", f"{jars}/*", "-d", f"made-{jars}", "Exporter.java", netty.name], folder
        )
    run_tool(["javac", "-cp", "jars/*", "-d", "made-jars", "Exporter.java"], folder)


def _java(main: str, jars: str, without: str = " ") -> Callable[[str], list[str]]:
    """Return how an exporter is started; a sender is chosen by leaving out the others."""

    def command(_: str) -> list[str]:
        if shutil.which("mvn") is None:
            raise NotBuiltError("mvn is not installed")
        built = build_program("java", ["javac", "-version"], _build_java)
        found = sorted((built / jars).glob("*.jar"))
        kept = [str(each) for each in found if not re.search(without, each.name)]
        classes = ":".join([str(built / f"made-{jars}"), *kept])
        return ["java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", classes, *main.split()]

    return command


def _program(
    exporter: str,
    command: Callable[[str], list[str]],
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Program:
    return Program(exporter, lambda: command(exporter), environment)


PROGRAMS: Final = {
    each.id: each
    for each in (
        _program("collector", _go, _NO_TXT_LOOKUPS),
        _program("collector-http", _go, _NO_TXT_LOOKUPS),
        _program("go-grpc", _go, _NO_TXT_LOOKUPS),
        _program("go-http", _go, _NO_TXT_LOOKUPS),
        _program("java-okhttp", _java("Exporter grpc", "jars", "sender-jdk")),
        _program("java-jdk", _java("Exporter http/protobuf", "jars", "sender-okhttp")),
        _program("java-grpc", _java("NettyExporter", "netty", "sender-(okhttp|jdk)")),
        _program("java-grpc-shaded", _java("NettyExporter", "netty-shaded", "sender-(okhttp|jdk)")),
        _program("python-grpc", _python),
        _program("python-http", _python),
        _program("node-grpc", _node),
        _program("node-http", _node),
        _program("rust-tonic", _rust),
        _program("rust-reqwest", _rust),
        _program("curl", _interpreted("php", "php/exporter.php")),
        _program("ruby", _interpreted("ruby", "ruby/exporter.rb")),
    )
}
