"""Which signals an SDK's variables send where: shared, on their own, or nowhere."""

import pytest

from probe.config.sources.sdk.environment import read_environment
from tests.support.reported_faults import targets_in
from tests.support.sdk_environment import P, only, targets


@pytest.mark.parametrize(
    ("exporters", "signal", "left_out"),
    [
        ({}, "traces", ()),
        ({"TRACES": "otlp", "METRICS": "none"}, "traces", ("METRICS",)),
        ({"TRACES": "none"}, "metrics", ("TRACES",)),
        ({"TRACES": "console", "METRICS": "prometheus"}, "logs", ("TRACES", "METRICS")),
        ({"TRACES": "console, OTLP"}, "traces", ()),
        ({"TRACES": "otlp_proto_http"}, "traces", ()),
        ({"TRACES": "otlp/stdout"}, "metrics", ("TRACES",)),
    ],
)
def test_a_signal_without_an_otlp_exporter_is_left_out(
    exporters: dict[str, str], signal: str, left_out: tuple[str, ...]
) -> None:
    """A backend of metrics alone is not asked for traces, and the target says what it leaves out."""
    environ = {P + "ENDPOINT": "https://c:4318"}
    environ |= {f"OTEL_{name}_EXPORTER": value for name, value in exporters.items()}
    (target,) = targets_in(read_environment(environ))

    assert (target.name, target.signal, target.endpoint.path) == ("sdk", signal, f"/v1/{signal}")
    said = [note for note in target.notes if "no OTLP exporter" in note]
    assert [note.partition(" ")[0] for note in said] == [
        f"OTEL_{name}_EXPORTER" for name in left_out
    ]
    assert target.remarks == ()


def test_a_signals_own_endpoint_without_an_exporter_is_no_target() -> None:
    """Nothing would be sent there; the others keep theirs."""
    found = targets_in(
        read_environment(
            {
                P + "ENDPOINT": "https://c:4318",
                P + "METRICS_ENDPOINT": "https://m:4318/v1/metrics",
                "OTEL_METRICS_EXPORTER": "none",
            }
        )
    )
    assert [target.name for target in found] == ["sdk"]


@pytest.mark.parametrize("endpoint", ["ENDPOINT", "LOGS_ENDPOINT"])
def test_where_no_exporter_is_left_the_endpoints_are_probed_all_the_same(endpoint: str) -> None:
    """Somebody set them: a finding says that an SDK sends nothing there."""
    environ = {P + endpoint: "https://c:4318/v1/logs"}
    environ |= {f"OTEL_{name}_EXPORTER": "none" for name in ("TRACES", "METRICS", "LOGS")}
    (target,) = targets_in(read_environment(environ))

    assert f"OTEL_{target.signal.upper()}_EXPORTER has no OTLP exporter" in target.remarks[0].fact


def test_signals_with_an_endpoint_of_their_own_are_further_targets() -> None:
    """The generic target then stands for the first signal that is left."""
    found = targets(ENDPOINT="https://c:4317", TRACES_ENDPOINT="https://t:4317")
    assert {name: target.signal for name, target in found.items()} == {
        "sdk": "metrics",
        "sdk-traces": "traces",
    }
    assert set(targets(METRICS_ENDPOINT="https://m:4317")) == {"sdk-metrics"}


def test_a_generic_endpoint_that_no_signal_uses_is_no_target() -> None:
    """With an endpoint for each signal the generic one has no effect in an SDK."""
    own = {
        f"{signal}_ENDPOINT": f"https://{signal}:4317" for signal in ("TRACES", "METRICS", "LOGS")
    }
    assert set(targets(ENDPOINT="https://c:4317", **own)) == {
        "sdk-traces",
        "sdk-metrics",
        "sdk-logs",
    }


@pytest.mark.parametrize(
    ("variable", "endpoint", "path"),
    [
        ("ENDPOINT", "https://c:4318", "/v1/traces"),
        ("ENDPOINT", "https://c:4318/base/", "/base/v1/traces"),
        ("ENDPOINT", "https://c:4318/b?k=v", "/b/v1/traces?k=v"),
        ("TRACES_ENDPOINT", "https://c:4318/own", "/own"),
        ("TRACES_ENDPOINT", "https://c:4318", "/"),
        ("TRACES_ENDPOINT", "https://c:4317", ""),
    ],
)
def test_the_signals_path_is_appended_to_a_base_only(
    variable: str, endpoint: str, path: str
) -> None:
    """A per-signal endpoint is used as it is; gRPC has no path."""
    assert only(**{variable: endpoint}).endpoint.path == path


def test_a_signals_own_certificate_does_not_mix_with_the_generic_key() -> None:
    """The pair comes from one kind of variables, the CA from whichever is set."""
    found = targets(
        ENDPOINT="https://c:4317",
        CERTIFICATE="/ca",
        CLIENT_CERTIFICATE="/c",
        CLIENT_KEY="/k",
        LOGS_CLIENT_CERTIFICATE="/logs",
    )
    assert (found["sdk"].tls.cert_file, found["sdk"].tls.key_file) == ("/c", "/k")
    logs = found["sdk-logs"].tls
    assert (logs.ca_file, logs.cert_file, logs.key_file) == ("/ca", "/logs", None)


def test_a_signals_headers_replace_the_generic_ones() -> None:
    """They make that signal a target of its own."""
    found = targets(ENDPOINT="https://c:4317", HEADERS="a=b", METRICS_HEADERS="c=d")
    assert [name for name, _ in found["sdk-metrics"].headers] == ["c"]
