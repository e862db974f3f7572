"""What exporters print: the tables say what real clients said, and say it of every cause."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import Cause
from probe.messages.printed import (
    PrintedText,
    get_http_refusal_text,
    get_silent_text,
    list_printed_texts,
)
from probe.messages.printed_alerts import PRINTED_ALERTS, get_alert_text
from probe.model.runtime import (
    COLLECTOR,
    CURL,
    DOTNET,
    GO,
    GO_GRPC,
    GO_HTTP,
    JAVA,
    JAVA_OKHTTP,
    NODE_GRPC,
    NODE_HTTP,
    PYTHON_GRPC,
    PYTHON_HTTP,
    RUNTIMES,
    RUST,
    Runtime,
)
from tests.support.every_row import every_row

CORPORA: Final = Path(__file__).parents[2] / "corpora"
RECORDED: Final[dict[Runtime, str]] = {
    COLLECTOR: "grpc-go",
    **dict.fromkeys(GO, "go net/http"),
    **dict.fromkeys(JAVA, "java HttpsURLConnection"),
    PYTHON_GRPC: "python grpcio",
    PYTHON_HTTP: "python ssl",
    NODE_GRPC: "node https",
    NODE_HTTP: "node https",
    **dict.fromkeys(RUST, "uv rustls"),
    CURL: "curl openssl",
}
"""The client of the recorded alerts that has each runtime's TLS library."""
LIKE: Final[dict[str, str]] = {
    COLLECTOR.id: r"go |grpc-go|otel collector",
    **{each.id: r"go |grpc-go|otel collector" for each in GO},
    **{each.id: r"java|grpc-java" for each in JAVA},
    PYTHON_GRPC.id: r"python (grpcio|otlp exporter \(grpc\))|curl \(BoringSSL\)",
    PYTHON_HTTP.id: r"python (ssl|requests|otlp exporter \(http\))",
    NODE_GRPC.id: r"node",
    NODE_HTTP.id: r"node",
    **{each.id: r"uv|rust|tonic|reqwest" for each in RUST},
    DOTNET.id: r"\.net|openssl|curl",
    CURL.id: r"curl|openssl|http response|python ssl",
}
"""Whose recorded lines have the words of each runtime (curl and .NET: of OpenSSL)."""
FROM_SOURCES: Final[dict[str, str]] = {
    "local error: tls: no renegotiation": "Go crypto/tls handleRenegotiation, and the real exporters "
    "against tests/lab/renegotiating_server.py",
    "java.net.http.HttpTimeoutException: request timed out": "the real exporter against the same",
    "SSL routines:OPENSSL_internal:NO_RENEGOTIATION": "BoringSSL ssl_can_renegotiate",
    **{
        f"tls: failed to verify certificate: x509: {said}": "Go crypto/x509 CertificateInvalidError"
        for said in (
            "certificate is not authorized to sign other certificates",
            "too many intermediates for path length constraint",
            "a root or intermediate certificate is not authorized to sign for …",
            "unhandled critical extension",
        )
    },
    "basic constraints check failed: this is not a CA certificate": "OpenJDK ConstraintsChecker",
    "name constraints check failed": "OpenJDK ConstraintsChecker",
    "unrecognized critical extension(s)": "OpenJDK PKIXMasterCertPathValidator",
    **{
        f"{before} {said}".lstrip(): "OpenSSL and BoringSSL X509_verify_cert_error_string"
        for before in (
            "",
            "SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:",
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed:",
            "curl: (60) SSL certificate problem:",
        )
        for said in (
            "invalid CA certificate",
            "path length constraint exceeded",
            "permitted subtree violation",
            "unhandled critical extension",
        )
    },
    "tls: failed to parse certificate from server: …": "Go crypto/tls verifyServerCertificate",
    "tls: server's certificate contains an unsupported type of public key: …": (
        "Go crypto/tls verifyServerCertificate"
    ),
    "Failed to parse server certificates": "OpenJDK CertificateMessage",
    "tls: private key does not match public key": "Go crypto/tls X509KeyPair",
    "x509: certificate is valid for …, not …": "Go crypto/x509 HostnameError",
    "x509: cannot verify signature: insecure algorithm …": "seen: Go 1.27, SHA-1 server",
    "failed to append certificate to the cert pool": "opentelemetry-go envconfig createCertPool",
    "http: server gave HTTP response to HTTPS client": "Go net/http; seen with Go 1.27",
    "connect: network is unreachable": "Go syscall.ENETUNREACH",
    "connect: no route to host": "Go syscall.EHOSTUNREACH",
    "failed to load CA …: open …: permission denied": "Collector configtls, Go fs.PathError",
    "java.nio.file.AccessDeniedException: …": "OpenJDK sun.nio.fs.UnixException",
    "Unable to generate key from supported algorithms": "opentelemetry-java TlsUtil",
    "java.security.KeyStoreException: Certificate chain is not valid": "seen: OpenJDK 17",
    "java.net.NoRouteToHostException: No route to host": "OpenJDK java.net",
    "[Errno 13] Permission denied": "CPython PermissionError, errno EACCES",
    "[Errno 101] Network is unreachable": "CPython OSError, errno ENETUNREACH",
    "[Errno 113] No route to host": "CPython OSError, errno EHOSTUNREACH",
    "connect ENETUNREACH …": "Node errno names",
    "connect EHOSTUNREACH …": "Node errno names",
    "Provider routines::bad decrypt": "seen: Node 20",
    "unable to verify the first certificate": "Node, X509_V_ERR 21",
    "certificate has expired": "Node, X509_V_ERR 10",
    "CA signature digest algorithm too weak": "seen: Node 20, X509_V_ERR 68",
    "Enter PEM pass phrase:": "seen: curl; OpenSSL PEM_def_callback",
    "Failed to create security handshaker.": "seen: grpcio 1.85",
    "SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED: unable to get local issuer "
    "certificate": "seen: grpcio 1.85",
    "SSL routines::ca md too weak": "OpenSSL SSL_R_CA_MD_TOO_WEAK",
    "curl: (60) SSL certificate problem: certificate has expired": "seen: curl",
    "curl: (60) SSL certificate problem: CA signature digest algorithm too weak": "seen: curl",
    "curl: (60) SSL certificate problem: EE certificate key too weak": "seen: curl",
    "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: CA signature digest algorithm "
    "too weak": "seen: CPython 3.11",
    "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: EE certificate key too weak": (
        "seen: CPython 3.11"
    ),
    "curl: (35) OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to …": "seen: curl",
    "curl: (7) Failed to connect to …": "curl lib/connect.c",
    "SSL routines::wrong version number": "seen: curl",
    "Server responded with HTTP status code 404": "opentelemetry-java HttpExporter",
    "Failed to export spans batch code: 415": "opentelemetry-python trace_exporter",
    "Received http2 header with status: 404": "grpc-core, as it is recorded for 400 and 403",
    "Received HTTP status code 404": "@grpc/grpc-js mapHttpStatusCode",
    "Unsupported Media Type": "OTLPExporterError of opentelemetry-js: the reason phrase",
    "curl: (22) The requested URL returned error: 415": "curl --fail",
    "responded with HTTP Status Code 400": "Collector otlphttpexporter",
}
"""Texts that the corpus does not hold, each with where it was read or seen."""
OWN_TEMPLATES: Final = re.compile(
    r"rpc error: code = \w+ desc|responded with HTTP [Ss]tatus [Cc]ode \d|gRPC status code \d"
    r"|Server (is UNAVAILABLE|responded with UNIMPLEMENTED)|StatusCode\.|\d+ [A-Z_]+: …"
    r"|The requested URL returned error"
    r"|(Unauthorized|Forbidden|Not Found|Too Many Requests|Service Unavailable|Bad Request)$"
)
"""Derived from a status by an exporter's template (answer_words)."""

NEEDED: Final = {
    COLLECTOR.id,
    GO_GRPC.id,
    GO_HTTP.id,
    JAVA_OKHTTP.id,
    PYTHON_GRPC.id,
    PYTHON_HTTP.id,
    NODE_HTTP.id,
    CURL.id,
}


def texts_of(cause: Cause) -> tuple[PrintedText, ...]:
    """Return what exporters print for `cause`."""
    return list_printed_texts(cause.id, cause.alerts)


def has(pattern: str, line: str) -> bool:
    """Whether the pieces of `pattern` stand in `line` in their order."""
    return re.search(".*?".join(map(re.escape, pattern.split("…"))), line, re.DOTALL) is not None


@cache
def recorded_alerts() -> dict[str, dict[str, str]]:
    """Return the recorded strings by alert number and client."""
    found: dict[str, dict[str, str]] = json.loads(
        (CORPORA / "alert_strings_by_runtime.json").read_text(encoding="utf-8")
    )
    return found


@cache
def corpus() -> list[dict[str, str]]:
    """Return the recorded lines of clients."""
    text = (CORPORA / "error_corpus.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("runtime", RECORDED, ids=lambda runtime: runtime.id)
def test_the_words_for_an_alert_are_the_recorded_ones(runtime: Runtime) -> None:
    """Each of the 21 alerts stands in what the real client printed for it, word by word."""
    wrong = {
        number: (get_alert_text(runtime, int(number)), strings[RECORDED[runtime]])
        for number, strings in recorded_alerts().items()
        if get_alert_text(runtime, int(number)) not in strings[RECORDED[runtime]]
    }

    assert set(recorded_alerts()) == {str(number) for number in PRINTED_ALERTS}
    assert wrong == {}


def test_the_words_of_a_cause_were_recorded_or_read_in_a_source() -> None:
    """Nothing is invented: a text stands in the corpus or the alerts, or names its source."""
    lines = [(row["runtime"], row["message"]) for row in corpus()]
    lines += [
        (who, said) for strings in recorded_alerts().values() for who, said in strings.items()
    ]
    unknown = {
        (one.runtime_id, one.text)
        for cause in CATALOGUE.values()
        for one in texts_of(cause)
        if one.text not in FROM_SOURCES
        and not OWN_TEMPLATES.search(one.text)
        and not any(
            has(one.text, said) for who, said in lines if re.match(LIKE[one.runtime_id], who)
        )
    }

    assert unknown == set()


def test_a_source_is_named_for_no_text_in_vain() -> None:
    """A source whose text is printed by nobody any more goes."""
    texts = {one.text for cause in CATALOGUE.values() for one in texts_of(cause)}

    assert set(FROM_SOURCES) - texts == set()


@every_row(cause=CATALOGUE.values())
def test_every_cause_has_words_or_a_reason(cause: Cause) -> None:
    """What a user reads leads to the cause's page; where there is nothing, it is said why."""
    assert bool(texts_of(cause)) != bool(cause.not_printed), cause.id


@every_row(
    cause=[
        cause
        for cause in CATALOGUE.values()
        if (cause.documented_cause or cause.family in {"server_identity", "negotiation"})
        and not cause.not_printed
    ]
)
def test_the_causes_of_tls_have_words_of_every_runtime(cause: Cause) -> None:
    """The Collector, Go, Java, both of Python, Node and curl: .NET only where it is known."""
    missing = NEEDED - {one.runtime_id for one in texts_of(cause)}

    assert missing == {runtime.id for runtime in cause.harmless_to} & NEEDED, cause.id


@every_row(cause=CATALOGUE.values())
def test_a_text_is_short_and_of_one_runtime(cause: Cause) -> None:
    """It stands in a list: one line, no port, no path, and no text twice."""
    ids = {runtime.id for runtime in RUNTIMES}

    assert len(set(texts_of(cause))) == len(texts_of(cause))
    for one in texts_of(cause):
        assert isinstance(one, PrintedText)
        assert one.runtime_id in ids
        assert 0 < len(one.text) <= 120
        assert one.text.isprintable()
        assert not re.search(r":\d{4,5}\b|/etc/|/v1/", one.text)


def test_what_withholds_a_certificate_prints_that_one_is_required() -> None:
    """Go's and Java's users read something else than what is wrong, OpenSSL's read unknown_ca."""
    texts = {(one.runtime_id, one.text) for one in texts_of(CATALOGUE["client_ca_untrusted"])}

    assert ("go-grpc", "remote error: tls: certificate required") in texts
    assert ("collector", "remote error: tls: certificate required") not in texts
    assert ("java-okhttp", "Received fatal alert: certificate_required") in texts
    assert ("curl", "SSL routines::tlsv13 alert certificate required") not in texts
    assert ("curl", "SSL routines::tlsv1 alert unknown ca") in texts


def test_alerts_are_named_as_the_handshake_names_them() -> None:
    """One name for an alert in all of the product; causes have only alerts that are known."""
    assert all(set(cause.alerts) <= PRINTED_ALERTS for cause in CATALOGUE.values())


def test_what_is_not_known_is_empty() -> None:
    """An alert, a runtime or a cause without words gives none."""
    assert get_alert_text(CURL, 200) == ""
    assert get_silent_text(DOTNET) == ""
    assert get_http_refusal_text(DOTNET) == ""
    assert list_printed_texts("no_such_cause") == ()
