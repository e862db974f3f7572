"""A canary in every key, variable and file: no command prints it, in whatever encoding."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any, Final

import pytest
from msgspec import inspect

from probe.cli.results import OUTPUTS, print_results
from probe.config.configuration import Configuration, register_configuration
from probe.config.errors import ConfigurationError
from probe.config.loader import load_configuration, load_from_environment
from probe.config.schema import FileEntry
from probe.config.sources.collector import authentication as collector_auth
from probe.config.sources.collector import exporter as collector_exporter
from probe.config.sources.sdk.file_schema import SdkFile
from probe.credentials.store import CredentialStore
from probe.diagnosis.catalogue import CATALOGUE
from probe.inspection.inspect_files import FileSet, inspect_files
from probe.log.format import configure_logging
from probe.model.evidence import to_json
from probe.model.known_secrets import register_environment
from probe.report.inspection import encode_inspection, print_inspection
from probe.report.validation import build_validation, encode_validation, print_validation
from probe.service.pipeline import PipelineSettings
from probe.service.run_rounds import run_rounds
from probe.text.secret_register import SecretRegister
from probe.web.server.web_config import WebConfig
from probe.web.server.web_file import WebFileEntry
from tests.support.canaries import (
    CANARY,
    MISTAKES,
    Path,
    Recorded,
    echoing,
    placed,
    places,
    traces_of,
)

pytestmark = pytest.mark.slow

SHOWN_BY_DESIGN: Final[dict[str, str]] = {
    "name": "a target's name is its label, its page and its line in every table",
    "labels": "labels are made to be shown, and are series in /metrics",
    "resource": "attributes of the probe itself, in target_info and on every span",
    "modules": "a module's name is a parameter of /probe",
    "server_name_override": "the name that a certificate must hold: facts and fixes compare it",
    "authority": "the same, by its name in a gRPC exporter",
    "ca_file": "a path: it says which file to fix", "cert_file": "a path", "key_file": "a path",
    "server_cert_file": "a path", "client_ca_file": "a path", "config_file": "a path",
    "certificate_file": "a path", "client_certificate_file": "a path", "client_key_file": "a path",
    "certificate": "a path", "client_certificate": "a path", "client_key": "a path",
    "collector": "a path, and what a target comes from", "sdk": "a path", "file_sd": "a path",
    "filename": "a path", "username_file": "a path", "password_file": "a path",
    "value_file": "a path",
    "sntp": "the host of a clock: it stands in facts and labels",
    "http": "the URL of a clock, without query and user",
    "http_sd": "the URL of a list, without query and user",
    "authenticator": "the id of an extension, where its type is known",
    "header": "a header's name is shown, its value never", "key": "a header's name",
    "additional_auth": "the id of an extension",
}  # fmt: skip
"""Keys whose value is shown, where it is what the key asks for; each with why."""
PLAIN: Final = frozenset({"a token", "a credential", "a reference", "a file's content"})
"""Canaries that can be a name or a path: only these may show under the keys above."""
VARIABLES_SHOWN: Final[dict[str, str]] = {
    "OTEL_SERVICE_NAME": "the probe's own name", "OTEL_CONFIG_FILE": "a path",
    "OTEL_EXPERIMENTAL_CONFIG_FILE": "a path", "OTEL_JAVAAGENT_CONFIGURATION_FILE": "a path",
    "OTEL_RESOURCE_ATTRIBUTES": "the probe's attributes",
}  # fmt: skip


@dataclass
class World:
    """A folder with files of every kind, and everything that commands have printed there."""

    folder: File
    port: int
    register: SecretRegister = field(default_factory=SecretRegister)
    said: list[str] = field(default_factory=list)

    @property
    def environ(self) -> dict[str, str]:
        """The variables, one of them with the canary."""
        return {"CANARY": CANARY}

    def read(self, read: Callable[[], Configuration]) -> Configuration | None:
        """Read a configuration as the command line does; what it complains of is printed."""
        register_environment(self.register, self.environ)
        try:
            loaded = read()
        except ConfigurationError as error:
            self.said.append(str(error))
            return None
        register_configuration(self.register, loaded)
        self.said += loaded.warnings
        return loaded

    async def run(self, loaded: Configuration) -> None:
        """Print what validate, inspect and check print of it, in each output."""
        out = io.StringIO()
        configure_logging(human=False, mask=self.register.mask)
        with redirect_stdout(out), redirect_stderr(out):
            store = CredentialStore()
            faults = [
                (t, fault) for t in loaded.targets for fault in store.open(t).read().facts.faults
            ]
            checked = build_validation(loaded.targets, faults, loaded.warnings)
            print_validation(checked)
            out.write(encode_validation(checked).decode())
            files = [FileSet(tls=target.tls, targets=(target.name,)) for target in loaded.targets]
            seen = inspect_files(files, 1_800_000_000.0)
            print_inspection(seen)
            out.write(encode_inspection(seen).decode())
            observed = await run_rounds(
                loaded.targets,
                PipelineSettings.from_configuration(loaded),
                concurrency=10,
                register=self.register,
            )
            rows = [(evidence, diagnosis) for _, evidence, diagnosis in observed]
            for output in OUTPUTS:
                file = self.folder / "printed"
                print_results(rows, output, targets=loaded.targets, file=file)
                out.write(file.read_text(encoding="utf-8"))
            out.write("".join(to_json(evidence).decode() for evidence, _ in rows))
        self.said.append(out.getvalue())


@pytest.fixture
def folder(tmp_path: File, monkeypatch: pytest.MonkeyPatch) -> File:
    """A working directory with the files that canaries refer to."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "canary.txt").write_text(f"{CANARY}\n")
    (tmp_path / "tls.crt").write_text(f"TOKEN={CANARY}\n")
    return tmp_path


def mistakes(paths: Iterator[Path]) -> Iterator[tuple[Path, str, Any]]:
    """Yield each place with each canary."""
    for path in paths:
        for name, value in MISTAKES.items():
            yield path, name, value


def is_shown(path: Path, name: str) -> bool:
    """Return whether this canary is there what the key asks for, and shown by design."""
    keys = [part for part in path if isinstance(part, str)]
    if name in PLAIN | {"a URL"} and {"labels", "name"} & set(keys) and "headers" not in keys:
        return True  # a link is a label that people make
    if name == "a list" and "collector" in keys:
        return True  # of paths
    return name in PLAIN and any(key in SHOWN_BY_DESIGN for key in keys)


def base(port: int) -> dict[str, Any]:
    """Return a configuration of one target, where an echo listens."""
    return {
        "targets": [
            {
                "endpoint": f"http://127.0.0.1:{port}",
                "protocol": "http/protobuf",
                "timeout": "1s",
                "tls": {"insecure": True},
            }
        ]
    }


async def test_no_key_of_the_configuration_shows_a_canary(folder: File) -> None:
    """Each key of the schema, each kind of secret: as an error, or as what a check prints."""
    paths = list(places(inspect.type_info(FileEntry)))
    assert len(paths) > 90
    found, ran = [], 0
    async with echoing() as port:
        for path, name, value in mistakes(iter(paths)):
            world = World(folder, port)
            written = placed(base(port), path, value)
            (folder / "m.yml").write_text(json.dumps(written))
            loaded = world.read(
                lambda world=world: load_configuration(
                    File("m.yml"), world.environ, known_causes=CATALOGUE
                )
            )
            if loaded is not None and name in {
                "a token",
                "a credential",
                "a key",
                "a URL",
                "a reference",
            }:
                ran += 1
                await world.run(loaded)
            if not is_shown(path, name):
                found += [(path, name, trace) for trace in traces_of("\n".join(world.said))[:1]]
    assert not found, "\n".join(map(str, found))
    assert ran > 60


COLLECTOR: Final = {
    "exporters": {"otlphttp": {"endpoint": "http://127.0.0.1:1", "tls": {"insecure": True}}},
    "service": {"pipelines": {"traces": {"exporters": ["otlphttp"]}}},
}
EXTENSIONS: Final = {
    "bearertokenauth": collector_auth._Bearer,
    "basicauth": collector_auth._Basic,
    "headers_setter": collector_auth._HeadersSetter,
}


async def test_no_key_of_a_collector_shows_a_canary(folder: File) -> None:
    """Its exporters and the extensions that authenticate, the scalar in place of each too."""
    found = []
    async with echoing() as port:
        exporter = placed(
            COLLECTOR, ("exporters", "otlphttp", "endpoint"), f"http://127.0.0.1:{port}"
        )
        documents = [
            (("exporters", "otlphttp", *path), exporter)
            for path in ((), *places(inspect.type_info(collector_exporter.ExporterEntry)))
        ]
        for kind, shape in EXTENSIONS.items():
            with_auth = placed(exporter, ("exporters", "otlphttp", "auth"), {"authenticator": kind})
            documents += [
                (("extensions", kind, *path), with_auth)
                for path in ((), *places(inspect.type_info(shape)))
            ]
        assert len(documents) > 50
        (folder / "m.yml").write_text("sources: [{collector: c.yml}]\n")
        for path, document in documents:
            for name, value in MISTAKES.items():
                (folder / "c.yml").write_text(json.dumps(placed(document, path, value)))
                world = World(folder, port)
                loaded = world.read(
                    lambda world=world: load_configuration(File("m.yml"), world.environ)
                )
                if loaded is not None and name in {"a token", "a credential", "a key", "a URL"}:
                    await world.run(loaded)
                if not is_shown(path, name):
                    found += [(path, name, trace) for trace in traces_of("\n".join(world.said))[:1]]
    assert not found, "\n".join(map(str, found))


def test_no_key_of_an_sdk_file_shows_a_canary(folder: File) -> None:
    """The declarative file, by every name that its format has had."""
    found = []
    (folder / "m.yml").write_text("sources: [{sdk: s.yml}]\n")
    exporter = ("tracer_provider", "processors", 0, "batch", "exporter", "otlp_http")
    paths = [path for path in places(inspect.type_info(SdkFile)) if path[:4] == exporter[:4]]
    assert len(paths) > 30
    for path, name, value in mistakes(iter(paths)):
        document = placed({"file_format": "1.0"}, path, value)
        (folder / "s.yml").write_text(json.dumps(document))
        world = World(folder, 1)
        world.read(lambda world=world: load_configuration(File("m.yml"), world.environ))
        if not is_shown(path, name):
            found += [(path, name, trace) for trace in traces_of("\n".join(world.said))[:1]]
    assert not found, "\n".join(map(str, found))


def test_no_key_of_a_web_file_shows_a_canary(folder: File) -> None:
    """Users, hashes, keys and headers of the exporter-toolkit's format."""
    found = []
    paths = [*places(inspect.type_info(WebFileEntry)), ("basic_auth_users", "x-entry")]
    for path, name, value in mistakes(iter(paths)):
        (folder / "web.yml").write_text(json.dumps(placed({}, path, value)))
        try:
            WebConfig(folder / "web.yml")
        except ConfigurationError as error:
            if not is_shown(path, name):
                found += [(path, name, trace) for trace in traces_of(str(error))[:1]]
    assert not found, "\n".join(map(str, found))


async def test_no_variable_shows_a_canary(folder: File) -> None:
    """Every variable that anybody asks for, found by asking, not by a list."""
    rich = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
        "HTTPS_PROXY": "http://127.0.0.1:1",
    }
    recorded = Recorded(rich)
    load_from_environment(recorded)
    (folder / "m.yml").write_text("sources: [{sdk: environment}]\n")
    load_configuration(File("m.yml"), recorded)
    names = sorted(recorded.asked)
    assert len(names) > 40
    assert "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY" in names

    found = []
    async with echoing() as port:
        for name in names:
            for kind, value in MISTAKES.items():
                for text in (value, f"authorization={value}"):
                    if not isinstance(value, str):
                        continue
                    here = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", name: text}
                    world = World(folder, port)
                    register_environment(world.register, here)
                    loaded = world.read(lambda here=here: load_from_environment(here))
                    if loaded is not None and kind in {"a token", "a key"}:
                        await world.run(loaded)
                    by_design = name in VARIABLES_SHOWN or name.startswith("K8S_")
                    is_path = name.endswith(("CERTIFICATE", "CLIENT_KEY")) and kind in PLAIN
                    if not (by_design or is_path):
                        said = "\n".join(world.said)
                        found += [(name, kind, trace) for trace in traces_of(said)[:1]]
    assert not found, "\n".join(map(str, found))
