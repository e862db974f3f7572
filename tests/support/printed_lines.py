"""Error lines as runtimes print them, with the causes that may be listed first.

Written from the runtimes' sources and public documentation; names and addresses are made up.
`cause` is the likeliest; a line is answered when it comes first, or one of `or_else` does.
"""

from typing import Final, NamedTuple


class Line(NamedTuple):
    """One line of a log."""

    runtime: str
    text: str
    cause: str
    or_else: tuple[str, ...] = ()


EXPORTER_LINES: Final = (
    # Go: the Collector's exporters and the Go SDK.
    Line(
        "go",
        'traces export: Post "https://gw.example:4318/v1/traces": remote error: tls: unknown certificate authority',
        "client_ca_untrusted",
    ),
    Line("go", "remote error: tls: certificate required", "client_cert_not_sent"),
    Line("go", "remote error: tls: expired certificate", "client_cert_expired"),
    Line("go", "remote error: tls: revoked certificate", "client_cert_revoked"),
    Line("go", "remote error: tls: protocol version not supported", "protocol_version_mismatch"),
    Line("go", "remote error: tls: no application protocol", "alpn_mismatch"),
    Line("go", "remote error: tls: unrecognized name", "server_name_unrecognized"),
    Line("go", "remote error: tls: internal error", "backend_fault"),
    Line(
        "go",
        "Exporting failed. Will retry the request after interval.\t"
        '{"error": "rpc error: code = Unavailable desc = connection error: desc = \\"transport: '
        "authentication handshake failed: tls: failed to verify certificate: x509: certificate is "
        'valid for otel.internal, not gw.example\\""}',
        "server_name_mismatch",
    ),
    Line(
        "go",
        "x509: certificate has expired or is not yet valid: current time 2031-03-01T00:00:00Z is "
        "after 2031-02-01T00:00:00Z",
        "server_cert_expired",
    ),
    Line(
        "go",
        "x509: certificate has expired or is not yet valid: current time 2031-03-01T00:00:00Z is "
        "before 2031-04-01T00:00:00Z",
        "server_cert_not_yet_valid",
    ),
    Line("go", "tls: private key does not match public key", "client_cert_key_mismatch"),
    Line(
        "go",
        "failed to load TLS config: failed to load TLS cert and key: open /etc/otel/tls.crt: "
        "no such file or directory",
        "client_file_missing",
    ),
    Line(
        "go",
        "failed to load TLS config: failed to load CA CertPool: failed to load CA /etc/ca.crt: "
        "open /etc/ca.crt: permission denied",
        "server_ca_file_permission",
    ),
    Line("go", "dial tcp: lookup gw.example on 10.0.0.10:53: server misbehaving", "dns_failure"),
    Line("go", "dial tcp 10.1.2.3:4317: connect: no route to host", "network_unreachable"),
    Line("go", "net/http: TLS handshake timeout", "tls_timeout"),
    Line("go", "http: server gave HTTP response to HTTPS client", "not_tls"),
    Line("go", "tls: client certificate used with invalid signature algorithm", "client_cert_weak"),
    # OpenSSL under curl, CPython, Node.
    Line(
        "curl",
        "curl: (56) OpenSSL SSL_read: OpenSSL/3.5.1: error:0A00045C:SSL routines::"
        "tlsv13 alert certificate required, errno 0",
        "client_cert_not_sent",
    ),
    Line("curl", "* TLSv1.3 (IN), TLS alert, unknown CA (560):", "client_ca_untrusted"),
    Line("curl", "* TLSv1.3 (OUT), TLS alert, unknown CA (560):", "server_ca_untrusted"),
    Line("curl", "curl: (6) Could not resolve host: gw.example", "dns_failure"),
    Line(
        "curl",
        "curl: (7) Failed to connect to gw.example port 4318 after 2 ms: Couldn't connect to server",
        "tcp_refused",
    ),
    Line(
        "curl", "curl: (60) SSL certificate problem: certificate has expired", "server_cert_expired"
    ),
    Line("curl", "curl: (56) CONNECT tunnel failed, response 407", "proxy_failure"),
    Line(
        "openssl",
        "verify error:num=20:unable to get local issuer certificate",
        "server_ca_untrusted",
        ("client_ca_untrusted",),
    ),
    Line("openssl", "Verify return code: 10 (certificate has expired)", "server_cert_expired"),
    Line(
        "python",
        "SSLError(1, '[SSL: TLSV1_ALERT_INTERNAL_ERROR] tlsv1 alert internal error (_ssl.c:1000)')",
        "backend_fault",
    ),
    Line(
        "python",
        "requests.exceptions.SSLError: certificate verify failed: IP address mismatch, "
        "certificate is not valid for '10.0.0.1'. (_ssl.c:1000)",
        "server_name_mismatch",
    ),
    Line(
        "python",
        "[SSL: KEY_VALUES_MISMATCH] key values mismatch (_ssl.c:4100)",
        "client_cert_key_mismatch",
    ),
    Line(
        "python",
        "PermissionError: [Errno 13] Permission denied: '/run/secrets/client.key'",
        "client_file_permission",
    ),
    Line("node", "Error: connect ECONNREFUSED 10.0.0.5:4318", "tcp_refused"),
    Line("node", "Error: getaddrinfo ENOTFOUND gw.example", "dns_failure"),
    Line("node", "{ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }", "server_ca_untrusted"),
    Line("node", "{ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }", "server_ca_untrusted"),
    Line("node", "{ code: 'CERT_HAS_EXPIRED' }", "server_cert_expired"),
    Line(
        "node",
        "Error: ENOENT: no such file or directory, open '/etc/otel/client.key'",
        "client_file_missing",
    ),
    # grpc-core with BoringSSL.
    Line(
        "grpc-core",
        "StatusCode.UNAVAILABLE: failed to connect to all addresses; last error: UNKNOWN: "
        "ipv4:10.0.0.5:4317: Ssl handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: "
        "error:10000415:SSL routines:OPENSSL_internal:SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "client_cert_expired",
    ),
    Line(
        "grpc-core",
        "error:1000045c:SSL routines:OPENSSL_internal:TLSV1_ALERT_CERTIFICATE_REQUIRED",
        "client_cert_not_sent",
    ),
    # Java.
    Line(
        "java",
        "javax.net.ssl.SSLHandshakeException: Received fatal alert: unknown_ca",
        "client_ca_untrusted",
    ),
    Line(
        "java",
        "Caused by: java.security.cert.CertificateExpiredException: NotAfter: Mon Mar 01 2031",
        "server_cert_expired",
    ),
    Line(
        "java",
        "javax.net.ssl.SSLPeerUnverifiedException: Hostname gw.example not verified: certificate: sha256/…",
        "server_name_mismatch",
    ),
    Line(
        "java",
        "java.security.cert.CertificateException: No subject alternative DNS name matching gw.example found.",
        "server_name_mismatch",
    ),
    Line("java", "java.net.UnknownHostException: gw.example", "dns_failure"),
    Line(
        "java",
        "java.security.InvalidAlgorithmParameterException: the trustAnchors parameter must be non-empty",
        "server_ca_file_malformed",
    ),
    Line("java", "javax.net.ssl.SSLException: Unsupported or unrecognized SSL message", "not_tls"),
    # rustls.
    Line("rustls", "received fatal alert: UnknownCA", "client_ca_untrusted"),
    Line("rustls", "AlertReceived(CertificateRequired)", "client_cert_not_sent"),
    Line("rustls", "invalid peer certificate: NotValidForName", "server_name_mismatch"),
    Line("rustls", "invalid peer certificate: Expired", "server_cert_expired"),
    Line("rustls", "received corrupt message of type InvalidContentType", "not_tls"),
    # GnuTLS, NSS.
    Line(
        "gnutls",
        "*** Fatal error: A TLS fatal alert has been received. Received alert [48]: CA is unknown",
        "client_ca_untrusted",
    ),
    Line(
        "gnutls",
        "The certificate is NOT trusted. The certificate issuer is unknown.",
        "server_ca_untrusted",
    ),
    Line("nss", "SSL_ERROR_EXPIRED_CERT_ALERT", "client_cert_expired"),
    # .NET and Schannel.
    Line(
        ".net",
        "Authentication failed because the remote party sent a TLS alert: 'UnknownCA'.",
        "client_ca_untrusted",
    ),
    Line(
        ".net",
        "The remote certificate is invalid because of errors in the certificate chain: UntrustedRoot",
        "server_ca_untrusted",
    ),
    Line(
        ".net",
        "The remote certificate is invalid according to the validation procedure: RemoteCertificateNameMismatch",
        "server_name_mismatch",
    ),
    Line("schannel", "schannel: SEC_E_WRONG_PRINCIPAL (0x80090322)", "server_name_mismatch"),
    # Answers.
    Line(
        "otlp",
        "Server responded with gRPC status code 12. Error message: unknown service",
        "otlp_not_served",
    ),
    Line("otlp", "Failed to export batch code: 429, reason: Too Many Requests", "otlp_throttled"),
    Line("otlp", "rpc error: code = Unauthenticated desc = invalid token", "otlp_unauthenticated"),
    Line(
        "otlp",
        "rpc error: code = Unknown desc = open /var/tel/x: no space left on device",
        "otlp_storage_failure",
    ),
)

BACKEND_LINES: Final = (
    Line(
        "go",
        "http: TLS handshake error from 10.2.3.4:51034: tls: failed to verify certificate: x509: "
        "certificate signed by unknown authority",
        "client_ca_untrusted",
    ),
    Line(
        "go",
        "http: TLS handshake error from 10.2.3.4:51034: remote error: tls: unknown certificate authority",
        "server_ca_untrusted",
    ),
    Line(
        "go",
        "http: TLS handshake error from 10.2.3.4:51034: tls: client didn't provide a certificate",
        "client_cert_not_sent",
    ),
    Line(
        "go",
        "http: TLS handshake error from 10.2.3.4:51034: tls: first record does not look like a TLS handshake",
        "not_tls",
        ("tls_off",),
    ),
    Line(
        "go",
        "http: TLS handshake error from 10.2.3.4:51034: tls: client offered only unsupported versions: [302 301]",
        "protocol_version_mismatch",
    ),
    Line(
        "nginx",
        "client SSL certificate verify error: (10:certificate has expired) while reading client request headers",
        "client_cert_expired",
    ),
    Line(
        "nginx",
        "SSL_do_handshake() failed (SSL: error:0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert "
        "number 48) while SSL handshaking, client: 10.2.3.4, server: 0.0.0.0:4318",
        "server_ca_untrusted",
    ),
    Line(
        "openssl",
        "error:0A000086:SSL routines:tls_process_client_certificate:certificate verify failed",
        "client_ca_untrusted",
        ("client_cert_expired",),
    ),
    Line(
        "apache",
        "AH02039: Certificate Verification: Error (10): certificate has expired [client 10.2.3.4:50000]",
        "client_cert_expired",
    ),
    Line(
        "envoy",
        "remote address:10.2.3.4:51034,TLS_error:|268435581:SSL routines:OPENSSL_internal:"
        "CERTIFICATE_VERIFY_FAILED:verify cert failed: verify SAN list:TLS_error_end",
        "client_san_rejected",
    ),
    Line(
        "java",
        "sun.security.validator.ValidatorException: Extended key usage does not permit use for TLS client authentication",
        "client_cert_wrong_usage",
    ),
    Line(
        "rustls",
        "accept loop error: received fatal alert: CertificateExpired",
        "server_cert_expired",
    ),
    Line("rustls", "tls accept error: peer sent no certificates", "client_cert_not_sent"),
    Line(
        "etcd",
        'rejected connection from "10.2.3.4:51034" (error "remote error: tls: bad certificate", ServerName "")',
        "server_ca_untrusted",
    ),
)
