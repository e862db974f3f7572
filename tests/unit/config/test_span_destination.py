"""Where the probe's own spans go: as the SDK's variables say, and nowhere unasked."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.config.configuration import SAMPLE_SUCCESSES
from probe.config.loader import load_configuration, load_from_environment
from probe.config.span_destination import QUEUE, SpanDestination, read_span_destination
from tests.support.command_line import configuration

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
OF_TRACES = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({ENDPOINT: "http://c:4318"}, ("http/protobuf", "http://c:4318")),
        ({ENDPOINT: "http://c:4318", OF_TRACES: "http://t/x"}, ("http/protobuf", "http://t/x")),
        ({ENDPOINT: "https://c:4317"}, ("grpc", "https://c:4317")),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, ("http/protobuf", "http://localhost:4318")),
        (
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            ("grpc", "http://localhost:4317"),
        ),
        (
            {
                ENDPOINT: "https://c:4317",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc",
            },
            ("grpc", "https://c:4317"),
        ),
        ({ENDPOINT: "https://me:secret@c:4318/x?token=1"}, ("http/protobuf", "https://c:4318/x")),
    ],
)
def test_the_sdks_variables_decide(environ: dict[str, str], expected: tuple[str, str]) -> None:
    """The signal's own variable first; what may be a secret is not shown."""
    destination, warnings = read_span_destination(environ)
    assert destination == SpanDestination(expected[0], expected[1], QUEUE)  # type: ignore[arg-type]  # one of the two
    assert warnings == ()


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {ENDPOINT: " "},
        {ENDPOINT: "http://c:4318", "OTEL_TRACES_EXPORTER": "none"},
        {ENDPOINT: "http://c:4318", "OTEL_SDK_DISABLED": "TRUE"},
        {ENDPOINT: "http://c:4318", "OTEL_TRACES_SAMPLER": "always_off"},
        {ENDPOINT: "http://c:4318", "OTEL_TRACES_SAMPLER": "parentbased_always_off"},
        {"OTEL_METRICS_EXPORTER": "otlp"},
    ],
)
def test_nothing_is_sent_unasked(environ: dict[str, str]) -> None:
    """Without an endpoint, or where it is switched off; this is not reported."""
    assert read_span_destination(environ) == (None, ())


@pytest.mark.parametrize("exporter", ["", "otlp", "none", "zipkin", "console,otlp"])
def test_what_is_probed_is_another_exporters(exporter: str) -> None:
    """The variables of a sidecar's application get no spans of the probe's, unless that is said."""
    environ = {ENDPOINT: "http://c:4318", "OTEL_TRACES_EXPORTER": exporter}
    destination, warnings = read_span_destination(environ, probed=True)
    assert (destination is not None) is ("otlp" in exporter)
    assert warnings == ()


@pytest.mark.parametrize(
    ("sources", "goes"),
    [([], True), ([{"sdk": "environment"}], False), ([{"sdk": "/nowhere.yaml"}], True)],
)
def test_a_configuration_says_whose_the_variables_are(
    tmp_path: Path, sources: list[dict[str, str]], goes: bool
) -> None:
    """They are the probe's own, except where it reads its targets from them."""
    (tmp_path / "sdk.yaml").write_text(
        "file_format: '1.0'\ntracer_provider: {processors: []}\n", encoding="utf-8"
    )
    named = [{"sdk": each["sdk"].replace("/nowhere", str(tmp_path / "sdk"))} for each in sources]
    path = configuration(tmp_path, {"endpoint": "https://c:4317"}, sources=named)
    loaded = load_configuration(path, {ENDPOINT: "https://c:4318"})
    assert (loaded.spans_to is not None) is goes


def test_without_a_configuration_they_are_what_is_probed() -> None:
    """A sidecar next to its application: nothing but the attempts goes to the backend."""
    assert load_from_environment({ENDPOINT: "https://c:4318"}).spans_to is None
    asked = {ENDPOINT: "https://c:4318", "OTEL_TRACES_EXPORTER": "otlp"}
    assert load_from_environment(asked).spans_to is not None


@pytest.mark.parametrize(
    ("environ", "reported"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "use otlp or none"),
        ({ENDPOINT: "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, "http/protobuf"),
        ({ENDPOINT: "collector:4318"}, "begins with http:// or https://"),
        ({ENDPOINT: "https://"}, "begins with http:// or https://"),
        ({ENDPOINT: "unix:///run/otlp"}, "begins with http:// or https://"),
    ],
)
def test_what_there_is_not_is_reported(environ: dict[str, str], reported: str) -> None:
    """No spans are sent, probing goes on, and the user learns what to write."""
    destination, (warning,) = read_span_destination(environ)
    assert destination is None
    assert reported in warning


@pytest.mark.parametrize(
    ("sampler", "ratio", "share"),
    [
        ("always_on", "0.5", 1.0),
        ("parentbased_always_on", "", 1.0),
        ("traceidratio", "0.25", 0.25),
        ("parentbased_traceidratio", " 1e-3 ", 0.001),
        ("TraceIdRatio", "", 1.0),
        ("traceidratio", "0", 0.0),
        ("", "0.25", SAMPLE_SUCCESSES),
    ],
)
def test_the_sampler_says_how_many_successes_are_recorded(
    tmp_path: Path, sampler: str, ratio: str, share: float
) -> None:
    """As the SDK reads its variables; the file's own word comes first."""
    environ = {
        ENDPOINT: "https://c:4318",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_TRACES_SAMPLER": sampler,
        "OTEL_TRACES_SAMPLER_ARG": ratio,
    }
    target = {"endpoint": "https://c:4317"}
    assert load_from_environment(environ).sample_successes == share
    for written, expected in (({}, share), ({"telemetry": {"sample_successes": 0.5}}, 0.5)):
        loaded = load_configuration(configuration(tmp_path, target, **written), environ)
        assert (loaded.sample_successes, loaded.warnings) == (expected, ())


@pytest.mark.parametrize(
    ("sampler", "ratio", "share", "reported"),
    [
        ("parentbased_XRay", "", SAMPLE_SUCCESSES, 'OTEL_TRACES_SAMPLER is "parentbased_XRay"'),
        ("traceidratio", "1.5", 1.0, "not from 0 to 1"),
        ("traceidratio", "-0.1", 1.0, "not from 0 to 1"),
        ("traceidratio", "nan", 1.0, "not from 0 to 1"),
        ("traceidratio", "\u0661", 1.0, "not from 0 to 1"),
    ],
)
def test_a_sampler_that_nobody_can_follow_is_reported_and_ignored(
    tmp_path: Path, sampler: str, ratio: str, share: float, reported: str
) -> None:
    """Spans are sent all the same, as the specification asks of such a value."""
    environ = {
        ENDPOINT: "https://c:4318",
        "OTEL_TRACES_SAMPLER": sampler,
        "OTEL_TRACES_SAMPLER_ARG": ratio,
    }
    path = configuration(tmp_path, {"endpoint": "https://c:4317"})
    loaded = load_configuration(path, environ)
    assert loaded.spans_to is not None
    assert loaded.sample_successes == share
    assert reported in loaded.warnings[0]


@given(st.text(max_size=12))
def test_any_ratio_is_read(ratio: str) -> None:
    """The ratio of any content leaves a share from 0 to 1."""
    environ = {
        ENDPOINT: "http://c",
        "OTEL_TRACES_SAMPLER": "traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": ratio,
    }
    destination, _ = read_span_destination(environ)
    assert destination is not None
    assert destination.sample_successes is not None
    assert 0 <= destination.sample_successes <= 1


@given(st.text(max_size=12))
def test_the_queue_is_a_number_or_the_default(text: str) -> None:
    """OTEL_BSP_MAX_QUEUE_SIZE of any content leaves a queue with an end."""
    destination, _ = read_span_destination({ENDPOINT: "http://c", "OTEL_BSP_MAX_QUEUE_SIZE": text})
    assert destination is not None
    assert 0 < destination.queue <= 1_000_000


def test_the_queue_is_as_long_as_asked_for() -> None:
    """Spans that wait, in all."""
    destination, _ = read_span_destination(
        {ENDPOINT: "http://c", "OTEL_BSP_MAX_QUEUE_SIZE": " 64 "}
    )
    assert destination is not None
    assert destination.queue == 64
