"""Specifies numbers and names of other systems: errno, Apple, NSS, Chromium, Envoy, edges, kubelet."""

import pytest

from probe.messages.normal_form import normalize_text
from tests.support.explanations import explain, first, ids, tied


@pytest.mark.parametrize(
    ("number", "cause"),
    [(111, "tcp_refused"), (61, "tcp_refused"), (110, "tcp_timeout"), (104, "connection_reset"), (54, "connection_reset"), (113, "network_unreachable"), (101, "network_unreachable")],
)  # fmt: skip
@pytest.mark.parametrize(
    "form", ["[Errno {n}] …", "Os {{ code: {n}, kind: Uncategorized }}", "(os error {n})", "errno={n}", "errno: -{n}", "errno {n}"],
)  # fmt: skip
def test_an_errno_counts_in_the_forms_of_languages(number: int, cause: str, form: str) -> None:
    """Python, Rust, OpenSSL and Node print the number each in their own way."""
    assert first(f"exporting spans: {form.format(n=number)}") == cause


@pytest.mark.parametrize(
    "text", ["otlp: process 111 ended", "otlp: sent 104 spans", "tls: [Errno -2] x"]
)
def test_a_small_number_alone_is_no_errno(text: str) -> None:
    """Counts, process ids and a resolver's codes have small numbers, too."""
    assert not explain(text)


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (9807, "server_ca_untrusted"), (9813, "server_ca_untrusted"), (9814, "server_cert_expired"), (9815, "server_cert_not_yet_valid"), (9843, "server_name_mismatch"),
        (9831, "client_ca_untrusted"), (9828, "client_cert_expired"), (9836, "protocol_version_mismatch"), (9863, "client_cert_not_sent"), (9842, "client_cert_not_sent"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "form",
    [
        "_kCFStreamErrorCodeKey=-{n}", "_kCFNetworkCFStreamSSLErrorOriginalValue=-{n}", "HTTP load failed (kCFStreamErrorDomainSSL, -{n})",
        "OSStatus error -{n}", "NSOSStatusErrorDomain Code=-{n}", "TLS Trust encountered error 3:-{n}", "error code: -1200 [3:-{n}]",
        'Error Domain=NSURLErrorDomain Code=-1202 "此服务器的证书无效。" UserInfo={{_kCFStreamErrorCodeKey=-{n}}}',
    ],
)  # fmt: skip
def test_an_osstatus_of_apple(number: int, cause: str, form: str) -> None:
    """The number inside is more precise than NSURLError's around it."""
    assert first(form.format(n=number)) == cause


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("Error Domain=NSURLErrorDomain Code=-1202", "server_ca_untrusted"),
        ("Error Domain=NSURLErrorDomain Code=-1206", "client_cert_not_sent"),
        ("Task <1>.<2> finished with error [-1003]", "dns_failure"),
        ("POSIXErrorCode(rawValue: 61): Connection refused", "tcp_refused"),
        ("boringssl_context_handle_fatal_alert(1872) [C1.1:2][0x1] read alert, level: fatal, description: certificate expired", "client_cert_expired"),
        ("boringssl_context_handle_fatal_alert(1872) [C1.1:2][0x1] write alert, level: fatal, description: certificate expired", "server_cert_expired"),
        ("NSS error -8179 (SEC_ERROR_UNKNOWN_ISSUER)", "server_ca_untrusted"),
        ("NSS error -12276", "server_name_mismatch"),
        ("NSS error -12195", "client_ca_untrusted"),
        ("Error code: SSL_ERROR_EXPIRED_CERT_ALERT", "client_cert_expired"),
        ("SEC_ERROR_EXPIRED_CERTIFICATE", "server_cert_expired"),
        ("Angeforderter Domainname stimmt nicht mit dem Zertifikat des Servers überein.", "server_name_mismatch"),
        ("Der Aussteller des Zertifikats der Gegenstelle wird nicht erkannt.", "server_ca_untrusted"),
        ("L\u2019émetteur du certificat du pair n\u2019est pas reconnu.", "server_ca_untrusted"),
        ("Le certificat du pair a expiré.", "server_cert_expired"),
        ("El certificado del par ha caducado.", "server_cert_expired"),
        ("MOZILLA_PKIX_ERROR_SELF_SIGNED_CERT", "server_ca_untrusted"),
        ("net::ERR_CERT_COMMON_NAME_INVALID", "server_name_mismatch"),
        ("net::ERR_SSL_CLIENT_AUTH_CERT_NEEDED", "client_cert_not_sent"),
        ("handshake failed; returned -1, SSL error code 1, net_error -202", "server_ca_untrusted"),
        ("handshake failed; returned -1, SSL error code 1, net_error -201", "server_cert_expired"),
    ],
)  # fmt: skip
def test_a_number_or_name_of_apple_nss_and_chromium(text: str, cause: str) -> None:
    """What browsers and tools print stands in the table, too."""
    assert first(text) == cause


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("TLS_error:|268435703:SSL routines:x", "openssl lib 16 reason 247"),
        ("TLS error: 268436504:SSL", "openssl lib 16 reason 1048"),
        ("TLS error: 33554536:system library", "openssl lib 2 reason 104"),
        ("error:10000412:SSL", "openssl lib 16 reason 1042"),
    ],
)
def test_boringssls_packed_errors_are_taken_apart(text: str, words: str) -> None:
    """Envoy prints the decimal, grpc-core the hexadecimal form of the same number."""
    assert words in " ".join(normalize_text(text))


@pytest.mark.parametrize(
    "text", ["order 268435703 of otlp", "error: took 268435703 ns", "268435703:ok"]
)
def test_a_large_number_elsewhere_is_no_packed_error(text: str) -> None:
    """Only behind the word error and before a colon a number is BoringSSL's."""
    assert "openssl" not in normalize_text(text)


ENVOY = "upstream connect error or disconnect/reset before headers. reset reason: "
TRANSPORT = f"{ENVOY}remote connection failure, transport failure reason: TLS_error:|"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (f"{TRANSPORT}268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end", "not_tls"),
        (f"{TRANSPORT}268436501:SSL", "client_cert_expired"),
        (f"{TRANSPORT}268436504:SSL routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA:TLS_error_end", "client_ca_untrusted"),
        (f"{TRANSPORT}268436572:SSL", "client_cert_not_sent"),
        (f"{TRANSPORT}268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed: SAN matcher", "server_name_mismatch"),
        (f"{TRANSPORT}33554536:system library:OPENSSL_internal:Connection reset by peer:TLS_error_end", "connection_reset"),
        (f"{ENVOY}connection termination", "connection_closed"),
        (f"{ENVOY}connection timeout", "tcp_timeout"),
        (f"{ENVOY}delayed connect error: 111", "tcp_refused"),
        ('"POST /v1/traces HTTP/1.1" 503 UC upstream_reset_before_response_started{connection_termination} -', "connection_closed"),
        ('"POST /v1/traces HTTP/1.1" 503 UH no_healthy_upstream -', "otlp_unavailable"),
        ("remote address:127.0.0.1:5,TLS_error:|268435648:SSL routines:OPENSSL_internal:PEER_DID_NOT_RETURN_A_CERTIFICATE:TLS_error_end", "client_cert_not_sent"),
        ('0 NR filter_chain_not_found - "-"', "server_name_unrecognized"),
        ("TLS error: Secret is not supplied by SDS", "client_file_missing"),
        ("identity verification error: peer did not present the expected SAN (spiffe://a), got spiffe://b", "server_name_mismatch"),
        ("ads Failed to authenticate client from 10.0.0.1:1: Authenticator ClientCertAuthenticator: no verified chain is found", "client_cert_not_sent"),
        ("rustls::session: Sending fatal alert AccessDenied\n2026-01-01T00:00:00Z INFO error=unexpected error: no server certificate chain resolved", "backend_fault"),
    ],
)  # fmt: skip
def test_a_line_of_envoy_and_of_meshes(text: str, cause: str) -> None:
    """Proxies are servers of one connection and clients of the next."""
    assert first(text) == cause


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("Failed:ClientCertUntrusted", "client_ca_untrusted"),
        ("Failed:ClientCertExpired", "client_cert_expired"),
        ("Failed:ClientCertPurposeInvalid", "client_cert_wrong_usage"),
        ('"proxyStatus": "error=\\"client_cert_not_provided\\""', "client_cert_not_sent"),
        ("client_cert_chain_invalid_eku", "client_cert_wrong_usage"),
        ("error code: 521", "tcp_refused"),
        ("error code: 522", "tcp_timeout"),
        ("Error 526: Invalid SSL certificate", "server_ca_untrusted"),
        ("http: TLS handshake error from 10.0.0.1:5: no certificate available for '10.0.0.2'", "server_name_unrecognized"),
        ('MountVolume.SetUp failed for volume "certs" : secret "otel-tls" not found', "client_file_missing"),
        ('MountVolume.SetUp failed for volume "certs" : references non-existent secret key: ca.crt', "server_ca_file_missing"),
        ('MountVolume.SetUp failed for volume "certs" : references non-existent secret key: tls.key', "client_file_missing"),
        ('Error: secrets "otel-tls" not found', "client_file_missing"),
        ('Spec.VirtualHost.TLS Secret "otel-tls" is invalid: Secret not found', "client_file_missing"),
        ('TLS upstream validation policy error: invalid CA Secret "otel/ca": Secret not found', "server_ca_file_missing"),
        ("Error: couldn't find key ca.crt in Secret otel/otel-tls", "server_ca_file_missing"),
        ('MountVolume.SetUp failed for volume "ca" : configmap "ca-bundle" not found', "server_ca_file_missing"),
    ],
)  # fmt: skip
def test_a_line_of_an_edge_or_of_the_kubelet(text: str, cause: str) -> None:
    """Who never starts says nothing: the event of the kubelet is all there is."""
    assert first(text) == cause


def test_a_secret_that_is_missing_may_hold_either_file() -> None:
    """The name of a Secret does not say what is in it."""
    assert tied('MountVolume.SetUp failed for volume "x" : secret "x" not found') == {"client_file_missing", "server_ca_file_missing"}  # fmt: skip


def test_an_alert_that_was_sent_follows_from_the_reason() -> None:
    """What a side found is said by its text; the alert that it sent for that is only a name."""
    text = "Sending fatal alert BadCertificate\n2026-01-01T00:00:00Z ERROR certificate has expired"

    assert ids(text)[0] == "server_cert_expired"
    assert "server_ca_untrusted" not in tied(text)
