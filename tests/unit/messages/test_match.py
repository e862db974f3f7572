"""Specifies `explain`: what pasted error lines are taken for, in either side's log."""

import pytest

from tests.support.explanations import explain, first, ids
from tests.support.printed_lines import BACKEND_LINES, EXPORTER_LINES, Line


@pytest.mark.parametrize("line", EXPORTER_LINES, ids=lambda line: f"{line.runtime}-{line.cause}")
def test_a_line_of_an_exporter(line: Line) -> None:
    """What an exporter's runtime prints leads to the cause that it usually means."""
    assert first(line.text) in {line.cause, *line.or_else}
    assert line.cause in ids(line.text)[:3]


@pytest.mark.parametrize("line", BACKEND_LINES, ids=lambda line: f"{line.runtime}-{line.cause}")
def test_a_line_of_a_backend(line: Line) -> None:
    """The same words in a backend's log are about the other party."""
    assert first(line.text) in {line.cause, *line.or_else}
    assert line.cause in ids(line.text)[:3]


@pytest.mark.parametrize(
    ("words", "exporter", "backend"),
    [
        ("certificate signed by unknown authority", "server_ca_untrusted", "client_ca_untrusted"),
        ("certificate has expired", "server_cert_expired", "client_cert_expired"),
        ("certificate is not yet valid", "server_cert_not_yet_valid", "client_cert_not_yet_valid"),
        ("unsuitable certificate purpose", "server_cert_wrong_usage", "client_cert_wrong_usage"),
        ("EE certificate key too weak", "server_cert_weak", "client_cert_weak"),
        ("certificate revoked", "server_cert_revoked", "client_cert_revoked"),
        ("remote error: tls: unknown certificate authority", "client_ca_untrusted", "server_ca_untrusted"),
    ],
)  # fmt: skip
def test_the_same_words_mean_opposite_parties(words: str, exporter: str, backend: str) -> None:
    """Who printed a verdict decides whose certificate it is about."""
    assert first(f'Post "https://gw:4318/v1/traces": {words}') == exporter
    assert first(f"http: TLS handshake error from 10.0.0.9:51000: {words}") == backend


def test_a_verdict_of_nobody_names_both_parties() -> None:
    """Where nothing says who printed it, the exporter's reading leads and the other is named."""
    named = ids("certificate verify failed: self-signed certificate")

    assert named[0] == "server_ca_untrusted"
    assert "client_ca_untrusted" in named[:3]


def test_a_proxy_is_the_client_of_its_upstream() -> None:
    """Nginx's words about its upstream are an exporter's words, though a server prints them."""
    text = "upstream SSL certificate verify error: (20:unable to get local issuer certificate) while SSL handshaking to upstream, client: 10.0.0.1"

    assert first(text) == "server_ca_untrusted"


def test_envoys_far_end_tells_the_side() -> None:
    """A port of the system's choice at the far end belongs to a client."""
    line = "remote address:10.0.0.7:{port},TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end"

    assert first(line.format(port=51034)) == "client_ca_untrusted"
    assert first(line.format(port=4317)) == "server_ca_untrusted"


def test_a_withheld_certificate_is_named() -> None:
    """Go and Java read `certificate required` where the backend's list does not name their CA."""
    candidates = explain("remote error: tls: certificate required")

    assert [candidate.cause for candidate in candidates][:2] == [
        "client_cert_not_sent",
        "client_ca_untrusted",
    ]
    assert "list" in candidates[1].why


def test_dates_in_gos_words() -> None:
    """Go has one sentence for both faults; what stands after it decides."""
    both = "x509: certificate has expired or is not yet valid"

    assert first(f"{both}: current time 2031-01-02T00:00:00Z is after 2031-01-01T00:00:00Z") == "server_cert_expired"  # fmt: skip
    assert first(f"{both}: current time 2030-01-01T00:00:00Z is before 2031-01-01T00:00:00Z") == "server_cert_not_yet_valid"  # fmt: skip
    assert {"server_cert_expired", "server_cert_not_yet_valid", "clock_skew"} <= set(ids(both))


def test_the_reason_is_preferred_to_its_envelope() -> None:
    """An alert within `UNAVAILABLE … failed to connect` is the cause, not the envelope."""
    text = (
        "StatusCode.UNAVAILABLE, failed to connect to all addresses; last error: UNKNOWN: "
        "ipv4:10.0.0.1:4317: error:10000412:SSL routines:OPENSSL_internal:SSLV3_ALERT_BAD_CERTIFICATE"
    )

    assert "otlp_unavailable" not in ids(text)
    assert "tcp_refused" not in ids(text)
    assert "client_cert_wrong_usage" in ids(text)
    assert "otlp_unavailable" in ids("StatusCode.UNAVAILABLE")


def test_file_faults_name_the_file_that_is_meant() -> None:
    """The words around the fault, or the file's own name, say whether the CA file is at fault."""
    assert first("open /etc/otel/ca.crt: no such file or directory") == "server_ca_file_missing"
    assert first("open /etc/otel/client.key: no such file or directory") == "client_file_missing"
    assert first("open /etc/otel/client.key: permission denied") == "client_file_permission"
    assert first("failed to load CA CertPool: failed to append certs, no start line") == "server_ca_file_malformed"  # fmt: skip


def test_several_lines_are_read_together() -> None:
    """A paste of many lines is answered by the loudest of them."""
    text = "starting\ntimed out, retrying\n  Caused by:\n\tremote error: tls: revoked certificate\ndone\n"

    assert ids(text)[0] == "client_cert_revoked"
    assert "tls_timeout" not in ids(text)


@pytest.mark.parametrize(
    "text",
    ["", " \n\t", "hello", "Everything is ready. Begin running and processing data.", "\x00\x1b[31m",
     "ALPN: server accepted h2", "SSL connection using TLSv1.3 / TLS_AES_128_GCM_SHA256"],
)  # fmt: skip
def test_words_that_say_nothing(text: str) -> None:
    """A text that is not an error, or unknown, gives no candidate rather than a guess."""
    assert explain(text) == ()
