"""A process gives the targets that its own configuration gives it, and says what it is known by."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from probe.config.errors import ConfigurationError
from probe.config.source_content import SourceContent
from probe.config.sources.process.read_process import read_process
from probe.config.sources.process.running import gather_process
from probe.model.surroundings import RunningProcess
from probe.model.target import Source, Target
from tests.support.proc_tree import ProcTree

P = "OTEL_EXPORTER_OTLP_"
ENDPOINT = {P + "ENDPOINT": "https://backend:4317"}
GATEWAY = """
receivers: {otlp: {protocols: {grpc: {}}}}
exporters:
  otlp/eu: {endpoint: "${env:BACKEND}:4317", tls: {cert_file: tls.crt, key_file: /k}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp/eu]}}}
"""
JVM = ["/usr/lib/jvm/lib/server/libjvm.so"]


def read(tree: ProcTree, pid: int = 10, files: Mapping[str, str] | None = None) -> SourceContent:
    """Return what the process gives, which finds `files` by their names."""

    def read_file(_process: RunningProcess, name: str) -> bytes:
        if files is None or name not in files:
            raise FileNotFoundError(2, "No such file or directory")
        return files[name].encode()

    return read_process(
        pid, tree.files, read_file, lambda _process, paths: tuple(paths), "collector"
    )


def only(content: SourceContent) -> Target:
    """Return the one target."""
    (target,) = content.targets
    return target


def test_the_variables_of_a_process_are_its_own(tmp_path: Path) -> None:
    """Its target runs where it does, and is named after it."""
    tree = ProcTree(tmp_path)
    tree.add(10, ["app"], ENDPOINT, executable="/srv/app/shop")
    target = only(read(tree))
    assert (target.name, target.endpoint.host, target.protocol) == ("shop-10", "backend", "grpc")
    assert target.sources == (Source("sdk", "environment", "10 (shop)"),)
    assert target.runs_in is not None
    assert any("nothing shows which runtime" in note for note in target.notes)


@pytest.mark.parametrize(
    "variable",
    [("OTEL_SERVICE_NAME", "shop"), ("OTEL_RESOURCE_ATTRIBUTES", "a=b,service.name=shop")],
)
def test_a_service_has_its_name(tmp_path: Path, variable: tuple[str, str]) -> None:
    """From either variable."""
    tree = ProcTree(tmp_path)
    tree.add(10, ["app"], ENDPOINT | dict([variable]))
    assert only(read(tree)).name == "shop"


def test_a_collector_is_read_as_its_command_line_names_it(tmp_path: Path) -> None:
    """With its variables, and paths from its directory; later locations over earlier ones."""
    tree = ProcTree(tmp_path)
    arguments = ["gw", "--config=gw.yaml", "--set=exporters.otlp/eu.tls.key_file=/other"]
    tree.add(10, arguments, {"BACKEND": "eu"}, executable="/gw")
    (tmp_path / "10" / "exe").unlink()
    (tmp_path / "10" / "exe").symlink_to(_write_collector(tmp_path))
    target = only(read(tree, files={"gw.yaml": GATEWAY}))
    assert (target.name, target.endpoint.host) == ("otlp/eu", "eu")
    assert (target.tls.cert_file, target.tls.key_file) == ("/srv/app/tls.crt", "/other")
    assert target.exporter == "collector"
    assert any("gw.yaml was changed after the process began" in note for note in target.notes)


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("--config=s3:bucket", "s3:"),
        ("--verbose", "without --config"),
        ("--config=env:C", "variable C"),
    ],
)
def test_a_collectors_configuration_that_cannot_be_found(
    tmp_path: Path, argument: str, words: str
) -> None:
    """The error says why, and what else to name."""
    tree = ProcTree(tmp_path)
    tree.add(10, ["gw", argument])
    (tmp_path / "10" / "exe").unlink()
    (tmp_path / "10" / "exe").symlink_to(_write_collector(tmp_path))
    with pytest.raises(ConfigurationError, match=words):
        read(tree)


def _write_collector(folder: Path) -> Path:
    from tests.unit.config.sources.process.test_go_build_info import elf, inline

    file = folder / "collector"
    modules = "path\tx\nmod\tx\t\ndep\tgo.opentelemetry.io/collector/otelcol\tv0.162.0\th1:\n"
    file.write_bytes(elf(inline("go1.26.8", modules)))
    return file


def test_system_properties_come_before_variables_and_those_before_the_file(tmp_path: Path) -> None:
    """As the agent of Java has it; the file is read as the process finds it."""
    tree = ProcTree(tmp_path)
    arguments = [
        "java",
        "-Dotel.exporter.otlp.client.key=k3",
        "-Dotel.javaagent.configuration-file=a.properties",
        "-jar",
        "x.jar",
    ]
    environ = ENDPOINT | {P + "CLIENT_CERTIFICATE": "c2", P + "CLIENT_KEY": "k2"}
    tree.add(10, arguments, environ, mapped=JVM)
    file = "otel.exporter.otlp.certificate=ca1\notel.exporter.otlp.client.certificate=c1\n"
    tls = only(read(tree, files={"a.properties": file})).tls
    assert (tls.ca_file, tls.cert_file, tls.key_file) == (
        "/srv/app/ca1",
        "/srv/app/c2",
        "/srv/app/k3",
    )


def test_a_declarative_file_replaces_the_variables(tmp_path: Path) -> None:
    """Named by a variable, or by a property of Java."""
    tree = ProcTree(tmp_path)
    tree.add(10, ["java", "-Dotel.experimental.config.file=sdk.yaml", "X"], ENDPOINT, mapped=JVM)
    file = "tracer_provider: {processors: [{batch: {exporter: {otlp_grpc: {endpoint: 'https://file:4317'}}}}]}"
    target = only(read(tree, files={"sdk.yaml": file}))
    assert target.endpoint.host == "file"
    with pytest.raises(ConfigurationError, match=r"sdk\.yaml"):
        read(tree)


def test_a_process_without_an_exporter_says_what_was_looked_at(tmp_path: Path) -> None:
    """And that a program may configure itself."""
    tree = ProcTree(tmp_path)
    tree.add(10, ["sleep", "9"])
    with pytest.raises(
        ConfigurationError, match=r"no OTLP exporter that can be seen.*environment"
    ) as error:
        read(tree)
    assert ".env file" in str(error.value)


def test_secrets_are_handed_over_and_never_shown(tmp_path: Path) -> None:
    """Headers, and what a variable's name calls one."""
    tree = ProcTree(tmp_path)
    environ = ENDPOINT | {
        P + "HEADERS": "authorization=Bearer verysecret1",
        "DB_PASSWORD": "hunter2hunter2",
    }
    tree.add(10, ["app", "--password=x"], environ)
    content = read(tree)
    held = {secret.reveal() for secret in content.secrets}
    assert {"verysecret1", "hunter2hunter2"} <= held
    assert not any(text in repr(content) for text in ("verysecret1", "hunter2"))


def test_a_launcher_stands_for_what_it_has_started(tmp_path: Path) -> None:
    """Process 1 of a container is often a shell or an init; workers of a program do not count."""
    tree = ProcTree(tmp_path)
    tree.add(10, ["tini", "--", "run.sh"], ENDPOINT)
    tree.add(11, ["sh", "run.sh"], ENDPOINT, parent=10)
    tree.add(12, ["java", "-Dotel.service.name=shop", "X"], ENDPOINT, parent=11, mapped=JVM)
    tree.add(13, ["java", "worker"], ENDPOINT, parent=12, mapped=JVM)
    tree.add(14, ["sleep", "9"], ENDPOINT, parent=11)
    target = only(read(tree))
    assert (target.name, target.exporter) == ("shop", "java-okhttp")
    assert target.runs_in == gather_process(12, tree.files).runs_in
    assert target.notes[0].startswith("process 10 (true), which was named")


def test_a_launcher_without_such_a_program_stands_for_itself(tmp_path: Path) -> None:
    """And the probe is not one of them."""
    tree = ProcTree(tmp_path)
    tree.files.own_pid = 11
    tree.add(10, ["sh"], ENDPOINT)
    tree.add(11, ["java", "X"], ENDPOINT, parent=10, mapped=JVM)
    assert only(read(tree)).name == "true-10"
