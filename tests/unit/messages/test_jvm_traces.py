"""Stack traces of the JVM: which of their words are evidence, and which are names."""

import pytest

from probe.messages.explain import Explanation, explain
from probe.report.message_table import load_message_table

TABLE = load_message_table()

UNTRUSTED = """\
javax.net.ssl.SSLHandshakeException: (certificate_unknown) PKIX path building failed: \
sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid certification \
path to requested target
\tat java.base/sun.security.ssl.Alert.createSSLException(Alert.java:130)
\tat java.base/sun.security.ssl.TransportContext.fatal(TransportContext.java:383)
\tat java.base/sun.security.ssl.CertificateMessage$T13CertificateConsumer.CHECK(CertificateMessage.java:1335)
Caused by: sun.security.validator.ValidatorException: PKIX path building failed: \
sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid certification \
path to requested target
\t... 21 more"""
BY_A_CLIENT = UNTRUSTED.replace("CHECK", "checkServerCerts")
DATES = """\
Exception in thread "main" javax.net.ssl.SSLHandshakeException: ({alert}) PKIX path validation \
failed: java.security.cert.CertPathValidatorException: validity check failed
\tat java.base/sun.security.ssl.CertificateMessage$T13CertificateConsumer.checkServerCerts(Unknown Source)
Caused by: sun.security.validator.ValidatorException: PKIX path validation failed: \
java.security.cert.CertPathValidatorException: validity check failed
\t... 21 more"""
NETTY = """\
java.util.concurrent.ExecutionException: io.grpc.StatusRuntimeException: UNAVAILABLE: io exception
Channel Pipeline: [SslHandler#0, ProtocolNegotiators$ClientTlsHandler#0, \
WriteBufferingAndExceptionHandler#0, DefaultChannelPipeline$TailContext#0]
\tat com.google.common.util.concurrent.AbstractFuture.getDoneValue(AbstractFuture.java:588)
Caused by: io.grpc.StatusRuntimeException: UNAVAILABLE: io exception
Channel Pipeline: [SslHandler#0, ProtocolNegotiators$ClientTlsHandler#0, \
WriteBufferingAndExceptionHandler#0, DefaultChannelPipeline$TailContext#0]
\tat io.grpc.Status.asRuntimeException(Status.java:535)
Caused by: javax.net.ssl.SSLHandshakeException: Received fatal alert: certificate_expired
\tat java.base/sun.security.ssl.Alert.createSSLException(Alert.java:131)
\t... 1 more"""


def name_tied(text: str) -> set[str]:
    """Return the causes that share the highest score."""
    explanation: Explanation = explain(text, TABLE)
    return {each.cause for each in explanation.candidates[: explanation.tied]}


def test_the_alert_before_a_reason_is_the_own_one() -> None:
    """`(certificate_unknown)` before a reason is what this side sends, and the reason decides."""
    assert name_tied(BY_A_CLIENT) == {"server_ca_untrusted", "server_chain_incomplete"}


def test_an_alert_that_was_received_is_the_backends_whatever_stands_before_it() -> None:
    """`(certificate_expired) Received fatal alert: …` judges the client's certificate."""
    old = "javax.net.ssl.SSLHandshakeException: Received fatal alert: certificate_expired"
    new = old.replace("Received", "(certificate_expired) Received")

    assert "client_cert_expired" in name_tied(old)
    assert name_tied(new) == name_tied(old)
    assert not any(each.startswith("server_") for each in name_tied(new))


@pytest.mark.parametrize(
    ("alert", "cause"),
    [
        ("certificate_expired", "server_cert_expired"),
        ("bad_certificate", "server_cert_not_yet_valid"),
    ],
)
def test_a_clients_own_alert_says_which_date_it_means(alert: str, cause: str) -> None:
    """JSSE's clients choose the alert by the reason, which the text alone does not say."""
    assert name_tied(DATES.format(alert=alert)) == {cause}


def test_without_the_alert_both_dates_are_open() -> None:
    """Older JDKs write no alert: the certificate has expired or is not yet valid."""
    tied = name_tied(DATES.replace("({alert}) ", ""))

    assert {"server_cert_expired", "server_cert_not_yet_valid"} <= tied


def test_the_innermost_reason_decides() -> None:
    """A status of gRPC and a list of handlers wrap the alert, and say nothing themselves."""
    assert name_tied(NETTY) == name_tied("Received fatal alert: certificate_expired")


@pytest.mark.parametrize(
    "text",
    [
        "INFO [kafka-listener-1] o.a.k.c.DownstreamHandler - partition assigned",
        "\tat com.example.UntrustedCertificateHandler.handle(UntrustedCertificateHandler.java:12)",
        "2026-11-27 10:00:00 [reactor-http-epoll-2] INFO o.s.w.SslHandlerProvider - started",
    ],
)
def test_names_of_threads_and_classes_are_no_evidence(text: str) -> None:
    """What a thread, a class or a frame is called says nothing of a connection."""
    assert all(each.score <= 0.3 for each in explain(text, TABLE).candidates)


@pytest.mark.parametrize(
    "thread", ["kafka-listener-0", "ssl-refused-worker-1", "OkHttp Dispatcher"]
)
def test_the_thread_that_failed_changes_nothing(thread: str) -> None:
    """`Exception in thread "…"` does not belong to the reason."""
    trace = f'Exception in thread "{thread}" {BY_A_CLIENT}'

    assert name_tied(trace) == name_tied(BY_A_CLIENT)


def test_a_timeout_says_how_far_the_jdks_client_came() -> None:
    """Until the handshake is done it connects; then it waits for the answer."""
    connecting = name_tied("java.net.http.HttpConnectTimeoutException: HTTP connect timed out")
    waiting = name_tied("java.net.http.HttpTimeoutException: request timed out")

    assert connecting == {"tcp_timeout", "tls_timeout"}
    assert "alpn_mismatch" in waiting
    assert "tcp_timeout" not in waiting


def test_a_refused_connection_without_a_word_is_among_the_first() -> None:
    """JDK 17 and later print a ConnectException without a text, caused by a closed channel."""
    text = (
        "java.net.ConnectException\n\tat java.net.http/jdk.internal.net.http.HttpClientImpl.send(Unknown Source)\n"
        "Caused by: java.net.ConnectException\n\t... 3 more\n"
        "Caused by: java.nio.channels.ClosedChannelException\n\t... 22 more"
    )

    assert "tcp_refused" in name_tied(text)
    assert name_tied(text.replace("ClosedChannel", "UnresolvedAddress")) == {"dns_failure"}


def test_a_broken_pipe_is_a_refusal_where_an_exporter_writes() -> None:
    """The backend had closed when the client wrote: of TLS 1.3, mostly its refusal."""
    tied = name_tied(
        "java.net.SocketException: Broken pipe\n\tat okhttp3.internal.connection.X(Y.kt:1)"
    )

    assert {"client_ca_untrusted", "client_cert_expired", "client_cert_not_yet_valid"} <= tied


def test_a_server_that_was_refused_reads_an_alert_in_another_key() -> None:
    """The client's plain alert comes where JSSE's server expects encrypted records."""
    text = (
        "javax.net.ssl.SSLHandshakeException: (handshake_failure) Insufficient buffer remaining for "
        "AEAD cipher fragment (2). Needs to be more than tag size (16)\n"
        "Caused by: javax.crypto.BadPaddingException: Insufficient buffer remaining for AEAD cipher "
        "fragment (2). Needs to be more than tag size (16)"
    )

    assert "server_ca_untrusted" in name_tied(text)
    assert "client_key_encrypted" not in name_tied(text)


def test_a_trace_that_follows_an_alert_does_not_lengthen_its_name() -> None:
    """`…CERTIFICATE_EXPIRED`, and on the next line `Exception in thread`, are two messages."""
    text = (
        "OpenSslException: error:10000415:SSL routines:OPENSSL_internal:SSLV3_ALERT_CERTIFICATE_EXPIRED\n"
        'Exception in thread "main" io.netty.handler.codec.DecoderException: x'
    )

    assert "client_cert_expired" in name_tied(text)
    assert "server_cert_expired" not in name_tied(text)


def test_a_writes_reset_is_told_from_a_reads() -> None:
    """`Connection reset` ends a read and may be a fault; `… by peer` a write to who refused."""
    assert "connection_reset" in name_tied("java.net.SocketException: Connection reset")
    assert "client_cert_not_yet_valid" in name_tied("java.io.IOException: Connection reset by peer")
