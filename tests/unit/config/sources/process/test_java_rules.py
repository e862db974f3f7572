"""What Java's SDK refuses is refused; each row was tried with opentelemetry-java 1.68."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.config.sources.process.java_rules import find_java_faults, use_java_files
from probe.model.target import Endpoint, Target

P = "OTEL_EXPORTER_OTLP_"
HTTP = {P + "PROTOCOL": "http/protobuf"}
NO_METRICS_LOGS = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({P + "ENDPOINT": ""}, "ENDPOINT"),
        ({P + "TRACES_ENDPOINT": "", P + "ENDPOINT": "https://c:1"}, "TRACES_ENDPOINT"),
        ({P + "ENDPOINT": "https://c:4317/x"}, "ENDPOINT"),
        ({P + "ENDPOINT": "https://c:4318/?x=1", **HTTP}, "ENDPOINT"),
        ({P + "ENDPOINT": "https://c:4318/#f", **HTTP}, "ENDPOINT"),
        ({P + "ENDPOINT": "c:4317"}, "ENDPOINT"),
        ({P + "PROTOCOL": ""}, "PROTOCOL"),
        ({P + "TRACES_PROTOCOL": ""}, "TRACES_PROTOCOL"),
        ({P + "PROTOCOL": "http/json"}, "PROTOCOL"),
        ({P + "PROTOCOL": " grpc "}, "PROTOCOL"),
        ({P + "CLIENT_KEY": "k"}, "CLIENT_KEY"),
        ({P + "COMPRESSION": "zz"}, "COMPRESSION"),
        ({P + "TIMEOUT": "zz"}, "TIMEOUT"),
    ],
)
def test_what_stops_every_exporter(environ: dict[str, str], name: str) -> None:
    """The error names the variable, and not what an endpoint holds."""
    (error, *_) = find_java_faults(environ | NO_METRICS_LOGS)
    assert error.key == P + name
    assert "?x=1" not in str(error)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {P + "ENDPOINT": "https://c:4317/"},
        {P + "ENDPOINT": " https://c:4317 "},
        {P + "ENDPOINT": "https://c:4318/x", **HTTP},
        {P + "CLIENT_KEY": "k", P + "TRACES_CLIENT_CERTIFICATE": "c"},
        {P + "TIMEOUT": "10s", P + "COMPRESSION": "gzip"},
        {P + "TRACES_ENDPOINT": "", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_what_does_not(environ: dict[str, str]) -> None:
    """Nor does what is wrong with a signal that is not exported."""
    assert find_java_faults(NO_METRICS_LOGS | environ) == ()


def test_the_default_decides_over_the_path() -> None:
    """Agents from 2.0 on speak HTTP by themselves."""
    environ = {P + "ENDPOINT": "https://c:4318/x"}
    assert find_java_faults(environ)
    assert find_java_faults(environ, "http/protobuf") == ()


def test_each_half_of_the_pair_comes_from_its_own_variable() -> None:
    """The signal's before the general one, one by one."""
    environ = {P + "CLIENT_KEY": "k", P + "CLIENT_CERTIFICATE": "c", P + "TRACES_CLIENT_KEY": "own"}
    target = Target(name="t", endpoint=Endpoint("c", 1, scheme="https"), exporter="java-okhttp")
    tls = use_java_files(target, environ).tls
    assert (tls.cert_file, tls.key_file) == ("c", "own")


@given(
    st.dictionaries(
        st.sampled_from([P + "ENDPOINT", P + "PROTOCOL", P + "TIMEOUT"]), st.text(max_size=30)
    )
)
def test_any_values_are_judged(environ: dict[str, str]) -> None:
    """Whatever they are."""
    find_java_faults(environ)
