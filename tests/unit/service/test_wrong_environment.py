"""A sidecar never takes its application down: whatever its environment says, it is up and explains.

Each environment is wrong in another way; put right, by a new file or by a restart with other
variables, the backend is probed within five seconds.
"""

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.config.loader import load_from_environment
from tests.support.backends import Backend
from tests.support.command_line import run_probe, running_service
from tests.support.demo_pki import PKI

pytestmark = pytest.mark.slow

P: Final = "OTEL_EXPORTER_OTLP_"
SOURCE_UP: Final = 'mtls_probe_source_up{source="environment"}'
NOTHING: Final = "mtls_probe_nothing_to_probe"
WITHIN: Final = 5.0
"""Seconds from a change to the first attempt with it; the machine may be busy."""


def right(backend: Backend, folder: Path) -> dict[str, str]:
    """Return the variables of an exporter that `backend` accepts, with its files in `folder`."""
    tls = PKI.settings(folder, PKI.exporter())
    assert tls.ca_file
    assert tls.cert_file
    assert tls.key_file
    return {
        P + "ENDPOINT": f"https://127.0.0.1:{backend.port}",
        P + "PROTOCOL": "grpc",
        P + "CERTIFICATE": tls.ca_file,
        P + "CLIENT_CERTIFICATE": tls.cert_file,
        P + "CLIENT_KEY": tls.key_file,
    }


@dataclass(frozen=True)
class Wrong:
    """What is wrong: variables in the place of the right ones (None: unset), and what is said."""

    says: str
    """Part of the explanation on page, log or target."""
    variables: Mapping[str, str | None] = field(default_factory=dict)
    source_up: int = 0
    cause: str = ""
    """Of the target that fails; empty where there is none."""


WRONG: Final = {
    "no variable at all": Wrong(
        "set OTEL_EXPORTER_OTLP_ENDPOINT to the backend",
        dict.fromkeys(
            (
                P + "ENDPOINT",
                P + "PROTOCOL",
                P + "CERTIFICATE",
                P + "CLIENT_CERTIFICATE",
                P + "CLIENT_KEY",
            )
        ),
    ),
    "a misspelt endpoint": Wrong(
        "OTEL_EXPORTER_OTLP_ENDPOIN is set: was OTEL_EXPORTER_OTLP_ENDPOINT meant?",
        {P + "ENDPOINT": None, P + "ENDPOIN": "https://collector:4317"},
    ),
    "an endpoint without a port": Wrong("has no port", {P + "ENDPOINT": "collector"}),
    "an endpoint that is no URL": Wrong(
        "OTEL_EXPORTER_OTLP_ENDPOINT", {P + "ENDPOINT": "http://["}
    ),
    "a protocol of JSON": Wrong("http/json", {P + "PROTOCOL": "http/json"}),
    "a protocol that is none": Wrong(
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        {P + "PROTOCOL": "grcp"},
        cause="exporter_configuration_invalid",
    ),
    "a header without =": Wrong(
        "OTEL_EXPORTER_OTLP_HEADERS: its member 1 is not name=value",
        {P + "HEADERS": "authorization"},
        cause="exporter_configuration_invalid",
    ),
    "a proxy that is none": Wrong(
        "HTTPS_PROXY",
        {P + "ENDPOINT": "https://collector.example.com:4318", "HTTPS_PROXY": "socks5://p:1"},
        cause="exporter_configuration_invalid",
    ),
    "a certificate without its key": Wrong(
        "client_file_missing",
        {P + "CLIENT_KEY": None},
        source_up=1,
        cause="client_file_missing",
    ),
    "a declarative file that is not there": Wrong(
        "cannot be read", {"OTEL_CONFIG_FILE": "/nowhere/sdk.yaml"}
    ),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_environment_is_up_ready_and_explained(
    backend: Backend, tmp_path: Path, name: str
) -> None:
    """Page, log and metrics say what is wrong; a restart with the right variables probes."""
    wrong = WRONG[name]
    good = right(backend, tmp_path)
    environ = {key: text for key, text in (good | wrong.variables).items() if text is not None}
    async with running_service(None, environ) as service:
        assert (await service.get("/-/healthy"))[0] == 200
        assert (await service.get("/-/ready"))[0] == 200
        if wrong.cause:
            await service.reaches('mtls_probe_attempts_total{target="sdk"}', 1)
            assert await service.sample('mtls_probe_success{target="sdk"}') == 0
            document = json.loads((await service.get("/api/v1/targets"))[1])
            (result,) = document["results"]
            assert (result["stage"], result["cause"]) == ("load", wrong.cause)
        assert await service.sample(SOURCE_UP) == wrong.source_up
        assert await service.sample(NOTHING) == (not wrong.cause)
        page = (await service.get("/"))[1]
        assert wrong.says in page.replace("&#39;", "'")
        if not wrong.source_up:
            (logged,) = [line for line in service.logged if line["event"] == "source_down"]
            assert logged["source"] == "environment"
            assert wrong.says in logged["reason"]
        ended = await service.stop()
        assert ended.code == 0
    async with running_service(None, good) as service:
        await service.reaches('mtls_probe_success{target="sdk"}', 1, WITHIN)
        assert await service.sample(SOURCE_UP) == 1


@pytest.mark.parametrize("name", WRONG)
async def test_check_exits_1_for_each_and_its_document_can_be_read(
    backend: Backend, tmp_path: Path, name: str
) -> None:
    """Nothing but the document is on stdout; what was looked for and what to do is on stderr."""
    wrong = WRONG[name]
    good = right(backend, tmp_path)
    environ = {key: text for key, text in (good | wrong.variables).items() if text is not None}
    ended = await run_probe("check", "--output", "json", env=environ)
    assert ended.code == 1
    (source,) = ended.document["sources"]
    assert (source["source"], source["up"]) == ("environment", bool(wrong.source_up))
    assert len(ended.document["results"]) == source["targets"] == bool(wrong.cause)
    if not wrong.source_up:
        assert wrong.says in source["error"]
        assert wrong.says in ended.err
    if not wrong.cause:
        assert "there is nothing to probe" in ended.err


SDK_FILE: Final = """
tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_grpc:
            endpoint: {ENDPOINT}
            tls: {{ca_file: {CERTIFICATE}, cert_file: {CLIENT_CERTIFICATE}, key_file: {CLIENT_KEY}}}
"""


@pytest.mark.parametrize("before", [None, "", "tracer_provider: [", "disabled: true", "FIFO"])
async def test_a_file_that_is_put_right_is_probed_within_five_seconds(
    backend: Backend, tmp_path: Path, before: str | None
) -> None:
    """The variables name a file that is missing, empty, broken, off or no file: no restart is due."""
    names = {name.removeprefix(P): text for name, text in right(backend, tmp_path).items()}
    file = tmp_path / "sdk.yaml"
    if before == "FIFO":
        # With no writer: whoever opened it to read would wait for ever.
        os.mkfifo(file)
    elif before is not None:
        file.write_text(before, "utf-8")
    async with running_service(None, {"OTEL_CONFIG_FILE": str(file)}) as service:
        assert (await service.get("/-/ready"))[0] == 200
        assert await service.sample(SOURCE_UP) == 0
        new = tmp_path / "new.yaml"
        new.write_text(SDK_FILE.format(**names), "utf-8")
        new.rename(file)
        await service.reaches('mtls_probe_success{target="sdk-traces"}', 1, WITHIN)
        assert await service.sample(SOURCE_UP) == 1
        assert await service.sample(NOTHING) == 0
        assert "sources of targets" not in (await service.get("/"))[1]
        assert (await service.stop()).code == 0


async def test_credential_files_that_come_late_are_probed_within_five_seconds(
    backend: Backend, tmp_path: Path
) -> None:
    """The Secret was mounted after the start: the missing files are the target's result until then."""
    variables = right(backend, tmp_path)
    key = Path(variables[P + "CLIENT_KEY"])
    held = key.read_bytes()
    key.unlink()
    async with running_service(None, variables) as service:
        await service.reaches('mtls_probe_attempts_total{target="sdk"}', 1)
        assert await service.sample('mtls_probe_success{target="sdk"}') == 0
        key.write_bytes(held)
        await service.reaches('mtls_probe_success{target="sdk"}', 1, WITHIN)
        assert (await service.stop()).code == 0


async def test_one_wrong_variable_of_a_signal_fails_its_own_target(
    backend: Backend, tmp_path: Path
) -> None:
    """Traces and logs go on; metrics have a target that fails, with the variable named."""
    variables = right(backend, tmp_path) | {P + "METRICS_HEADERS": "no-equals-sign"}
    ended = await run_probe("check", "--output", "json", env=variables)
    assert ended.code == 1
    results = {one["target"]: one for one in ended.document["results"]}
    assert results["sdk"]["outcome"] == "confirmed"
    assert results["sdk-metrics"]["cause"] == "exporter_configuration_invalid"
    assert P + "METRICS_HEADERS" in results["sdk-metrics"]["facts"][0]
    assert ended.document["sources"][0]["up"] is True


@pytest.mark.parametrize("there", [False, True])
async def test_the_applications_own_variables_are_left_alone(
    backend: Backend, tmp_path: Path, *, there: bool
) -> None:
    """A folder for metrics of the application and a file for its TLS secrets: missing, or not ours."""
    folder = tmp_path / "multiproc"
    if there:
        folder.mkdir()
    variables = right(backend, tmp_path) | {
        "PROMETHEUS_MULTIPROC_DIR": str(folder),
        "SSLKEYLOGFILE": str(folder / "keys.log"),
    }
    async with running_service(None, variables) as service:
        await service.reaches('mtls_probe_success{target="sdk"}', 1)
        assert (await service.stop()).code == 0
    assert list(tmp_path.glob("multiproc/*")) == []


_names = st.sampled_from(
    [
        *(P + kind + name for kind in ("", "TRACES_", "METRICS_", "LOGS_") for name in (
            "ENDPOINT", "PROTOCOL", "HEADERS", "CERTIFICATE", "CLIENT_KEY", "INSECURE", "TIMEOUT",
        )),
        *("OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "HTTPS_PROXY"),
        *("NO_PROXY", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME", "OTEL_CONFIG_FILE"),
        *("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_BSP_MAX_QUEUE_SIZE"),
        *("K8S_POD_NAME", "HOSTNAME"),
    ]
)  # fmt: skip
_texts = st.text(max_size=20) | st.sampled_from(
    [
        *(
            "https://c:4317",
            "http://[::1]:4318/x?t=1",
            "c:4317",
            "grpc",
            "http/json",
            "true",
            "otlp",
        ),
        *("a=b,c=%zz", "http://[", "https://:1", "\udcff", "none", "/", "/dev/zero", "\ud800=x"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(_names, _texts, max_size=8))
def test_any_environment_is_a_configuration(environ: dict[str, str]) -> None:
    """Nothing raises; without a target that can be tried something says why."""
    found = load_from_environment(environ)
    (state,) = found.source_states
    assert state.source == "environment"
    assert state.up == (state.error is None)
    assert state.targets == len(found.targets)
    if not any(not target.faults for target in found.targets):
        assert not state.up
    assert bool(found.nothing_to_probe) == (not found.targets)


async def test_a_port_that_is_taken_ends_the_probe() -> None:
    """It could not be asked whether it is healthy: that it ends is what tells people."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = await run_probe("run", "--listen", address)
    assert ended.code == 2
    assert f"cannot listen on {address}" in ended.err


async def test_a_configuration_file_with_an_error_ends_the_probe(tmp_path: Path) -> None:
    """Whoever names a file means it: with --config a mistake in it is still exit 2."""
    file = tmp_path / "probe.yml"
    file.write_text("targts: []", "utf-8")
    assert (await run_probe("run", "--config", file)).code == 2
