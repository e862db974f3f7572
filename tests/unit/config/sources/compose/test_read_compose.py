"""A compose file gives the targets of its services, with the files that they would see."""

import errno
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.config.errors import ConfigurationError
from probe.config.source_content import SourceContent
from probe.config.sources.compose.read_compose import read_compose
from probe.config.sources.sdk.formats import recognise_format
from probe.model.runtime import COLLECTOR, JAVA_OKHTTP
from probe.model.surroundings import Container
from probe.model.target import Target
from probe.surroundings.container_files import ContainerFiles

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def make_readers(
    files: dict[str, str],
) -> tuple[Callable[[str], bytes], Callable[[str], list[str]]]:
    """Return what reads `files`, and what lists their directories."""

    def read_file(name: str) -> bytes:
        if name in files:
            return files[name].encode()
        if any(file.startswith(f"{name}/") for file in files):
            raise ValueError("it is a directory, not a file")
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", name)

    def list_directory(name: str) -> list[str]:
        below = {
            file[len(name) + 1 :].partition("/")[0] for file in files if file.startswith(f"{name}/")
        }
        return sorted(below)

    return read_file, list_directory


def read(text: str, files: dict[str, str] | None = None, **environ: str) -> SourceContent:
    """Return the content of /app/compose.yaml."""
    return read_compose(
        text.encode(), "/app/compose.yaml", environ, COLLECTOR.id, *make_readers(files or {})
    )


def only(text: str, files: dict[str, str] | None = None, **environ: str) -> Target:
    """Return its one target."""
    content = read(text, files, **environ)
    assert content.errors == ()
    (target,) = content.targets
    return target


@pytest.mark.parametrize(
    "environment",
    [
        f"{{{ENDPOINT}: 'https://c:4317'}}",
        f"['{ENDPOINT}=https://c:4317']",
        f"{{{ENDPOINT}: 'https://${{B}}:4317'}}",
        f"{{{ENDPOINT}: 'https://${{NO:-c}}:4317'}}",
        f"['{ENDPOINT}']",
        f"{{{ENDPOINT}: }}",
    ],
)
def test_the_environment_of_a_service(environment: str) -> None:
    """A mapping or a list; references; a name alone is taken from outside."""
    target = only(
        f"services: {{app: {{image: x, environment: {environment}}}}}",
        B="c",
        OTEL_EXPORTER_OTLP_ENDPOINT="https://c:4317",
    )

    assert (target.name, target.endpoint.host) == ("app: sdk", "c")


def test_environment_comes_over_env_files_and_dot_env_gives_references() -> None:
    """Files are relative to that of compose; one that is not required may be missing."""
    text = (
        "services: {app: {image: x, env_file: [a.env, {path: no.env, required: false}],"
        " environment: {OTEL_EXPORTER_OTLP_PROTOCOL: grpc}}}"
    )
    files = {
        "/app/.env": "BACKEND=c\n",
        "/app/a.env": f'{ENDPOINT}="https://$BACKEND:1"\nOTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n',
    }
    target = only(text, files)

    assert (target.endpoint.host, target.protocol) == ("c", "grpc")


def test_files_are_those_of_mounts_configs_and_secrets() -> None:
    """They stay in memory, with the file of the host as their origin."""
    text = f"""
services:
  app:
    image: x
    environment:
      {ENDPOINT}: https://c:4317
      OTEL_EXPORTER_OTLP_CERTIFICATE: /certs/ca.pem
    volumes: [./certs:/certs:ro, data:/data, {{type: bind, source: /one.pem, target: /one.pem}}]
    secrets: [key, {{source: key, target: /k2}}]
    configs: [{{source: inline, target: /inline}}]
secrets: {{key: {{file: ./tls.key}}}}
configs: {{inline: {{content: "text"}}}}
"""
    files = {"/app/certs/ca.pem": "CA", "/app/tls.key": "KEY", "/one.pem": "ONE"}
    container = only(text, files).runs_in

    assert isinstance(container, Container)
    assert {one.path: (one.origin, one.content) for one in container.files} == {
        "/certs/ca.pem": ("/app/certs/ca.pem", b"CA"),
        "/one.pem": ("/one.pem", b"ONE"),
        "/run/secrets/key": ("/app/tls.key", b"KEY"),
        "/k2": ("/app/tls.key", b"KEY"),
        "/inline": ("configs inline", b"text"),
    }
    assert [one.path for one in container.unknown] == ["/data"]


def test_a_java_service_has_javas_options_and_verdict() -> None:
    """The command is read as its machine reads it."""
    text = "services: {a: {build: ., command: 'java -Dotel.exporter.otlp.endpoint=https://c:4318 -jar a'}}"
    target = only(text)

    assert (target.endpoint.host, target.exporter) == ("c", JAVA_OKHTTP.id)


def test_a_collector_is_read_from_what_it_mounts() -> None:
    """A config, or a bind mount."""
    text = """
services:
  col:
    image: otel/opentelemetry-collector-contrib:0.140.0
    command: [--config=/etc/otel/c.yaml]
    volumes: ["./c.yaml:/etc/otel/c.yaml"]
"""
    collector = (
        "receivers: {otlp: {protocols: {grpc: {}}}}\nexporters: {otlp: {endpoint: 'backend:4317'}}\n"
        "service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}\n"
    )
    target = only(text, {"/app/c.yaml": collector})

    assert (target.name, target.endpoint.host) == ("col: otlp", "backend")


def test_a_service_as_a_backend_is_a_note() -> None:
    """Its name leads nowhere from the host."""
    text = f"services: {{a: {{image: x, environment: {{{ENDPOINT}: 'https://col:4317'}}}}, col: {{image: y}}}}"

    assert "col is a service of the compose file" in only(text).notes[-1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: {a: {image: x, env_file: no.env}}", "cannot be read"),
        ("services: {a: {image: x, environment: {X: '${Y:?must}'}}}", "asks for a variable"),
        ('services: {a: {image: x, command: "java \'x"}}', "does not end"),
        ("services: [a]", "must be a mapping"),
    ],
)
def test_what_compose_refuses_is_an_error_with_its_line(text: str, said: str) -> None:
    """Nothing would start."""
    try:
        (error,) = read(text).errors
    except ConfigurationError as raised:
        error = raised

    assert said in error.reason
    assert error.line == 1


def test_one_bad_service_stops_no_other() -> None:
    """Its neighbour is probed."""
    text = f"services: {{a: {{image: x, env_file: no.env}}, b: {{image: x, environment: [{ENDPOINT}=https://c]}}}}"
    content = read(text)

    assert [target.name for target in content.targets] == ["b: sdk"]
    assert len(content.errors) == 1


@pytest.mark.parametrize("named", ["base", "{service: base}"])
def test_a_service_has_what_it_extends(named: str) -> None:
    """Its own variables come over those of the other, in either form, and its mounts are added."""
    text = f"""
services:
  base:
    image: x
    environment: {{{ENDPOINT}: 'https://c:4317', OTEL_EXPORTER_OTLP_CERTIFICATE: /certs/ca.pem}}
    volumes: [./certs:/certs]
  pay:
    extends: {named}
    environment: [OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=/pay/tls.crt]
    volumes: [./pay:/pay]
"""
    content = read(text, {"/app/certs/ca.pem": "CA", "/app/pay/tls.crt": "C"})

    assert content.errors == ()
    assert [target.name for target in content.targets] == ["base: sdk", "pay: sdk"]
    tls, container = content.targets[1].tls, content.targets[1].runs_in
    assert (tls.ca_file, tls.cert_file) == ("/certs/ca.pem", "/pay/tls.crt")
    assert isinstance(container, Container)
    assert {one.path for one in container.files} == {"/certs/ca.pem", "/pay/tls.crt"}


def test_a_service_that_extends_one_of_another_file_is_not_probed_by_half() -> None:
    """Its settings are not all here; a service that exports nothing may extend what it likes."""
    text = f"""
services:
  a: {{image: x, extends: {{file: base.yaml, service: b}}, environment: ['{ENDPOINT}=https://c']}}
  db: {{image: x, extends: {{file: base.yaml, service: db}}}}
"""
    content = read(text)
    assert content.targets == ()
    (error,) = content.errors
    assert "service a: it extends a service of base.yaml" in error.reason


@pytest.mark.parametrize("text", ["a: {image: x, extends: a}", "a: {extends: b}, b: {extends: a}"])
def test_services_that_extend_each_other_end(text: str) -> None:
    """Compose refuses them; reading them stops."""
    assert read(f"services: {{{text}}}").targets == ()


def test_a_large_mount_hides_no_file_of_another_one() -> None:
    """A source tree holds more than is read: what else it has is unknown, and nothing is missing."""
    text = f"""
services:
  app:
    image: x
    environment: {{{ENDPOINT}: 'https://c:4317'}}
    volumes: [.:/src, ./certs:/certs]
"""
    files = {f"/app/{number:04}.js": "" for number in range(900)} | {"/app/certs/ca.pem": "CA"}
    container = only(text, files).runs_in
    assert isinstance(container, Container)
    assert (container.mounts, [one.path for one in container.unknown]) == (("/certs",), ["/src"])
    seen = ContainerFiles(container)
    assert seen.read("/certs/ca.pem", 9) == b"CA"
    assert "the probe reads 500 files" in seen.explain_unknown("/src/tls.key")


def test_a_file_that_the_probe_may_not_read_is_not_missing() -> None:
    """Docker's root can read it."""

    def read_file(name: str) -> bytes:
        if name == "/certs":
            raise ValueError("it is a directory, not a file")
        raise PermissionError(errno.EACCES, "Permission denied", name)

    def list_directory(name: str) -> list[str]:
        if name == "/certs":
            return ["tls.key"]
        raise NotADirectoryError(errno.ENOTDIR, "Not a directory", name)

    text = f"services: {{a: {{image: x, environment: ['{ENDPOINT}=https://c'], volumes: ['/certs:/certs']}}}}"
    content = read_compose(
        text.encode(), "/app/compose.yaml", {}, COLLECTOR.id, read_file, list_directory
    )
    container = content.targets[0].runs_in
    assert isinstance(container, Container)
    (unknown,) = container.unknown
    assert unknown.path == "/certs/tls.key"
    assert unknown.reason == "/certs/tls.key cannot be read: Permission denied"


def test_without_an_exporter_it_says_what_was_looked_for() -> None:
    """No service, or none that exports."""
    assert "none of its services" in read("services: {a: {image: x}}").empty


@pytest.mark.parametrize("name", ["compose.yaml", "docker-compose.yml", "docker-compose.prod.yml"])
def test_it_is_recognised(name: str) -> None:
    """By its name, or by services with images."""
    assert recognise_format(f"/app/{name}", b"") == "compose"
    assert recognise_format("/app/stack.yaml", b"services:\n  a:\n    image: x\n") == "compose"


@given(
    st.recursive(
        st.sampled_from(["x", "1", "~", "./c:/c", "${A}", "{", "$"]),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
            st.dictionaries(
                st.sampled_from(
                    [
                        "services",
                        "a",
                        "image",
                        "environment",
                        "volumes",
                        "secrets",
                        "command",
                        "env_file",
                        "file",
                        "source",
                        "target",
                        "configs",
                        ENDPOINT,
                    ]
                ),
                inner,
                max_size=4,
            ).map(lambda held: f"{{{', '.join(f'{k}: {v}' for k, v in held.items())}}}"),
        ),
        max_leaves=12,
    )
)
def test_any_shape_gives_targets_or_errors(text: str) -> None:
    """Every error has the file's name, or that of a file that it names."""
    try:
        content = read(text)
    except ConfigurationError as error:
        assert error.file == "/app/compose.yaml"
    else:
        assert content.targets or content.errors or content.empty
