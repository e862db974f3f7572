"""The real Java agent: its properties file, its variables and its options, read from its process."""

import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.lab.credentials import LabPki
from tests.lab.exporters.programs import run_tool
from tests.lab.process_stage import Credentials, P, started, wait_for_memory
from tests.lab.servers import StartCollector
from tests.support.builds import NotBuiltError, built_once
from tests.support.command_line import command, run_commands
from tests.support.required_tools import missing

VERSION: Final = "2.22.0"
AGENT: Final = f"io.opentelemetry.javaagent:opentelemetry-javaagent:{VERSION}"
COPY: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
PROGRAM: Final = """\
public class Waits {
  public static void main(String[] arguments) throws Exception { System.in.read(); }
}
"""


@pytest.fixture(scope="module")
def agent() -> Path:
    """The folder with the agent and a program that waits; fetched and built once."""
    if shutil.which("mvn") is None or shutil.which("javac") is None:
        missing("mvn or javac is not installed")

    def build(folder: Path) -> Path:
        run_tool(
            ["mvn", "-q", "-B", COPY, f"-Dartifact={AGENT}", f"-DoutputDirectory={folder}"], folder
        )
        (folder / "Waits.java").write_text(PROGRAM)
        run_tool(["javac", "Waits.java"], folder)
        (folder / f"opentelemetry-javaagent-{VERSION}.jar").rename(folder / "agent.jar")
        return folder

    try:
        return built_once(f"javaagent-{VERSION}", build)
    except NotBuiltError as error:
        missing(str(error))


async def test_an_injected_agent_is_read_from_its_process(
    agent: Path, collector: StartCollector, pki: LabPki, tmp_path: Path
) -> None:
    """By JAVA_TOOL_OPTIONS, whose file, variable and option name one file each; over HTTP by itself."""
    credentials = Credentials(tmp_path, pki)
    (tmp_path / "agent.properties").write_text(
        f"otel.exporter.otlp.certificate: {credentials.ca}\n"
        "otel.exporter.otlp.endpoint=https://nowhere.invalid:1\n"
        "otel.service.name=from the file\n"
    )
    endpoint = f"https://localhost:{collector().http_port}"
    variables = {
        "JAVA_TOOL_OPTIONS": (
            f"-javaagent:'{agent / 'agent.jar'}' -Dotel.javaagent.configuration-file=agent.properties"
        ),
        P + "ENDPOINT": endpoint,
        P + "CLIENT_CERTIFICATE": "nowhere.crt",
        P + "CLIENT_KEY": str(credentials.key),
    }
    line = [
        "java",
        f"-Dotel.exporter.otlp.client.certificate={credentials.cert}",
        "-cp",
        str(agent),
        "Waits",
    ]
    with started(line, variables, folder=tmp_path) as process:
        wait_for_memory(process.pid, "agent.jar")
        (ended,) = await run_commands(command("check", f"--pid={process.pid}", "--output=json"))
    (result,) = ended.document["results"]
    assert (ended.code, result["outcome"]) == (0, "confirmed"), ended.err
    assert (result["target"], result["protocol"]) == ("from the file", "http/protobuf")
    assert result["exporter"] == "java-okhttp"
    assert any("the default of this agent (2.0 and later)" in fact for fact in result["facts"])
