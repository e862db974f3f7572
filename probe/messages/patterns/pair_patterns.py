"""Patterns of faults of certificate and key together: no pair, a passphrase, a weak key, nothing to send.

Go crypto/tls, OpenSSL and programs with it, Java's KeyManager and KeyStore, rustls, grpc-core, curl.
"""

from typing import Final

from probe.messages.patterns.pattern import Pattern, build_pattern

PAIR_PATTERNS: Final[tuple[Pattern, ...]] = (
    build_pattern(
        "CPython's word for a certificate or key that cannot be read, or a wrong passphrase",
        ("[SSL] PEM lib",),
        client_file_malformed=0.95,
        client_key_encrypted=0.6,
        client_cert_key_mismatch=0.3,
    ),
    build_pattern(
        "CPython's word for anchors that cannot be read",
        ("[X509] PEM lib",),
        server_ca_file_malformed=0.95,
        client_file_malformed=0.4,
    ),
    build_pattern(
        "the file holds no key that can be read: another kind of file, or an encrypted key",
        ("failed to parse private key",),
        client_file_malformed=0.9,
        client_key_encrypted=0.7,
    ),
    build_pattern(
        "curl's one text for a CA file that is not there, not readable, or holds no certificate",
        ("error setting certificate file", "error setting certificate verify locations"),
        server_ca_file_malformed=0.7,
        server_ca_file_missing=0.69,
        server_ca_file_permission=0.5,
    ),
    build_pattern(
        "the certificates of the file do not follow one another",
        ("Certificate chain is not valid", "chain is out of order", "certificate chain is misordered"),
        client_chain_misordered=0.9,
        client_file_malformed=0.5,
    ),
    build_pattern(
        "the key does not belong to the certificate",
        (
            "private key does not match public key", "private key type does not match public key",
            "key values mismatch", "KEY_VALUES_MISMATCH", "key type mismatch",
            "Private key does not match the certificate public key", "KeyMismatch",
            "InconsistentKeys", "key and certificate do not match", "private key does not match",
            "certificate and private key do not match", "certificate and key do not match",
            "X509_check_private_key", "NO_CERTIFICATE_ASSIGNED", "no certificate assigned", "key mismatch", "private key and certificate do not match",
            "certificate does not match private key", "certificate does not match key",
        ),
        client_cert_key_mismatch=0.95,
        client_chain_misordered=0.6,
        client_file_malformed=0.3,
    ),
    build_pattern(
        "the signature in the handshake was made with another key than the certificate's",
        (
            "invalid signature by the client certificate", "tls_process_cert_verify bad signature",
            "BAD_SIGNATURE", "ERR_SSL_BAD_SIGNATURE", "Invalid CertificateVerify signature",
            "bad certificate verify", "CertificateVerify … invalid", "signature verification failed",
            "Cannot verify CertificateVerify", "Invalid CertificateVerify message",
        ),
        client_cert_key_mismatch=0.9,
        client_ca_untrusted=0.5,
        client_chain_misordered=0.4,
    ),
    build_pattern(
        "the key is encrypted and nobody gives its passphrase",
        (
            "bad decrypt", "failed to parse private key … tags don't match 2 vs class 0 tag 16", "private key is encrypted", "password is required", "bad password read",
            "encrypted private key", "interrupted or cancelled", "problems getting password",
            "EncryptedPrivateKeyInfo", "passphrase required", "bad passphrase", "key is encrypted",
            "Given final block not properly padded", "keystore password was incorrect",
            "encrypted PEM", "digital envelope routines unsupported", "passphrase … required", "Enter PEM pass phrase", "EncryptedKey",
            "pkcs12 cipherfinal error", "failed to decrypt private key", "wrong password",
            "encrypted keys are not supported", "ERR_MISSING_PASSPHRASE", "No PIN given",
            "DerValue.getBigIntegerInternal, not expected 48", "mac verify failure", "mac verify error",
            "private key password", "UI routines", "failed to decrypt safe contents",
        ),
        client_key_encrypted=0.9,
        client_file_malformed=0.6,
    ),
    build_pattern(
        "certificate or key could not be used, and the line does not say why",
        (
            "Failed to load private key", "Invalid private key",
            "Failed to create security handshaker", "could not load private key",
            "unable to load private key", "error loading private key", "Invalid key file",
            "could not read private key", "Unable to load client key", "cannot load private key",
            "Cannot load certificate key", "cannot load certificate key", "unable to use private key",
            "Handshaker factory creation failed",
        ),
        client_file_malformed=0.6,
        client_cert_key_mismatch=0.59,
        client_file_missing=0.5,
        client_key_encrypted=0.45,
        client_file_permission=0.4,
        client_chain_misordered=0.35,
        server_ca_file_malformed=0.3,
    ),
    build_pattern(
        "the file that is to hold the key is named as a certificate",
        ("unable to set private key file … pem type", "unable to set private key file … crt type",
         "unable to set private key file … cer type"),
        client_file_malformed=0.7,
        client_file_missing=0.6,
        client_cert_key_mismatch=0.5,
        client_key_encrypted=0.45,
        client_file_permission=0.4,
    ),
    build_pattern(
        "curl's one text for a key that is not there, not readable, or not the certificate's",
        ("unable to set private key file",),
        client_file_missing=0.6,
        client_cert_key_mismatch=0.59,
        client_file_malformed=0.55,
        client_file_permission=0.5,
        client_key_encrypted=0.45,
        client_chain_misordered=0.4,
    ),
    build_pattern(
        "one of certificate and key is set without the other",
        (
            "provide both certificate and key or neither", "both certificate and key",
            "both the certificate and key", "certificate and key must be", "key file without cert",
            "certificate without key", "cert and key must both be", "must specify both",
        ),
        client_file_missing=0.8,
        client_cert_not_sent=0.4,
    ),
    build_pattern(
        "OpenSSL refuses to load a certificate of its own that is weaker than the security level",
        (
            "ee key too small", "ca key too small", "ca md too weak", "EE_KEY_TOO_SMALL",
        ),
        client_cert_weak=0.9,
        server_cert_weak=0.5,
        server_ca_file_malformed=0.2,
    ),
    build_pattern(
        "Java found no certificate among its own whose issuer the backend names",
        ("no suitable certificate found", "no X.509 certificate for client authentication",
         "client certificate not found", "chain is not signed by an acceptable CA"),
        client_ca_untrusted=0.9,
        client_chain_incomplete=0.7,
        client_cert_not_sent=0.5,
        client_cert_rejected=0.4,
    ),
)  # fmt: skip
