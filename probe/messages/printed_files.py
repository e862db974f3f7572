"""What exporters print for their own credential files: missing, unreadable or malformed.

Recorded from real clients, or read in their sources; "…" stands for a path.
"""

from typing import Final

from probe.model.runtime import (
    COLLECTOR,
    CURL,
    GO,
    GO_BASED,
    JAVA,
    NODE,
    PYTHON_GRPC,
    PYTHON_HTTP,
    RuntimeText,
    TextsByCause,
)

CURL_CANNOT_LOAD: Final = "curl: (58) could not load PEM client certificate from …"
CURL_CANNOT_SET_KEY: Final = "curl: (58) unable to set private key file: …"
GRPC_CORE_GIVES_UP: Final = "Failed to create security handshaker."
KEY_VALUES_MISMATCH: Final = "key values mismatch"

_NOT_A_PAIR: Final[tuple[RuntimeText, ...]] = (
    (GO_BASED, "tls: private key does not match public key"),
    ((PYTHON_GRPC,), GRPC_CORE_GIVES_UP),
    ((PYTHON_HTTP,), f"[X509: KEY_VALUES_MISMATCH] {KEY_VALUES_MISMATCH}"),
    (NODE, f"x509 certificate routines::{KEY_VALUES_MISMATCH}"),
    ((CURL,), CURL_CANNOT_SET_KEY),
)

FILE_TEXTS: Final[TextsByCause] = {
    "client_file_missing": (
        (
            (COLLECTOR,),
            "TLS configuration must include both certificate and key",
        ),
        (GO_BASED, "open …: no such file or directory"),
        (JAVA, "java.nio.file.NoSuchFileException: …"),
        ((PYTHON_GRPC,), "FileNotFoundError: [Errno 2] No such file or directory: …"),
        ((PYTHON_HTTP,), "Could not find the TLS certificate file, invalid path: …"),
        ((PYTHON_HTTP,), "Could not find the TLS key file, invalid path: …"),
        (NODE, "ENOENT: no such file or directory, open …"),
        ((CURL,), f"{CURL_CANNOT_LOAD}, OpenSSL error …No such file or directory"),
        ((CURL,), CURL_CANNOT_SET_KEY),
    ),
    "client_file_permission": (
        (GO_BASED, "open …: permission denied"),
        (JAVA, "java.nio.file.AccessDeniedException: …"),
        ((PYTHON_GRPC, PYTHON_HTTP), "[Errno 13] Permission denied"),
        (NODE, "EACCES: permission denied, open …"),
        ((CURL,), CURL_CANNOT_SET_KEY),
    ),
    "client_file_malformed": (
        (GO_BASED, "tls: failed to find any PEM data in certificate input"),
        (GO_BASED, "tls: failed to find any PEM data in key input"),
        (GO_BASED, "PEM inputs may have been switched"),
        (JAVA, "java.security.cert.CertificateException: java.io.IOException: Incomplete data"),
        (JAVA, "java.lang.IllegalArgumentException: Illegal base64 character"),
        ((PYTHON_GRPC,), GRPC_CORE_GIVES_UP),
        ((PYTHON_HTTP,), "[SSL] PEM lib"),
        (NODE, "PEM routines::no start line"),
        (NODE, "PEM routines::bad base64 decode"),
        ((CURL,), f"{CURL_CANNOT_LOAD}, OpenSSL error …PEM routines::no start line"),
    ),
    "client_key_encrypted": (
        (GO_BASED, "tls: failed to parse private key"),
        (JAVA, "Unable to generate key from supported algorithms"),
        ((PYTHON_GRPC,), GRPC_CORE_GIVES_UP),
        ((PYTHON_HTTP,), "Client private key is encrypted, password is required"),
        (NODE, "Provider routines::bad decrypt"),
        ((CURL,), "Enter PEM pass phrase:"),
    ),
    "client_cert_key_mismatch": (
        *_NOT_A_PAIR,
        (GO_BASED, "tls: private key type does not match public key type"),
        ((PYTHON_HTTP,), "[SSL: NO_CERTIFICATE_ASSIGNED] no certificate assigned"),
        ((CURL,), "curl: (58) Private key does not match the certificate public key"),
    ),
    "client_chain_misordered": (
        *_NOT_A_PAIR,
        (JAVA, "java.security.KeyStoreException: Certificate chain is not valid"),
    ),
    "client_cert_weak": (
        ((PYTHON_HTTP,), "[SSL: EE_KEY_TOO_SMALL] ee key too small"),
        ((CURL,), "SSL routines::ee key too small"),
        ((PYTHON_HTTP,), "[SSL: CA_MD_TOO_WEAK] ca md too weak"),
        (NODE, "SSL routines::ca md too weak"),
    ),
    "server_ca_file_missing": (
        ((COLLECTOR,), "failed to load CA …: open …: no such file or directory"),
        (GO_BASED, "open …: no such file or directory"),
        (JAVA, "java.nio.file.NoSuchFileException: …"),
        ((PYTHON_GRPC,), "FileNotFoundError: [Errno 2] No such file or directory: …"),
        (
            (PYTHON_HTTP,),
            "Could not find a suitable TLS CA certificate bundle, invalid path: …",
        ),
        (NODE, "ENOENT: no such file or directory, open …"),
        ((CURL,), "curl: (77) error setting certificate file: …"),
    ),
    "server_ca_file_permission": (
        ((COLLECTOR,), "failed to load CA …: open …: permission denied"),
        (GO_BASED, "open …: permission denied"),
        (JAVA, "java.nio.file.AccessDeniedException: …"),
        ((PYTHON_GRPC, PYTHON_HTTP), "[Errno 13] Permission denied"),
        (NODE, "EACCES: permission denied, open …"),
        ((CURL,), "curl: (77) error setting certificate file: …"),
    ),
    "server_ca_file_malformed": (
        ((COLLECTOR,), "failed to parse cert"),
        (GO, "failed to append certificate to the cert pool"),
        (
            JAVA,
            "InvalidAlgorithmParameterException: the trustAnchors parameter must be non-empty",
        ),
        ((PYTHON_GRPC,), GRPC_CORE_GIVES_UP),
        ((PYTHON_HTTP,), "[X509: NO_CERTIFICATE_OR_CRL_FOUND] no certificate or crl found"),
        (NODE, "PEM routines::no start line"),
        ((CURL,), "curl: (77) error setting certificate file: …"),
    ),
}
"""By cause. .NET has few messages of its own here; they are not recorded."""
