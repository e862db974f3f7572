"""The environment of an SDK becomes the targets to which that SDK would export."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.config.errors import ConfigurationError
from probe.config.sources.sdk.environment import read_environment
from probe.model.target import Source
from tests.support.reported_faults import reported, targets_in
from tests.support.sdk_environment import P, only, targets


def test_one_generic_endpoint_is_one_target() -> None:
    """It is named sdk, exports traces and says where it came from."""
    target = only(ENDPOINT="https://collector:4317")
    assert (target.name, target.signal, target.protocol) == ("sdk", "traces", "grpc")
    assert target.sources == (Source("sdk", "environment"),)
    assert not target.plaintext


@pytest.mark.parametrize("environ", [{}, {P + "ENDPOINT": ""}, {P + "HEADERS": "a=b"}])
def test_no_endpoint_is_no_target(environ: dict[str, str]) -> None:
    """An empty variable is one that is not set."""
    assert targets_in(read_environment(environ)) == ()


@pytest.mark.parametrize(
    ("endpoint", "protocol"),
    [
        ("https://c:4317", "grpc"),
        ("https://c:4318", "http/protobuf"),
        ("https://c", "http/protobuf"),
        ("http://c:9000", "http/protobuf"),
        ("c:4317", "grpc"),
    ],
)
def test_the_port_chooses_the_protocol(endpoint: str, protocol: str) -> None:
    """Without PROTOCOL, 4317 is gRPC and any other port HTTP."""
    assert only(ENDPOINT=endpoint).protocol == protocol


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("https://c:4317", "grpc is taken because of port 4317"),
        ("https://c:9", "http/protobuf is taken because of port 9"),
    ],
)
def test_the_choice_of_the_protocol_is_a_fact(endpoint: str, said: str) -> None:
    """No finding: the exporter may well do the same; but whoever reads a result has to know."""
    target = only(ENDPOINT=endpoint)
    (note,) = target.notes
    assert note.startswith(f"{P}PROTOCOL is not set: {said}")
    assert target.remarks == ()


def test_a_protocol_that_is_set_is_no_choice() -> None:
    """By the generic variable or by a signal's own; where both are not set, both are named."""
    assert only(ENDPOINT="https://c:4317", PROTOCOL="grpc").notes == ()
    own = {f"{name}_ENDPOINT": "https://c:4317" for name in ("TRACES", "METRICS")}
    found = targets(**own, METRICS_PROTOCOL="grpc")
    (note,) = found["sdk-traces"].notes
    assert note.startswith(f"neither {P}TRACES_PROTOCOL nor {P}PROTOCOL is set: grpc is taken")
    assert found["sdk-metrics"].notes == ()
    assert targets(**own, PROTOCOL="grpc")["sdk-traces"].notes == ()


def test_protocol_comes_before_the_port() -> None:
    """PROTOCOL decides, and a signal's own decides for it."""
    assert only(ENDPOINT="https://c:4318", PROTOCOL="grpc").protocol == "grpc"
    both = targets(ENDPOINT="https://c:9", PROTOCOL="grpc", LOGS_PROTOCOL="http/protobuf")
    assert both["sdk"].protocol == "grpc"
    assert both["sdk-logs"].protocol == "http/protobuf"


@pytest.mark.parametrize(
    ("endpoint", "insecure", "plaintext"),
    [
        ("https://c:4317", "true", False),
        ("http://c:4317", "false", True),
        ("c:4317", "true", True),
        ("c:4317", "TRUE", True),
        ("c:4317", "1", False),
        ("c:4317", "", False),
    ],
)
def test_the_scheme_comes_before_insecure(endpoint: str, insecure: str, *, plaintext: bool) -> None:
    """INSECURE decides only where the endpoint has no scheme, and only as `true`."""
    assert only(ENDPOINT=endpoint, INSECURE=insecure).plaintext is plaintext


def test_plaintext_stays_plaintext_with_a_certificate_set() -> None:
    """An SDK whose endpoint says http speaks no TLS, whatever else is set."""
    assert only(ENDPOINT="http://c:4317", CERTIFICATE="/ca").plaintext


def test_certificates_and_their_key_are_file_names() -> None:
    """A missing half is left to the attempt's load stage."""
    tls = only(ENDPOINT="https://c:4317", CERTIFICATE="/ca", CLIENT_CERTIFICATE="/c").tls
    assert (tls.ca_file, tls.cert_file, tls.key_file) == ("/ca", "/c", None)


def test_headers_are_baggage() -> None:
    """Names and values are percent-decoded; empty members mean nothing."""
    target = only(ENDPOINT="https://c:4317", HEADERS="authorization=Bearer%20a%3D, x = y=z ,")
    shown = [(name, value.reveal()) for name, value in target.headers]
    assert shown == [("authorization", "Bearer a="), ("x", "y=z")]


def test_the_exporters_timeout_is_not_ours() -> None:
    """TIMEOUT is a request's, in milliseconds or seconds as the SDK likes."""
    assert only(ENDPOINT="https://c:4317", TIMEOUT="10000").timeout == 5.0


@pytest.mark.parametrize(
    ("variables", "key", "reason"),
    [
        ({"ENDPOINT": "unix:///x"}, "ENDPOINT", "scheme"),
        ({"ENDPOINT": "collector"}, "ENDPOINT", "no port"),
        ({"TRACES_ENDPOINT": "https://c:0"}, "TRACES_ENDPOINT", "no port"),
        ({"ENDPOINT": "https://c:1", "PROTOCOL": "http/json"}, "PROTOCOL", "does not speak"),
    ],
)
def test_a_value_that_makes_no_target_names_its_variable(
    variables: dict[str, str], key: str, reason: str
) -> None:
    """The error says which variable to fix."""
    with pytest.raises(ConfigurationError, match=reason) as caught:
        targets(**variables)
    assert caught.value.key == P + key
    assert caught.value.file == "environment"


@pytest.mark.parametrize(
    ("variables", "key", "reason"),
    [
        ({"ENDPOINT": "c:4318"}, "ENDPOINT", "begins with http"),
        ({"PROTOCOL": "grcp"}, "PROTOCOL", "unknown"),
        ({"HEADERS": "a"}, "HEADERS", "member 1"),
        ({"HEADERS": "a=b%0Ac"}, "HEADERS", "illegal"),
        ({"HEADERS": "a=b,c d=e"}, "HEADERS", "member 2"),
        ({"TRACES_HEADERS": "a", "METRICS_HEADERS": "a=b"}, "TRACES_HEADERS", "member 1"),
    ],
)
def test_a_value_without_meaning_fails_its_own_target(
    variables: dict[str, str], key: str, reason: str
) -> None:
    """It names the variable and sends nothing; a signal with variables of its own goes on."""
    found = targets(**{"ENDPOINT": "https://c:1", **variables})
    failing = [target for target in found.values() if target.faults]
    for target in failing:
        (fault,) = target.faults
        assert fault.fact.startswith(f"environment: {P}{key}: ")
        assert reason in fault.fact
        assert f"Correct {P}{key}" in fault.fix[0]
        assert target.headers == ()
    assert len(failing) == 1
    assert len(found) == (3 if key.startswith("TRACES") else 1)


def test_an_endpoint_that_cannot_be_read_leaves_the_other_signals() -> None:
    """Its signal has no target, and an error; the generic endpoint is that of the others."""
    found = read_environment({P + "ENDPOINT": "https://c:4317", P + "LOGS_ENDPOINT": "nowhere"})
    assert [(target.name, target.faults) for target in found.targets] == [("sdk", ())]
    (error,) = found.errors
    assert error.key == P + "LOGS_ENDPOINT"


def test_what_is_no_proxy_fails_the_targets_that_would_use_it() -> None:
    """One that goes without it is not concerned."""
    environ = {
        P + "ENDPOINT": "https://c:4318",
        P + "PROTOCOL": "http/protobuf",
        P + "LOGS_ENDPOINT": "http://c:4318",
        "HTTPS_PROXY": "socks5://p:1",
    }
    proxied, clear = read_environment(environ).targets
    assert [fault.fact for fault in proxied.faults] == [
        "environment: HTTPS_PROXY: a proxy is http://host:port; CONNECT is all that is spoken to it"
    ]
    assert clear.faults == ()


@pytest.mark.parametrize(
    "variables",
    [
        {"ENDPOINT": "https://u:s3cret@c:1"},
        {"ENDPOINT": "https://c:1", "HEADERS": "authorization=s3cret\x01"},
        {"ENDPOINT": "https://c:1", "HEADERS": "s3cret"},
    ],
)
def test_errors_show_no_secret(variables: dict[str, str]) -> None:
    """Neither a password nor a header's value is part of an error."""
    assert "s3cret" not in reported(lambda: targets(**variables).values())


@pytest.mark.parametrize(
    ("endpoint", "excepted", "proxied"),
    [
        ("https://c.example.com:4317", "", True),
        ("https://c.example.com:4317", "example.com", False),
        ("https://c.example.com:4317", ".example.com", False),
        ("https://example.com:4317", ".example.com", True),
        ("https://c.example.com:4317", "*.example.com", False),
        ("https://notexample.com:4317", "example.com", True),
        ("https://c.example.com:4317", "c.example.com:4318", True),
        ("https://c.example.com:4317", "c.example.com:4317", False),
        ("https://c.example.com:4317", "*", False),
        ("https://10.1.2.3:4317", "10.0.0.0/8", False),
        ("https://10.1.2.3:4317", "10.1.2.3", False),
        ("https://10.1.2.3:4317", "2.3,nonsense/99", True),
        ("https://[2001:db8::1]:4317", "[2001:db8::1]:4317", False),
        ("https://localhost:4317", "", False),
        ("https://127.0.0.1:4317", "", False),
        ("http://c.example.com:4318", "", False),
        ("http://c.example.com:4317", "", True),
    ],
)
def test_the_proxy_of_the_environment_is_used(
    endpoint: str, excepted: str, *, proxied: bool
) -> None:
    """HTTPS_PROXY and NO_PROXY are honoured by Go's rules."""
    environ = {P + "ENDPOINT": endpoint, "HTTPS_PROXY": "proxy:3128", "NO_PROXY": excepted}
    (target,) = targets_in(read_environment(environ))
    shown = target.proxy_url.reveal() if target.proxy_url else None
    assert shown == ("http://proxy:3128" if proxied else None)


names = st.sampled_from(["", "TRACES_", "METRICS_", "LOGS_"]).flatmap(
    lambda prefix: st.sampled_from(
        ["ENDPOINT", "PROTOCOL", "INSECURE", "CERTIFICATE", "CLIENT_KEY", "HEADERS"]
    ).map(lambda name: P + prefix + name)
)
values = st.text(max_size=20) | st.sampled_from(
    [
        "https://c:4317",
        "http://[::1]:4318/x",
        "c:4317",
        "grpc",
        "true",
        "a=b",
        "http://[",
        "https://:1",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(names | st.just("HTTPS_PROXY"), values, max_size=6))
def test_any_environment_gives_targets_or_an_error(environ: dict[str, str]) -> None:
    """Nothing else ever comes out, and names are unique."""
    with suppress(ConfigurationError):
        found = targets_in(read_environment(environ))
        assert len({target.name for target in found}) == len(found)


@pytest.mark.parametrize(
    "endpoint", ["ftp://c/?token=s3cret", "c:9?token=s3cret", "https://c:99999/?token=s3cret"]
)
def test_an_error_shows_no_query_of_an_endpoint(endpoint: str) -> None:
    """It may hold a token."""
    assert "s3cret" not in reported(lambda: (only(ENDPOINT=endpoint),))
