"""Variables that do not do what they read like are said, and name the runtime that differs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.config.errors import ConfigurationError
from probe.config.sources.sdk.environment import read_environment
from probe.text.safe_text import LIMIT, safe_text
from tests.support.reported_faults import targets_in
from tests.support.sdk_environment import P, targets

GRPC = "https://c:4317"
HTTP = "https://c:4318"
PAIR = {"CLIENT_CERTIFICATE": "/c", "CLIENT_KEY": "/k"}
ALL = {"CERTIFICATE": "/ca", **PAIR}


def facts(name: str = "sdk", **variables: str) -> str:
    """Return the findings about one target, a line each."""
    return "\n".join(remark.fact for remark in targets(**variables)[name].remarks)


@pytest.mark.parametrize("endpoint", [GRPC, HTTP])
def test_settings_that_do_what_they_say_have_no_finding(endpoint: str) -> None:
    """A whole set of files from one kind of variable, with https://."""
    assert facts(ENDPOINT=endpoint, **ALL) == ""
    assert facts(ENDPOINT=endpoint, INSECURE="false", HEADERS="a=b") == ""


def test_each_finding_has_an_id_a_fix_and_room_on_a_line() -> None:
    """No fact is cut where it is shown, whatever the variables hold."""
    found = targets(
        ENDPOINT="http://c:4317", INSECURE="false", TIMEOUT="9" * 99, TRACES_CLIENT_KEY="/k", **ALL
    )
    remarks = [remark for target in found.values() for remark in target.remarks]
    assert len(remarks) >= 4
    for remark in remarks:
        assert remark.cause == "exporter_setting_ignored"
        assert remark.fix
        assert len(remark.fact) <= LIMIT


@pytest.mark.parametrize(
    ("endpoint", "timeout", "said"),
    [
        (GRPC, "10000", "10 s by the specification and in Go (milliseconds), 10000 s in Python"),
        (GRPC, "10", "0.01 s by the specification"),
        (GRPC, "2.5", "Go uses 10 s, Python takes it as 2.5 s"),
        (GRPC, "10s", "Python does not start"),
        (HTTP, "10s", "Python uses 10 s"),
        (HTTP, "nan", "Python takes it as nan s"),
    ],
)
def test_the_unit_of_a_timeout_is_said_aloud(endpoint: str, timeout: str, said: str) -> None:
    """Milliseconds here, seconds there: whatever is set, one of them reads it otherwise."""
    assert said in facts(ENDPOINT=endpoint, TIMEOUT=timeout)


def test_a_signals_own_timeout_is_named() -> None:
    """The variable that decides; a timeout makes no target of its own, so each is said once."""
    said = facts(ENDPOINT=GRPC, TIMEOUT="10000", LOGS_TIMEOUT="5000").splitlines()
    assert [fact.partition("=")[0] for fact in said] == [P + "TIMEOUT", P + "LOGS_TIMEOUT"]


@pytest.mark.parametrize(
    ("variables", "ignored", "needed"),
    [
        (PAIR, P + "CLIENT_CERTIFICATE", f"only where {P}CERTIFICATE is set"),
        (
            {"CERTIFICATE": "/ca", "TRACES_CLIENT_CERTIFICATE": "/c", "TRACES_CLIENT_KEY": "/k"},
            P + "TRACES_CLIENT_CERTIFICATE",
            f"only where {P}TRACES_CERTIFICATE is set",
        ),
        (
            {"TRACES_CERTIFICATE": "/ca", **PAIR},
            P + "CLIENT_CERTIFICATE",
            f"{P}TRACES_CERTIFICATE is set, and it does not mix",
        ),
        (
            {"TRACES_CERTIFICATE": "/own", **ALL},
            P + "CLIENT_CERTIFICATE",
            "it does not mix",
        ),
    ],
)
def test_pythons_grpc_exporter_drops_a_pair_without_its_ca(
    variables: dict[str, str], ignored: str, needed: str
) -> None:
    """It reads all three files from the kind of variable whose CERTIFICATE is set."""
    said = facts("sdk-traces", TRACES_ENDPOINT=GRPC, **variables)
    assert f"Python's gRPC exporter ignores {ignored}:" in said
    assert needed in said
    assert "Python's gRPC" not in facts("sdk-traces", TRACES_ENDPOINT=HTTP, **variables)


@pytest.mark.parametrize(
    ("more", "before"),
    [
        ({"REQUESTS_CA_BUNDLE": "/site", "CURL_CA_BUNDLE": "/curl"}, "REQUESTS_CA_BUNDLE"),
        ({"CURL_CA_BUNDLE": "/curl"}, "CURL_CA_BUNDLE"),
        ({"REQUESTS_CA_BUNDLE": ""}, None),
        ({"REQUESTS_CA_BUNDLE": "/ca"}, None),
        ({"SSL_CERT_FILE": "/site"}, None),
    ],
)
def test_pythons_http_exporter_asks_requests_first(
    more: dict[str, str], before: str | None
) -> None:
    """`requests` puts its own variables above what it is given; gRPC knows nothing of them."""
    said = {}
    for endpoint in (HTTP, GRPC):
        environ = {P + "ENDPOINT": endpoint, P + "CERTIFICATE": "/ca", **more}
        (target,) = targets_in(read_environment(environ))
        said[endpoint] = [remark.fact for remark in target.remarks]
    expected = f"Python's HTTP exporter ignores {P}CERTIFICATE: {before} is set"
    assert [fact.startswith(expected) for fact in said[HTTP]] == [True] * (before is not None)
    assert said[GRPC] == []


def test_a_whole_set_of_a_signals_own_is_no_trap() -> None:
    """Also together with generic ones."""
    own = {f"TRACES_{name}": f"/t{path}" for name, path in ALL.items()}
    assert facts("sdk-traces", ENDPOINT=GRPC, **own, **ALL) == ""


def test_half_a_pair_is_passed_over_by_go() -> None:
    """Only where both variables of a kind are set does Go use them."""
    said = facts(ENDPOINT=HTTP, CLIENT_CERTIFICATE="/c")
    assert f"{P}CLIENT_CERTIFICATE is set without {P}CLIENT_KEY: Go passes over it" in said
    said = facts(ENDPOINT=HTTP, CLIENT_KEY="/k")
    assert f"{P}CLIENT_KEY is set without {P}CLIENT_CERTIFICATE" in said


def test_halves_of_two_kinds_are_mixed_by_some() -> None:
    """Python's HTTP exporter takes each half from where it is set."""
    said = facts("sdk-logs", ENDPOINT=HTTP, LOGS_CLIENT_CERTIFICATE="/l", **ALL)
    assert f"joins it with {P}CLIENT_KEY" in said
    assert "joins" not in facts("sdk-logs", ENDPOINT=GRPC, LOGS_CLIENT_CERTIFICATE="/l", **ALL)


@pytest.mark.parametrize(
    ("endpoint", "insecure", "files", "said"),
    [
        (GRPC, "true", {}, "TLS stays on; but Go's traces exporter then sends in plaintext"),
        (GRPC, "true", {"CERTIFICATE": "/ca"}, "TLS stays on"),
        (HTTP, "true", {"CERTIFICATE": "/ca"}, "Go's traces exporter does not start with it"),
        (HTTP, "true", PAIR, "Go's traces exporter does not start with it"),
        ("http://c:4317", "false", {}, "and Python's gRPC exporter then use TLS"),
        ("http://c:4318", "false", {}, "Go's traces exporter then uses TLS"),
    ],
)
def test_insecure_that_the_scheme_overrides(
    endpoint: str, insecure: str, files: dict[str, str], said: str
) -> None:
    """By the specification the scheme decides; Go's trace and metric exporters read it last."""
    found = facts(ENDPOINT=endpoint, INSECURE=insecure, **files)
    assert f"{P}INSECURE has no effect with an {endpoint.partition(':')[0]}:// endpoint" in found
    assert said in found


def test_gos_log_exporter_follows_the_specification() -> None:
    """There INSECURE does nothing with https://, and the fact has no exception."""
    said = facts("sdk-logs", LOGS_ENDPOINT=GRPC, LOGS_INSECURE="true")
    assert said == f"{P}LOGS_INSECURE has no effect with an https:// endpoint: TLS stays on"


@pytest.mark.parametrize(
    ("variables", "silent"),
    [
        ({"ENDPOINT": GRPC, "INSECURE": "false"}, True),
        ({"ENDPOINT": "http://c:4317", "INSECURE": "true"}, True),
        ({"ENDPOINT": "http://c:4317"}, True),
        ({"ENDPOINT": "http://c:4317", "INSECURE": "0"}, False),
    ],
)
def test_insecure_that_agrees_is_no_trap(variables: dict[str, str], *, silent: bool) -> None:
    """Anything but `true` means false."""
    assert (facts(**variables) == "") is silent


@pytest.mark.parametrize(
    ("endpoint", "files", "said"),
    [
        ("http://c:4317", {"CERTIFICATE": "/ca"}, "Go's gRPC exporters use TLS nevertheless"),
        ("http://c:4318", {"CERTIFICATE": "/ca"}, "Go's HTTP exporters do not start"),
        ("http://c:4318", PAIR, "Go's HTTP exporters do not start"),
    ],
)
def test_certificates_with_http(endpoint: str, files: dict[str, str], said: str) -> None:
    """They have no effect by the specification; what Go makes of them differs by protocol."""
    found = facts(ENDPOINT=endpoint, **files)
    assert "telemetry goes in plaintext" in found
    assert said in found


def test_half_a_pair_with_http_changes_nothing_in_go() -> None:
    """Go makes no TLS configuration of it."""
    said = facts(ENDPOINT="http://c:4318", CLIENT_KEY="/k")
    assert f"{P}CLIENT_KEY has no effect with an http:// endpoint" in said
    assert "do not start" not in said


@pytest.mark.parametrize(
    ("value", "said"), [("true", True), (" TRUE ", True), ("false", False), ("1", False)]
)
def test_a_disabled_sdk_sends_nothing(value: str, *, said: bool) -> None:
    """The backend is well, and no telemetry comes: only `true` means so."""
    (target,) = targets_in(read_environment({P + "ENDPOINT": GRPC, "OTEL_SDK_DISABLED": value}))
    assert ["OTEL_SDK_DISABLED is true" in remark.fact for remark in target.remarks] == [
        True
    ] * said


def test_an_endpoint_without_a_scheme_is_lost_on_go() -> None:
    """It parses a URL; Python takes host:port."""
    assert "has no scheme: Go's exporters ignore it" in facts(ENDPOINT="c:4317")


@pytest.mark.parametrize(
    ("endpoint", "value", "said"),
    [
        (GRPC, "zstd", "Python's gRPC exporter does not start"),
        (
            HTTP,
            "zstd",
            "Python's HTTP exporter sends uncompressed or does not start, by its version",
        ),
        (GRPC, "deflate", "Python's gRPC exporter does not start"),
        (HTTP, "deflate", "Python's HTTP exporter takes it"),
        (GRPC, "GZIP", "Python's gRPC exporter takes it"),
        (GRPC, "none", "Python's gRPC exporter does not start with it, it knows gzip alone"),
    ],
)
def test_a_compression_that_some_sdk_does_not_take(endpoint: str, value: str, said: str) -> None:
    """Go continues silently, others do not start: it depends on the runtime."""
    found = facts(ENDPOINT=endpoint, COMPRESSION=value)
    assert found.startswith(f"{P}COMPRESSION={value}")
    assert found.endswith(said)
    assert ("Go sends uncompressed" in found) == (value != "none")


@pytest.mark.parametrize(
    ("endpoint", "value"), [(GRPC, "gzip"), (HTTP, "gzip"), (HTTP, "none"), (GRPC, ""), (GRPC, " ")]
)
def test_a_compression_that_every_sdk_takes(endpoint: str, value: str) -> None:
    """There is no finding, and an empty variable is one that is not set."""
    assert facts(ENDPOINT=endpoint, COMPRESSION=value) == ""


def test_a_signals_own_compression_is_named_and_a_secret_is_not_shown() -> None:
    """The variable that decides; a key that was put there by mistake is described."""
    (remark,) = targets(TRACES_ENDPOINT=GRPC, TRACES_COMPRESSION="zstd")["sdk-traces"].remarks
    assert f"{P}TRACES_COMPRESSION=zstd" in remark.fact
    assert remark.fix == (f"Set {P}TRACES_COMPRESSION to gzip or none.",)
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
    assert token[:20] not in facts(ENDPOINT=GRPC, COMPRESSION=token)


@pytest.mark.parametrize("value", ["gzip", "none", "deflate", "zstd", "GZIP"])
@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_pythons_own_exporters_do_so(
    protocol: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said of Python, by the exporters that are installed here."""
    name = f"opentelemetry.exporter.otlp.proto.{protocol}.trace_exporter"
    exporter = pytest.importorskip(name).OTLPSpanExporter
    monkeypatch.setenv(f"{P}COMPRESSION", value)
    refused = pytest.importorskip("opentelemetry.exporter.otlp.proto.grpc.exporter")
    try:
        exporter(endpoint="http://127.0.0.1:1").shutdown()
        starts = True
    except refused.InvalidCompressionValueException:
        starts = False
    said = facts(ENDPOINT=GRPC if protocol == "grpc" else HTTP, COMPRESSION=value)
    kind = "gRPC" if protocol == "grpc" else "HTTP"
    assert starts == (f"Python's {kind} exporter does not start" not in said)


names = st.sampled_from(["", "TRACES_", "LOGS_"]).flatmap(
    lambda prefix: st.sampled_from(["ENDPOINT", "INSECURE", "TIMEOUT", "COMPRESSION", *ALL]).map(
        lambda name: P + prefix + name
    )
)
values = st.text(max_size=40) | st.sampled_from([GRPC, HTTP, "http://c:4317", "c:4317", "true"])


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(names, values, max_size=8))
def test_any_environment_gives_short_findings_or_an_error(environ: dict[str, str]) -> None:
    """Each once, and fit to be shown."""
    try:
        found = targets_in(read_environment(environ))
    except ConfigurationError:
        return
    for target in found:
        assert len(set(target.remarks)) == len(target.remarks)
        for remark in target.remarks:
            assert safe_text(remark.fact) == remark.fact
