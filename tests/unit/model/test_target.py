"""Endpoints in every spelling, secrets that stay secret, and when OTLP is without TLS."""

import json
import pickle
import string
from dataclasses import asdict

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.model.target import (
    Endpoint,
    Secret,
    Source,
    Target,
    TlsSettings,
    default_protocol,
)

HIDDEN = "hunter2-never-shown"

LABEL = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)
HOSTS = st.one_of(
    st.lists(LABEL, min_size=1, max_size=4).map(".".join),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
)
PORTS = st.integers(1, 65535)
PATHS = st.sampled_from(["", "/v1/traces", "/a/b?c=d", "/p@th"])


@given(HOSTS, PORTS)
@settings(max_examples=60)
def test_host_and_port_are_read_back(host: str, port: int) -> None:
    """Whatever `str` writes, `parse` reads as the same endpoint; an IPv6 address has brackets."""
    endpoint = Endpoint(host, port)
    assert Endpoint.parse(str(endpoint)) == endpoint
    assert str(endpoint).startswith("[") == (":" in host)


@given(HOSTS, PORTS, PATHS, st.sampled_from(["http", "https"]))
@settings(max_examples=60)
def test_a_url_is_read_in_its_parts(host: str, port: int, path: str, scheme: str) -> None:
    """Scheme, host, port and path each stay as they are; surrounding space is removed."""
    authority = Endpoint(host, port).authority
    endpoint = Endpoint.parse(f"  {scheme.upper()}://{authority}{path}\n")
    assert endpoint == Endpoint(host, port, path=path, scheme=scheme)


@given(st.text(max_size=60))
@settings(max_examples=300)
def test_any_text_is_an_endpoint_or_a_value_error(text: str) -> None:
    """Nothing but ValueError is raised, and what is accepted can stand in a request."""
    try:
        endpoint = Endpoint.parse(text)
    except ValueError as error:
        assert str(error)
        return
    assert 1 <= endpoint.port <= 65535
    assert endpoint.host
    assert endpoint.host.isascii() or ":" in endpoint.host or endpoint.host.encode("idna")
    str(endpoint).encode("utf-8")


@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotes_of_an_environment_file_are_named(quote: str) -> None:
    """Docker's --env-file keeps them: the scheme would be called unknown, and the text not shown."""
    with pytest.raises(ValueError, match="begins with a quotation mark"):
        Endpoint.parse(f"{quote}https://collector:4317{quote}")


@pytest.mark.parametrize(
    ("text", "port"),
    [("https://collector", 443), ("http://collector", 80), ("https://collector:4318", 4318)],
)
def test_a_url_without_port_has_its_schemes_port(text: str, port: int) -> None:
    """RFC 9110 §4.2 gives https and http their ports."""
    assert Endpoint.parse(text).port == port


def test_host_alone_needs_a_default_port() -> None:
    """Without scheme and port there is nothing to guess, unless the caller knows."""
    with pytest.raises(ValueError, match="has no port"):
        Endpoint.parse("collector")
    assert Endpoint.parse("collector", default_port=4317).port == 4317


def test_a_root_path_is_no_path() -> None:
    """`https://host:port/` means what `https://host:port` means."""
    assert Endpoint.parse("https://c:1/") == Endpoint.parse("https://c:1")


def test_a_name_beyond_ascii_is_kept_as_written() -> None:
    """A name that has a form in ASCII (RFC 5890) is an endpoint."""
    assert Endpoint.parse("münchen.example:4317").host == "münchen.example"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("ftp://c:1", "the scheme"),
        ("unix:///run/otel.sock", "the scheme"),
        ("https://me:pw@c:1", "no user name or password"),
        ("me@c:1", "no user name or password"),
        ("c:http", "is not a number"),
        ("c:65536", "is not a number"),
        ("c:-1", "is not a number"),
        ("c:0", "has no port"),
        (":4317", "has no host"),
        ("https://", "has no host"),
        ("a b:1", "a space or a control character"),
        ("a\u00a0b:1", "a space or a control character"),
        ("a\nb:1", "a space or a control character"),
        ("a\x1b[31m:1", "a space or a control character"),
        ("a\x9b31m:1", "a space or a control character"),
        ("a\udcff:1", "a space or a control character"),
        ("https://c:1/\udcff", "a space or a control character"),
        ("a\\b:1", "cannot be written in a request"),
        ("\u202e" * 64 + "ü:1", "cannot be written in a request"),
        ("ü" * 64 + ":1", "cannot be written in a request"),
        ("[::1:4317", ""),
        ("[collector]:4317", ""),
    ],
)
def test_what_is_no_endpoint_is_named(text: str, reason: str) -> None:
    """The reason is given, and repeats nothing of the text, which may be a secret."""
    with pytest.raises(ValueError) as raised:
        Endpoint.parse(text)
    assert reason in str(raised.value)
    assert str(raised.value).isprintable()


def target_with_secrets() -> Target:
    """Return a target that holds a secret wherever it can hold one."""
    return Target(
        name="t",
        endpoint=Endpoint("c", 4317),
        tls=TlsSettings(key_pem=Secret(HIDDEN)),
        headers=(("authorization", Secret(f"Bearer {HIDDEN}")),),
        proxy_url=Secret(f"http://me:{HIDDEN}@proxy:3128"),
    )


def test_a_secret_is_only_revealed() -> None:
    """`reveal` is the one way out: no rendering of a secret, or of what holds it, shows it."""
    secret, target = Secret(HIDDEN), target_with_secrets()
    assert secret.reveal() == HIDDEN
    for held in (secret, target, target.tls, target.headers, asdict(target), [secret]):
        for shown in (repr(held), str(held), f"{held}", f"{held!r:.500}", "%s" % (held,)):  # noqa: UP031
            assert HIDDEN not in shown
    assert format(secret) == "Secret(…)"


def test_a_secret_goes_into_no_json() -> None:
    """Neither library writes it: as an error, never as its text."""
    for held in (Secret(HIDDEN), target_with_secrets()):
        for encode in (json.dumps, msgspec.json.encode):
            with pytest.raises(TypeError) as raised:
                encode(held)
            assert HIDDEN not in str(raised.value)
    assert HIDDEN not in json.dumps({"secret": Secret(HIDDEN)}, default=str)


def test_a_secret_goes_into_no_pickle() -> None:
    """What would be written to a file or sent to a process does not hold it."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(Secret(HIDDEN), protocol)


def test_secrets_are_compared_by_text() -> None:
    """A target whose header has not changed is the same target, one whose header has is not."""
    assert target_with_secrets() == target_with_secrets()
    assert len({target_with_secrets(), target_with_secrets()}) == 1
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert hash(Secret("a")) != hash("a")


@pytest.mark.parametrize(
    ("scheme", "tls", "plaintext"),
    [
        ("", TlsSettings(), False),
        ("https", TlsSettings(), False),
        ("http", TlsSettings(), True),
        ("http", TlsSettings(insecure=True), True),
        ("", TlsSettings(insecure=True), True),
        ("", TlsSettings(insecure=True, ca_file="ca.crt"), False),
        ("", TlsSettings(insecure=True, ca_pem="…"), False),
        ("", TlsSettings(insecure=True, cert_file="tls.crt"), True),
        ("", TlsSettings(insecure_skip_verify=True), False),
    ],
)
def test_when_otlp_is_spoken_in_plaintext(scheme: str, tls: TlsSettings, plaintext: bool) -> None:
    """By http://, or by `insecure` without a CA (configtls.ClientConfig), and not otherwise."""
    target = Target(name="t", endpoint=Endpoint("c", 4317, scheme=scheme), tls=tls)
    assert target.plaintext is plaintext


@given(PORTS)
@settings(max_examples=30)
def test_only_4318_means_http(port: int) -> None:
    """4318 is registered for OTLP over HTTP; any other port defaults to gRPC."""
    assert default_protocol(port) == ("http/protobuf" if port == 4318 else "grpc")
    assert default_protocol(4318) == "http/protobuf"


@pytest.mark.parametrize(
    ("tls", "asked"),
    [
        (TlsSettings(), False),
        (TlsSettings(ca_file="ca.crt"), False),
        (TlsSettings(cert_file="tls.crt"), True),
        (TlsSettings(key_file="tls.key"), True),
        (TlsSettings(cert_pem="…"), True),
        (TlsSettings(key_pem=Secret("…")), True),
    ],
)
def test_half_a_pair_asks_for_a_client_certificate(tls: TlsSettings, asked: bool) -> None:
    """Either half of the pair, in either form, says that the user wants mutual TLS."""
    assert tls.has_client_certificate is asked


def test_the_reference_identifier_is_the_override_or_the_host() -> None:
    """What the backend's certificate must hold (RFC 9525 §2.3)."""
    endpoint = Endpoint("c", 4317)
    assert Target(name="t", endpoint=endpoint).reference_identifier == "c"
    override = TlsSettings(server_name_override="other")
    assert Target(name="t", endpoint=endpoint, tls=override).reference_identifier == "other"


def test_a_target_names_the_kinds_of_its_sources() -> None:
    """A target found in two places has both."""
    sources = (Source("configuration"), Source("sdk", "environment"))
    target = Target(name="t", endpoint=Endpoint("c", 1), sources=sources)
    assert list(target.source_kinds()) == ["configuration", "sdk"]
