"""What an SDK does where its variables say nothing is set as it would do it, and said."""

from collections.abc import Mapping
from dataclasses import replace

from probe.config.sources.process.effective_settings import EffectiveSettings, choose_settings
from probe.config.sources.process.recognised import Recognised

P = "OTEL_EXPORTER_OTLP_"
JAVA = Recognised(
    runtime="Java", by="x", exporter="java-okhttp", sdk="an agent", protocol="grpc", zero_code=True
)


def choose(found: Recognised, environ: Mapping[str, str] | None = None) -> EffectiveSettings:
    """Return the settings of a process with `environ`."""
    return choose_settings(replace(found, settings=environ or {}), "collector")


def test_an_sdk_without_variables_exports_to_localhost() -> None:
    """Over the protocol that it speaks by itself; Go's with TLS."""
    assert choose(JAVA).environ[P + "ENDPOINT"] == "http://localhost:4317"
    http = replace(JAVA, protocol="http/protobuf")
    assert choose(http).environ[P + "ENDPOINT"] == "http://localhost:4318"
    assert choose(replace(JAVA, secure=True)).environ[P + "ENDPOINT"].startswith("https://")
    plain = choose(replace(JAVA, secure=True), {P + "INSECURE": "true"})
    assert plain.environ[P + "ENDPOINT"].startswith("http://")


def test_without_an_sdk_nothing_is_assumed() -> None:
    """Nor where no signal is exported over OTLP."""
    assert P + "ENDPOINT" not in choose(replace(JAVA, sdk="")).environ
    none = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}
    assert P + "ENDPOINT" not in choose(JAVA, none).environ


def test_signals_without_an_endpoint_go_to_the_default_of_an_agent() -> None:
    """A program may have an exporter of one signal alone: there nothing is assumed."""
    one = {P + "TRACES_ENDPOINT": "https://backend:4317"}
    assert P + "ENDPOINT" in choose(JAVA, one).environ
    assert P + "ENDPOINT" not in choose(replace(JAVA, zero_code=False), one).environ
    rest = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "console"}
    assert P + "ENDPOINT" not in choose(JAVA, one | rest).environ


def test_a_program_with_one_exporter_has_its_protocol() -> None:
    """Whatever a variable says, and a note says that it has no effect."""
    go = Recognised(
        runtime="Go", by="x", exporter="go-grpc", sdk="x", only_protocol="grpc", secure=True
    )
    found = choose(go, {P + "PROTOCOL": "http/protobuf", P + "TRACES_PROTOCOL": "http/protobuf"})
    assert found.environ[P + "PROTOCOL"] == "grpc"
    assert P + "TRACES_PROTOCOL" not in found.environ
    assert any("no effect" in note for note in found.notes)


def test_the_exporter_is_the_one_of_the_protocol() -> None:
    """Of a runtime without a model the caller's choice counts, and a note says so."""
    python = Recognised(runtime="Python", by="x", exporter="python-grpc", sdk="x")
    assert choose(python, {P + "PROTOCOL": "http/protobuf"}).exporter == "python-http"
    ruby = choose(Recognised(runtime="Ruby", by="x"))
    assert ruby.exporter == "collector"
    assert any("no model" in note for note in ruby.notes)
    assert any("nothing shows" in note for note in choose(Recognised(runtime="", by="")).notes)


def test_proxies_count_where_the_runtime_asks_them() -> None:
    """Java's are properties; Node's HTTP client has none."""
    proxy = {"HTTPS_PROXY": "http://proxy:3128"}
    assert "HTTPS_PROXY" not in choose(JAVA, proxy).environ
    named = choose(replace(JAVA, proxy="http://java:80"), proxy)
    assert named.environ["HTTPS_PROXY"] == "http://java:80"
    assert choose(Recognised(runtime="Go", by="", exporter="go-grpc"), proxy).environ == proxy
