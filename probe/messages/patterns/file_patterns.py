"""Patterns of faults of certificate and key files, and which file is meant: client's pair or CA file.

The Collector's configtls, Go crypto/tls, OpenSSL's PEM, ASN.1, DECODER and STORE errors (CPython,
Node, curl), Java's CertificateFactory and KeyStore, rustls, mbedTLS, requests.
"""

import re
from functools import cache
from typing import Final, Literal

from probe.messages.patterns.pasted import Pasted
from probe.messages.patterns.pattern import (
    Pattern,
    Phrase,
    Reading,
    Readings,
    Specificity,
    split_phrases,
    weigh_causes,
)

FileRole = Literal["client", "ca", "unknown"]

_CA_PHRASES: Final = (
    "ca cert pool", "load ca", "ca file", "cafile", "ca bundle", "ca certificate bundle",
    "ca certificate", "ca certificates", "ca cert", "root certificates", "root certificate",
    "root ca", "trust store", "truststore", "trust anchors", "trusted certificates", "cacert",
    "ca certs", "verify locations", "setting certificate file", "certificate authority",
    "ca path", "x509 store", "root store", "pem root certs", "trust anchors parameter",
    "failed to parse cert", "certificate or crl", "load cert crl file", "load cert crl file ex", "ssl ca cert", "otel exporter otlp certificate", "rootcert",
)  # fmt: skip
_CLIENT_PHRASES: Final = (
    "private key", "key file", "keyfile", "client certificate", "client cert", "key pair",
    "x509 key pair", "tls cert and key", "load tls cert", "cert file", "certfile",
    "tls certificate file", "tls key file", "cert and key", "pem client certificate",
    "client key", "key store", "keystore", "p12", "pkcs12", "pkcs8", "key spec", "key input",
    "certificate input", "identity", "load cert chain", "use certificate", "certificate key", "cannot load certificate", "network password",
    "load client certificate", "loading client certificate", "certificate chain file", "use private key",
)  # fmt: skip
_ANCHORS_OPENED: Final = re.compile(r" bio new file .{1,120} calling fopen .{1,200} r ")
_CA_NAMES: Final = frozenset({"ca", "cas", "cacert", "root", "roots", "bundle", "trust", "anchors"})
_CLIENT_NAMES: Final = frozenset({"key", "client", "tls", "cert", "identity", "leaf"})


def detect_role(pasted: Pasted) -> FileRole:
    """Return which file the text is about: its words decide, then the file's name."""
    if pasted.has(*_CA_PHRASES):
        return "ca"
    if pasted.has(*_CLIENT_PHRASES):
        return "client"
    # OpenSSL opens files of trust anchors with "r", certificates and keys through its STORE with "rb".
    if _ANCHORS_OPENED.search(pasted.words):
        return "ca"
    parts = frozenset(" ".join(pasted.file_names).split())
    if parts & _CA_NAMES:
        return "ca"
    return "client" if parts & _CLIENT_NAMES else "unknown"


_OF_FILE: Final[dict[str, tuple[str, str]]] = {
    "missing": ("client_file_missing", "server_ca_file_missing"),
    "permission": ("client_file_permission", "server_ca_file_permission"),
    "malformed": ("client_file_malformed", "server_ca_file_malformed"),
}


def _weigh_roles(kind: str, which: FileRole) -> Readings:
    """Return the causes of one kind of file fault; the file that is probably meant comes first."""
    client, ca = _OF_FILE[kind]
    if which == "ca":
        return weigh_causes(**{ca: 0.95, client: 0.4})
    return weigh_causes(
        **{client: 0.95 if which == "client" else 0.8, ca: 0.4 if which == "client" else 0.6}
    )


_UNSPECIFIC: Final = (
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
            "certificate file … does not exist", "system cannot find the file", "No Private Key found in",
            "Could not open file or uri",
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
            "errno 13 permission denied", "has group or world access", "permissions are too open",
            "bad permissions", "No credentials are available in the security package", "0x8009030e",
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
            "tag or value is invalid", "No PEM header or footer found", "Incomplete data",
            "No certificate data found", "toDerInputStream rejects", "store handle load result unsupported",
            "key contents do not contain a PEM", "credentials supplied to the package were not recognized",
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


@cache
def list_file_phrases(which: FileRole) -> tuple[Phrase, ...]:
    """Return the phrases of file faults for a text about the file `which`."""
    return split_phrases((build_unspecific_pattern(which), *_build_named_patterns(which)))


@cache
def build_unspecific_pattern(which: FileRole) -> Pattern:
    """Return the pattern of a file that could not be loaded, where the line does not say why."""
    causes = tuple(
        Reading(each.cause, each.weight * share)
        for kind, share in (("malformed", 0.8), ("missing", 0.79), ("permission", 0.6))
        for each in _weigh_roles(kind, which)
    )
    why = "the file could not be loaded, and the line does not say why"
    return Pattern(why, _UNSPECIFIC, causes, causes, Specificity.ANSWERED)


def _build_named_patterns(which: FileRole) -> tuple[Pattern, ...]:
    return tuple(
        Pattern(why, phrases, _weigh_roles(kind, which), _weigh_roles(kind, which))
        for kind, why, phrases in _FILE_KINDS
    )
