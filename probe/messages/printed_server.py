"""What exporters print for the backend's certificate, and for a peer that speaks no TLS.

Recorded from real clients, or read in their sources; "…" stands for a name or a date.
"""

from collections.abc import Iterator
from typing import Final

from probe.model.runtime import (
    COLLECTOR,
    CURL,
    DOTNET,
    GO_BASED,
    GO_GRPC,
    GO_HTTP,
    JAVA,
    JAVA_JDK,
    JAVA_OKHTTP,
    NODE,
    NODE_GRPC,
    NODE_HTTP,
    PYTHON_GRPC,
    PYTHON_HTTP,
    Runtime,
    RuntimeText,
    TextsByCause,
)

_GO: Final = "tls: failed to verify certificate: x509:"
_CPYTHON: Final = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed:"
_GRPCIO: Final = "SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:"
_CURL: Final = "curl: (60) SSL certificate problem:"
_DOTNET: Final = (
    "The remote certificate is invalid according to the validation procedure: …"
    "RemoteCertificateChainErrors"
)

_NO_PATH: Final[tuple[RuntimeText, ...]] = (
    (GO_BASED, f"{_GO} certificate signed by unknown authority"),
    (JAVA, "PKIX path building failed"),
    (JAVA, "unable to find valid certification path to requested target"),
    ((PYTHON_GRPC,), f"{_GRPCIO} unable to get local issuer certificate"),
    ((PYTHON_HTTP,), f"{_CPYTHON} unable to get local issuer certificate"),
    (NODE, "unable to verify the first certificate"),
    ((CURL,), f"{_CURL} unable to get local issuer certificate"),
    ((DOTNET,), _DOTNET),
)
_EXPIRED: Final[tuple[RuntimeText, ...]] = (
    (GO_BASED, f"{_GO} certificate has expired or is not yet valid: current time … is after …"),
    (JAVA, "java.security.cert.CertificateExpiredException: NotAfter: …"),
    ((PYTHON_GRPC,), f"{_GRPCIO} certificate has expired"),
    ((PYTHON_HTTP,), f"{_CPYTHON} certificate has expired"),
    (NODE, "certificate has expired"),
    ((CURL,), f"{_CURL} certificate has expired"),
    ((DOTNET,), _DOTNET),
)
_NOT_YET_VALID: Final[tuple[RuntimeText, ...]] = (
    (GO_BASED, f"{_GO} certificate has expired or is not yet valid: current time … is before …"),
    (JAVA, "java.security.cert.CertificateNotYetValidException: NotBefore: …"),
    ((PYTHON_GRPC,), f"{_GRPCIO} certificate is not yet valid"),
    ((PYTHON_HTTP,), f"{_CPYTHON} certificate is not yet valid"),
    (NODE, "certificate is not yet valid"),
    ((CURL,), f"{_CURL} certificate is not yet valid"),
    ((DOTNET,), _DOTNET),
)
_CLOSED: Final[tuple[RuntimeText, ...]] = (
    ((COLLECTOR, GO_GRPC), "authentication handshake failed: EOF"),
    ((GO_HTTP,), "EOF"),
    (JAVA, "Remote host terminated the handshake"),
    ((PYTHON_GRPC,), "Handshake read failed (Socket closed)"),
    (
        (PYTHON_HTTP,),
        "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol",
    ),
    (
        NODE,
        "Client network socket disconnected before secure TLS connection was established",
    ),
    ((CURL,), "curl: (35) OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to …"),
    (
        (DOTNET,),
        "Authentication failed because the remote party has closed the transport stream.",
    ),
)


def _list_broken_rules(runtimes: tuple[Runtime, ...], before: str) -> Iterator[RuntimeText]:
    """Yield OpenSSL's X509_V_ERR texts 24, 25, 47 and 34, which BoringSSL shares."""
    for text in (
        "invalid CA certificate",
        "path length constraint exceeded",
        "permitted subtree violation",
        "unhandled critical extension",
    ):
        yield runtimes, f"{before} {text}".lstrip()


SERVER_TEXTS: Final[TextsByCause] = {
    "server_ca_untrusted": (
        *_NO_PATH,
        ((PYTHON_HTTP,), f"{_CPYTHON} self-signed certificate"),
        (NODE, "self-signed certificate"),
        ((CURL,), f"{_CURL} self-signed certificate"),
    ),
    "server_chain_incomplete": _NO_PATH,
    "server_cert_expired": _EXPIRED,
    "server_cert_not_yet_valid": _NOT_YET_VALID,
    "clock_skew": (*_EXPIRED, *_NOT_YET_VALID),
    "server_cert_wrong_usage": (
        (GO_BASED, "x509: certificate specifies an incompatible key usage"),
        (JAVA, "Extended key usage does not permit use for TLS server authentication"),
        ((PYTHON_GRPC,), f"{_GRPCIO} unsupported certificate purpose"),
        ((PYTHON_HTTP,), f"{_CPYTHON} unsuitable certificate purpose"),
        (NODE, "unsuitable certificate purpose"),
        ((CURL,), f"{_CURL} unsuitable certificate purpose"),
        ((DOTNET,), _DOTNET),
    ),
    "server_chain_invalid": (
        (GO_BASED, f"{_GO} certificate is not authorized to sign other certificates"),
        (GO_BASED, f"{_GO} too many intermediates for path length constraint"),
        (GO_BASED, f"{_GO} a root or intermediate certificate is not authorized to sign for …"),
        (GO_BASED, f"{_GO} unhandled critical extension"),
        (JAVA, "basic constraints check failed: this is not a CA certificate"),
        (JAVA, "name constraints check failed"),
        (JAVA, "unrecognized critical extension(s)"),
        *_list_broken_rules((PYTHON_GRPC,), _GRPCIO),
        *_list_broken_rules((PYTHON_HTTP,), _CPYTHON),
        *_list_broken_rules(NODE, ""),
        *_list_broken_rules((CURL,), _CURL),
        ((DOTNET,), _DOTNET),
    ),
    "server_cert_unreadable": (
        (GO_BASED, "tls: failed to parse certificate from server: …"),
        (GO_BASED, "tls: server's certificate contains an unsupported type of public key: …"),
        (JAVA, "Failed to parse server certificates"),
    ),
    "server_cert_weak": (
        (GO_BASED, "x509: cannot verify signature: insecure algorithm …"),
        ((PYTHON_HTTP,), f"{_CPYTHON} CA signature digest algorithm too weak"),
        ((PYTHON_HTTP,), f"{_CPYTHON} EE certificate key too weak"),
        (NODE, "CA signature digest algorithm too weak"),
        ((CURL,), f"{_CURL} CA signature digest algorithm too weak"),
        ((CURL,), f"{_CURL} EE certificate key too weak"),
    ),
    "server_name_mismatch": (
        (GO_BASED, "x509: certificate is valid for …, not …"),
        (GO_BASED, "x509: certificate is not valid for any names, but wanted to match …"),
        (
            GO_BASED,
            "x509: cannot validate certificate for … because it doesn't contain any IP SANs",
        ),
        (GO_BASED, "x509: certificate relies on legacy Common Name field, use SANs instead"),
        (JAVA, "No subject alternative DNS name matching … found."),
        (JAVA, "No subject alternative names matching IP address … found"),
        ((PYTHON_GRPC,), "Hostname Verification Check failed."),
        ((PYTHON_HTTP,), f"{_CPYTHON} Hostname mismatch, certificate is not valid for …"),
        ((PYTHON_HTTP,), f"{_CPYTHON} IP address mismatch, certificate is not valid for …"),
        (NODE, "Hostname/IP does not match certificate's altnames"),
        ((CURL,), "SSL: no alternative certificate subject name matches target host name …"),
        ((DOTNET,), "RemoteCertificateNameMismatch"),
    ),
    "client_cert_by_renegotiation": (
        (GO_BASED, "local error: tls: no renegotiation"),
        ((JAVA_JDK,), "java.net.http.HttpTimeoutException: request timed out"),
        ((PYTHON_GRPC,), "SSL routines:OPENSSL_internal:NO_RENEGOTIATION"),
    ),
    "not_tls": (
        (GO_BASED, "tls: first record does not look like a TLS handshake"),
        ((GO_HTTP,), "http: server gave HTTP response to HTTPS client"),
        (JAVA, "Unsupported or unrecognized SSL message"),
        ((PYTHON_GRPC,), "SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER"),
        ((PYTHON_HTTP,), "[SSL: WRONG_VERSION_NUMBER] wrong version number"),
        (NODE, "SSL routines:ssl3_get_record:wrong version number"),
        ((CURL,), "SSL routines::wrong version number"),
    ),
    "alpn_mismatch": (
        ((COLLECTOR, GO_GRPC), "credentials: cannot check peer: missing selected ALPN property"),
        ((PYTHON_GRPC,), "Cannot check peer: missing selected ALPN property."),
    ),
    "otlp_protocol_mismatch": (
        (GO_BASED, "the frame header looked like an HTTP/1.1 header"),
        ((JAVA_OKHTTP, JAVA_JDK), "Server responded with HTTP status code 404"),
        ((PYTHON_GRPC,), "Received http2 header with status: 404"),
        ((PYTHON_HTTP,), "Failed to export spans batch code: 415"),
        ((NODE_GRPC,), "Received HTTP status code 404"),
        ((NODE_HTTP,), "Unsupported Media Type"),
        ((CURL,), "curl: (22) The requested URL returned error: 415"),
    ),
    "connection_closed": _CLOSED,
}
"""By cause."""
