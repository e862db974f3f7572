"""Specifies what `explain` makes of wordings that it does not know, and of HTTP statuses."""

import pytest

from probe.messages.match import explain
from probe.messages.patterns.http_statuses import find_statuses
from tests.support.explanations import first


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("TLS: the host gw.example presented does not match", "server_name_mismatch"),
        ("exporter: cert for gw.example has long expired", "server_cert_expired"),
        ("exporter: server cert is only valid in the future", "server_cert_not_yet_valid"),
        ("exporter: certificate 0x3f was revoked by its CA", "server_cert_revoked"),
        ("exporter: untrusted root", "server_ca_untrusted"),
        ("the agent did not supply any client certificate", "client_cert_not_sent"),
        ("peer certificate was required", "client_cert_not_sent"),
        ("preface was wrong, received bytes 160301020001", "not_tls"),
        ("ssl version of the peer is unsupported", "protocol_version_mismatch"),
        ("peer is incompatible: SomethingNew", "protocol_version_mismatch"),
        ("alpn handshake failed", "alpn_mismatch"),
        ("agent.key and agent.crt: keys do not match", "client_cert_key_mismatch"),
        ("mismatch between private key and certificate", "client_cert_key_mismatch"),
        ("password for agent.key is incorrect", "client_key_encrypted"),
        ("could not decrypt the private key", "client_key_encrypted"),
        ("trouble at start: unable to import the client key", "client_file_malformed"),
        ("CA bundle parsing failed", "server_ca_file_malformed"),
    ],
)
def test_an_unknown_wording_is_read_by_its_family(text: str, cause: str) -> None:
    """No phrase of the tables stands in the line, and its family is recognised."""
    assert first(text) == cause


def test_a_known_phrase_has_the_say_over_its_family() -> None:
    """GnuTLS says `not trusted` of every fault; the sentence after it names the fault."""
    text = "The certificate of 'gw' is not trusted. The certificate of 'gw' has expired."

    assert first(text) == "server_cert_expired"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("statusCode=503", 503), ("HTTP/1.1 429 x", 429), ("HTTP/2 404", 404),
        ("401 Client Error: for url", 401), ("The requested URL returned error: 415", 415),
        ("responded with HTTP Status Code 413", 413), ("status: 507", 507),
    ],
)  # fmt: skip
def test_an_http_status_by_where_it_stands(text: str, code: int) -> None:
    """The code is read after what announces it, or before its reason phrase."""
    words = " ".join(["", *"".join(c if c.isalnum() else " " for c in text.lower()).split(), ""])
    words = words.replace("statuscode", "status code")

    assert [said for _, said in find_statuses(words)] == [f"HTTP {code}"]


@pytest.mark.parametrize("text", ["port 503", "took 404 ms", "line 429", "HTTP 200", "pid 500 "])
def test_a_number_alone_is_no_status(text: str) -> None:
    """Ports, durations and line numbers are three digits too."""
    assert list(find_statuses(f" {text.lower()} ")) == []


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("export: got HTTP 407", "proxy_failure"),
        ("status=496", "client_cert_not_sent"),
        ("status=495", "client_ca_untrusted"),
        ("status=507", "otlp_storage_failure"),
        ("statusCode: 504", "otlp_unavailable"),
        ("unexpected HTTP status code received from server: 502 (Bad Gateway); transport: received "
         'unexpected content-type "text/html"', "otlp_unavailable"),
    ],
)  # fmt: skip
def test_what_a_status_means(text: str, cause: str) -> None:
    """A status is an answer: TLS has passed, but for nginx's 495 and 496."""
    assert first(text) == cause


def test_a_refusal_after_the_handshake_is_tls_13() -> None:
    """There a missing certificate has its own alert, so that `bad certificate` means another."""
    during = explain("[SSL: SSLV3_ALERT_BAD_CERTIFICATE] sslv3 alert bad certificate (_ssl.c:1006)")
    after = explain("[SSL: SSLV3_ALERT_BAD_CERTIFICATE] sslv3 alert bad certificate (_ssl.c:2580)")

    assert "client_cert_not_sent" in [each.cause for each in during[:3]]
    assert "client_cert_not_sent" not in [each.cause for each in after[:3]]


def test_a_backend_whose_peer_hangs_up_is_judged_by_it() -> None:
    """In a backend's log an end without a reason is the exporter's refusal before its own."""
    names = [
        each.cause for each in explain("http: TLS handshake error from 10.0.0.7:51034: EOF")[:3]
    ]

    assert names[:2] == ["connection_closed", "server_ca_untrusted"]
