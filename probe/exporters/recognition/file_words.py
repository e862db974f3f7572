"""Faults of certificate and key files in words, and which file is meant: client's pair or CA file.

The Collector's configtls, Go crypto/tls, OpenSSL's PEM, ASN.1, DECODER and STORE errors (CPython,
Node, curl), Java's CertificateFactory and KeyStore, rustls, mbedTLS, requests.
"""

import re
from functools import cache
from typing import Final, Literal

from probe.exporters.recognition.pasted import Pasted
from probe.exporters.recognition.sign import (
    Phrase,
    Rank,
    Reading,
    Readings,
    Sign,
    either,
    phrases_of,
    readings,
)

Role = Literal["client", "ca", "unknown"]

_CA_WORDS: Final = (
    "ca cert pool", "load ca", "ca file", "cafile", "ca bundle", "ca certificate bundle",
    "ca certificate", "ca certificates", "ca cert", "root certificates", "root certificate",
    "root ca", "trust store", "truststore", "trust anchors", "trusted certificates", "cacert",
    "ca certs", "verify locations", "setting certificate file", "certificate authority",
    "ca path", "x509 store", "root store", "pem root certs", "trust anchors parameter",
    "failed to parse cert", "certificate or crl", "otel exporter otlp certificate", "rootcert",
)  # fmt: skip
_CLIENT_WORDS: Final = (
    "private key", "key file", "keyfile", "client certificate", "client cert", "key pair",
    "x509 key pair", "tls cert and key", "load tls cert", "cert file", "certfile",
    "tls certificate file", "tls key file", "cert and key", "pem client certificate",
    "client key", "key store", "keystore", "p12", "pkcs12", "pkcs8", "key spec", "key input",
    "certificate input", "identity", "load cert chain", "use certificate", "use private key",
)  # fmt: skip
_ANCHORS_OPENED: Final = re.compile(r" bio new file .{1,120} calling fopen .{1,200} r ")
_CA_NAMES: Final = frozenset({"ca", "cas", "cacert", "root", "roots", "bundle", "trust", "anchors"})
_CLIENT_NAMES: Final = frozenset({"key", "client", "tls", "cert", "identity", "leaf"})


def role(pasted: Pasted) -> Role:
    """Return which file the text speaks of: its words decide, then the file's own name."""
    # OpenSSL opens files of anchors as "r", certificates and keys through its STORE as "rb".
    if pasted.has(*_CA_WORDS) or _ANCHORS_OPENED.search(pasted.words):
        return "ca"
    if pasted.has(*_CLIENT_WORDS):
        return "client"
    parts = frozenset(" ".join(pasted.file_names).split())
    if parts & _CA_NAMES:
        return "ca"
    return "client" if parts & _CLIENT_NAMES else "unknown"


_OF_FILE: Final[dict[str, tuple[str, str]]] = {
    "missing": ("client_file_missing", "server_ca_file_missing"),
    "permission": ("client_file_permission", "server_ca_file_permission"),
    "malformed": ("client_file_malformed", "server_ca_file_malformed"),
}


def _for_role(kind: str, which: Role) -> Readings:
    """Return the causes of one kind of file fault, the file that is meant first."""
    client, ca = _OF_FILE[kind]
    if which == "ca":
        return readings(**{ca: 0.95, client: 0.4})
    return readings(
        **{client: 0.95 if which == "client" else 0.8, ca: 0.4 if which == "client" else 0.6}
    )


_UNTOLD: Final = (
    "could not load PEM client certificate", "unable to load certificate", "unable to load CA",
    "error loading certificate", "failed to load certificate", "error loading CA", "could not parse",
    "could not load client certificate", "failed to load X509KeyPair", "failed to load CA CertPool",
    "cannot load certificate", "could not load any certificate", "could not load the CA file",
    "could not load CA", "could not load certificate", "failed to load CA", "unable to load CA file",
    "failed to load cert", "failed to load TLS config",
    "failed to load TLS cert and key", "error reading certificate", "failed to read certificate",
    "unable to read certificate", "failed to load key",
)  # fmt: skip
_FILE_KINDS: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    (
        "missing",
        "the file that the settings name is not there",
        (
            "no such file or directory", "NoSuchFileException", "ENOENT", "FileNotFoundError",
            "FileNotFoundException", "cannot find the file specified", "Could not find file",
            "Could not find the TLS certificate file", "Could not find the TLS key file",
            "Could not find a suitable TLS CA certificate bundle", "file does not exist",
            "path does not exist", "file not found", "could not find certificate file",
            "cannot find the path specified", "failed to find file", "invalid path",
            "certificate file … does not exist", "system cannot find the file",
        ),
    ),
    (
        "permission",
        "the process may not read the file that the settings name",
        (
            "open … permission denied", "fopen … permission denied", "permission denied … fopen",
            "PermissionError", "FileNotFoundException … permission denied", "EACCES", "AccessDeniedException", "BIO_new_file permission denied",
            "UnauthorizedAccessException", "permission denied … pem", "permission denied … key",
            "permission denied … crt", "access to the path … is denied", "load … permission denied",
            "errno 13 permission denied",
        ),
    ),
    (
        "malformed",
        "the file does not hold what is expected of it",
        (
            "no start line", "bad end line", "bad base64 decode", "short header", "bad PEM",
            "failed to find any PEM data", "failed to find certificate PEM data",
            "PEM inputs may have been switched", "found a certificate rather than a key",
            "failed to find PEM block", "Unable to generate key from supported", "failed to parse certificate", "failed to parse client certificate",
            "failed to parse certificate from server",
            "x509 malformed", "asn1 syntax error", "asn1 structure error", "malformed certificate",
            "failed to parse cert", "failed to append", "no certificate or CRL found",
            "no certificate found", "PEM lib", "wrong tag", "not enough data", "nested asn1 error",
            "header too long", "bad object header", "DECODER routines unsupported",
            "DECODER_from_bio unsupported", "unsupported … wrong passphrase",
            "InvalidKeySpecException", "InvalidKeyException", "CertificateParsingException",
            "Illegal base64 character", "signed fields invalid", "CertificateException",
            "Could not parse certificate", "Unable to initialize java.io", "invalid keystore format",
            "not a PKCS12", "codec can't decode byte", "invalid start byte", "InvalidCertificateEncoding", "no private keys found",
            "no keys found", "CRT/CRL/CSR format is invalid",
            "key format is invalid", "invalid PEM", "but not both", "Base64 unexpected header error",
            "Base64 decoding error", "no certificates found",
            "unsupported key type", "unknown private key type", "invalid key",
            "PEM_read_bio", "UNABLE_TO_DECODE", "Tag number over 30",
            "no PEM encoded", "trustAnchors parameter must be non-empty", "no usable certificates",
            "error adding trust anchors", "no valid certificate", "Invalid CA certificate file", "Invalid cert chain file",
            "try_pkcs12", "error verifying pkcs12 mac", "Too few bytes", "DerValue", "DerInputStream",
            "unexpected message type", "certificate is malformed", "No supported data to decode", "ERR_OSSL_UNSUPPORTED",
            "asn1 parse error", "not valid PEM", "error parsing certificate",
        ),
    ),
)  # fmt: skip

PAIR_SIGNS: Final[tuple[Sign, ...]] = (
    either(
        "the file holds no key that can be read: another kind of file, or an encrypted key",
        ("failed to parse private key",),
        client_file_malformed=0.9,
        client_key_encrypted=0.7,
    ),
    either(
        "curl's one text for a CA file that is not there, not readable, or holds no certificate",
        ("error setting certificate file", "error setting certificate verify locations"),
        server_ca_file_malformed=0.7,
        server_ca_file_missing=0.69,
        server_ca_file_permission=0.5,
    ),
    either(
        "the certificates of the file do not follow one another",
        ("Certificate chain is not valid", "chain is out of order", "certificate chain is misordered"),
        client_chain_misordered=0.9,
        client_file_malformed=0.5,
    ),
    either(
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
    either(
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
    either(
        "the key is encrypted and nobody gives its passphrase",
        (
            "bad decrypt", "failed to parse private key … tags don't match 2 vs class 0 tag 16", "private key is encrypted", "password is required", "bad password read",
            "encrypted private key", "interrupted or cancelled", "problems getting password",
            "EncryptedPrivateKeyInfo", "passphrase required", "bad passphrase", "key is encrypted",
            "Given final block not properly padded", "keystore password was incorrect",
            "encrypted PEM", "digital envelope routines unsupported", "passphrase … required", "Enter PEM pass phrase", "EncryptedKey",
            "pkcs12 cipherfinal error", "failed to decrypt private key", "wrong password",
            "encrypted keys are not supported", "ERR_MISSING_PASSPHRASE",
        ),
        client_key_encrypted=0.9,
        client_file_malformed=0.6,
    ),
    either(
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
    either(
        "the file that is to hold the key is named as a certificate",
        ("unable to set private key file … pem type", "unable to set private key file … crt type",
         "unable to set private key file … cer type"),
        client_file_malformed=0.7,
        client_file_missing=0.6,
        client_cert_key_mismatch=0.5,
        client_key_encrypted=0.45,
        client_file_permission=0.4,
    ),
    either(
        "curl's one text for a key that is not there, not readable, or not the certificate's",
        ("unable to set private key file",),
        client_file_missing=0.6,
        client_cert_key_mismatch=0.59,
        client_file_malformed=0.55,
        client_file_permission=0.5,
        client_key_encrypted=0.45,
        client_chain_misordered=0.4,
    ),
    either(
        "one of certificate and key is set without the other",
        (
            "provide both certificate and key or neither", "both certificate and key",
            "both the certificate and key", "certificate and key must be", "key file without cert",
            "certificate without key", "cert and key must both be", "must specify both",
        ),
        client_file_missing=0.8,
        client_cert_not_sent=0.4,
    ),
    either(
        "OpenSSL refuses to load a certificate of its own that is weaker than the security level",
        (
            "ee key too small", "ca key too small", "ca md too weak", "EE_KEY_TOO_SMALL",
        ),
        client_cert_weak=0.9,
        server_cert_weak=0.5,
        server_ca_file_malformed=0.2,
    ),
    either(
        "Java found no certificate among its own whose issuer the backend names",
        ("no suitable certificate found", "no X.509 certificate for client authentication",
         "client certificate not found", "chain is not signed by an acceptable CA"),
        client_ca_untrusted=0.9,
        client_chain_incomplete=0.7,
        client_cert_not_sent=0.5,
        client_cert_rejected=0.4,
    ),
)  # fmt: skip


@cache
def file_phrases(which: Role) -> tuple[Phrase, ...]:
    """Return the phrases of file faults, where the text speaks of the file `which`."""
    untold = tuple(
        Reading(each.cause, each.weight * share)
        for kind, share in (("malformed", 0.8), ("missing", 0.7), ("permission", 0.6))
        for each in _for_role(kind, which)
    )
    why_untold = "the file could not be loaded, and the line does not say why"
    return phrases_of((Sign(why_untold, _UNTOLD, untold, untold, Rank.ANSWERED), *_named(which)))


def _named(which: Role) -> tuple[Sign, ...]:
    return tuple(
        Sign(why, phrases, _for_role(kind, which), _for_role(kind, which))
        for kind, why, phrases in _FILE_KINDS
    )
