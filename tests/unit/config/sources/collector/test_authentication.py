"""The `auth:` of a Collector's exporter becomes headers, or a warning that it cannot."""

import pytest

from probe.config.source_content import SourceContent
from tests.support.collector_texts import headers_of, reading, with_exporter
from tests.support.reported_faults import reported

PARTS = pytest.mark.parametrize


def authenticated(
    extension: str, settings: str, *lines: str, kind: str = "otlp_http", **files: str
) -> SourceContent:
    """Read an exporter that authenticates by `extension`."""
    base = lines or ("endpoint: https://c",)
    text = with_exporter(kind, *base, f"auth: {{authenticator: {extension}}}")
    held = {name.replace("_", "/", 1): text for name, text in files.items()}
    started = f"service::extensions: [{extension}]\n"
    return reading(f"{started}extensions: {{{extension}: {settings}}}\n{text}", files=held)


def chained(setter: str, other: str, *lines: str, kind: str) -> SourceContent:
    """Read an exporter that authenticates by headers_setter, which may add another extension."""
    text = with_exporter(kind, *lines, "auth: {authenticator: headers_setter}")
    started = f"service::extensions: [headers_setter, {other.partition(':')[0]}]\n"
    return reading(f"{started}extensions:\n  headers_setter: {setter}\n  {other}\n{text}")


@PARTS(
    ("extension", "settings", "headers"),
    [
        ("bearertokenauth", "{token: abc}", {"Authorization": "Bearer abc"}),
        ("bearertokenauth/x", "{tokens: [a, b]}", {"Authorization": "Bearer a"}),
        ("bearertokenauth", "{token: a, scheme: '', header: X-Key}", {"X-Key": "a"}),
        ("bearertokenauth", "{token: a, filename: /token}", {"Authorization": "Bearer held"}),
        (
            "basicauth",
            "{client_auth: {username: u, password: p}}",
            {"Authorization": "Basic dTpw"},
        ),
        (
            "basicauth/x",
            "{client_auth: {username: u, password_file: /password}}",
            {"Authorization": "Basic dTpw"},
        ),
        ("headers_setter", "{headers: [{key: A, value: b}]}", {"A": "b"}),
        (
            "headers_setter",
            "{headers: [{key: a, value: 1st}, {key: A, value: 2nd, action: insert}]}",
            {"a": "1st"},
        ),
        (
            "headers_setter",
            "{headers: [{key: a, value: b, action: update}, {key: c, value: d, action: delete}]}",
            {},
        ),
        (
            "headers_setter",
            "{headers: [{key: a, from_context: x, default_value: d}]}",
            {"a": "d"},
        ),
        ("headers_setter", "{headers: [{key: a, value_file: /password}]}", {"a": "p"}),
    ],
)
def test_what_an_extension_adds_is_sent(
    extension: str, settings: str, headers: dict[str, str]
) -> None:
    """Bearer tokens, user names with passwords, and headers whose value does not change."""
    found = authenticated(extension, settings, _token="held\nsecond\n", _password="p\n")
    (target,) = found.targets
    assert headers_of(target) == headers
    assert found.warnings == ()


def test_an_extension_comes_over_the_exporters_own_headers() -> None:
    """It is closer to the wire than `headers`; names ignore case. Over gRPC both are sent."""
    lines = ("endpoint: https://c:4317", "headers: {AUTHORIZATION: own, A: b}")
    (target,) = authenticated("bearertokenauth", "{token: t}", *lines).targets
    assert headers_of(target) == {"Authorization": "Bearer t", "A": "b"}
    (target,) = authenticated("bearertokenauth", "{token: t}", *lines, kind="otlp").targets
    assert [(name, value.reveal()) for name, value in target.headers] == [
        ("authorization", "Bearer t"),
        ("a", "b"),
        ("authorization", "own"),
    ]


SETTER = "{headers: [{key: a, value: b}, {key: authorization, value: own}], additional_auth: %s}"


@PARTS(("kind", "authorization"), [("otlp_http", "Bearer t"), ("otlp", "own")])
def test_additional_auth_is_added_as_the_extension_does(kind: str, authorization: str) -> None:
    """Over HTTP it comes after headers_setter, and over what that has set; over gRPC before it."""
    endpoint = "endpoint: https://c:4317"
    found = chained(SETTER % "bearertokenauth", "bearertokenauth: {token: t}", endpoint, kind=kind)
    headers = {name.lower(): value for name, value in headers_of(found.targets[0]).items()}
    assert headers == {"a": "b", "authorization": authorization}
    assert found.warnings == ()


@PARTS(("action", "left"), [("delete", ["x"]), ("update", ["x"]), ("upsert", ["y", "x"])])
def test_over_grpc_an_action_sees_no_header_of_the_exporter(action: str, left: list[str]) -> None:
    """Per-call credentials are made apart from `headers`; over HTTP an action does see them."""
    settings = f"{{headers: [{{key: own, value: y, action: {action}}}]}}"
    lines = ("endpoint: https://c:4317", "headers: {own: x}")
    (target,) = authenticated("headers_setter", settings, *lines, kind="otlp").targets
    assert [value.reveal() for _, value in target.headers] == left
    (target,) = authenticated("headers_setter", settings, *lines).targets
    assert headers_of(target) == ({} if action == "delete" else {"own": "y"})


@PARTS("other", ["bearertokenauth: {token: t}", "basicauth: {client_auth: {username: u}}"])
def test_additional_auth_is_never_sent_in_plaintext_over_grpc(other: str) -> None:
    """The whole chain asks for TLS then, and the exporter does not start."""
    lines = ("endpoint: c:4317", "tls: {insecure: true}")
    found = chained(SETTER % other.partition(":")[0], other, *lines, kind="otlp")
    assert headers_of(found.targets[0]) == {}
    assert "needs TLS over gRPC" in found.targets[0].faults[0].fact


@PARTS(
    ("additional", "other", "said"),
    [
        ("sigv4auth", "sigv4auth: {}", "authenticates by sigv4auth"),
        ("bearertokenauth", "zpages: {}", "bearertokenauth is not among the extensions"),
        ("headers_setter", "zpages: {}", "headers_setter adds what it adds itself"),
    ],
)
def test_additional_auth_that_cannot_be_done_is_a_warning(
    additional: str, other: str, said: str
) -> None:
    """The headers that headers_setter has itself are sent."""
    found = chained(SETTER % additional, other, "endpoint: https://c:4317", kind="otlp")
    assert headers_of(found.targets[0]) == {"a": "b", "authorization": "own"}
    assert said in found.warnings[0]


@PARTS(
    ("extension", "settings", "said"),
    [
        ("oauth2client", "{client_id: a}", "authenticates by oauth2client"),
        ("headers_setter", "{headers: [{key: a, from_context: x}]}", "header a comes with each"),
        ("headers_setter", "{headers: [], additional_auth: sigv4auth}", "sigv4auth"),
        ("bearertokenauth", "{filename: /nowhere}", "/nowhere cannot be read"),
        ("bearertokenauth", "", "token is empty"),
        ("basicauth", "{htpasswd: {inline: a}}", "not in the configuration"),
        ("basicauth", "{client_auth: {username: 'a:b'}}", "holds a colon"),
    ],
)
def test_what_cannot_be_sent_is_a_warning(extension: str, settings: str, said: str) -> None:
    """The target is probed without it, so that its TLS is known at least."""
    found = authenticated(extension, settings)
    assert headers_of(found.targets[0]) == {}
    assert any(said in warning for warning in found.warnings)


def test_an_authenticator_that_is_not_started_fails() -> None:
    """The Collector does not start, whether the extension is defined or not."""
    text = with_exporter("otlp", "endpoint: c:4317", "auth: {authenticator: bearertokenauth}")
    for more in ("", "extensions: {bearertokenauth: {token: t}}\n"):
        (target,) = reading(more + text).targets
        assert "exporters.otlp.auth.authenticator: is not an extension of service.extensions" in (
            target.faults[0].fact
        )
        assert "authenticator not found" in target.faults[0].fact


def test_a_token_is_never_sent_in_plaintext_over_grpc() -> None:
    """A gRPC client with such credentials does not start without TLS (measured)."""
    lines = ("endpoint: c:4317", "tls: {insecure: true}")
    found = authenticated("bearertokenauth", "{token: t}", *lines, kind="otlp")
    assert headers_of(found.targets[0]) == {}
    assert "needs TLS over gRPC" in found.targets[0].faults[0].fact


@PARTS("settings", ["{token: 5550123}", "{tokens: [5550123]}", "{filename: '', token: 'a\\n'}"])
def test_an_extensions_error_shows_no_secret(settings: str) -> None:
    """A token of the wrong type, or with a line break that no header can hold."""
    text = settings.replace("'a\\n'", '"5550123\\n"')
    assert "5550123" not in reported(lambda: authenticated("bearertokenauth", text).targets)
