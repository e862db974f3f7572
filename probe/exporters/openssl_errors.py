"""OpenSSL's verification errors (x509_vfy.h): what each means as a fault, and its text."""

from typing import Final, NamedTuple

from probe.model.path_fault import PathFaultKind


class VerifyCode(NamedTuple):
    """One X509_V_ERR number."""

    number: int
    kind: PathFaultKind
    says: str
    """X509_verify_cert_error_string, as OpenSSL 3 has it."""
    name: str
    """Without X509_V_ERR_, which is what Node reports as its code."""


def _code(number: int, kind: PathFaultKind, name: str, says: str) -> VerifyCode:
    return VerifyCode(number, kind, says, name)


UNSPECIFIED: Final = _code(
    1, "malformed", "UNSPECIFIED", "unspecified certificate verification error"
)
NO_ISSUER: Final = _code(
    2, "no_anchor", "UNABLE_TO_GET_ISSUER_CERT", "unable to get issuer certificate"
)
NO_ISSUER_KEY: Final = _code(
    6,
    "weak_key",
    "UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY",
    "unable to decode issuer public key",
)
BAD_SIGNATURE: Final = _code(
    7, "bad_signature", "CERT_SIGNATURE_FAILURE", "certificate signature failure"
)
NOT_YET_VALID: Final = _code(
    9, "not_yet_valid", "CERT_NOT_YET_VALID", "certificate is not yet valid"
)
EXPIRED: Final = _code(10, "expired", "CERT_HAS_EXPIRED", "certificate has expired")
BAD_NOT_BEFORE: Final = _code(
    13,
    "malformed",
    "ERROR_IN_CERT_NOT_BEFORE_FIELD",
    "format error in certificate's notBefore field",
)
BAD_NOT_AFTER: Final = _code(
    14,
    "malformed",
    "ERROR_IN_CERT_NOT_AFTER_FIELD",
    "format error in certificate's notAfter field",
)
SELF_SIGNED_LEAF: Final = _code(
    18, "no_anchor", "DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"
)
SELF_SIGNED_IN_CHAIN: Final = _code(
    19, "no_anchor", "SELF_SIGNED_CERT_IN_CHAIN", "self-signed certificate in certificate chain"
)
NO_LOCAL_ISSUER: Final = _code(
    20,
    "no_anchor",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    "unable to get local issuer certificate",
)
LEAF_UNVERIFIED: Final = _code(
    21, "no_anchor", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate"
)
TOO_LONG: Final = _code(22, "too_complex", "CERT_CHAIN_TOO_LONG", "certificate chain too long")
INVALID_CA: Final = _code(24, "not_a_ca", "INVALID_CA", "invalid CA certificate")
PATH_LENGTH: Final = _code(
    25, "path_length", "PATH_LENGTH_EXCEEDED", "path length constraint exceeded"
)
INVALID_PURPOSE: Final = _code(
    26, "wrong_usage", "INVALID_PURPOSE", "unsuitable certificate purpose"
)
NO_CERT_SIGN: Final = _code(
    32, "not_a_ca", "KEYUSAGE_NO_CERTSIGN", "key usage does not include certificate signing"
)
CRITICAL: Final = _code(
    34, "critical_extension", "UNHANDLED_CRITICAL_EXTENSION", "unhandled critical extension"
)
PROXY: Final = _code(
    40,
    "critical_extension",
    "PROXY_CERTIFICATES_NOT_ALLOWED",
    "proxy certificates not allowed, please set the appropriate flag",
)
NOT_PERMITTED: Final = _code(
    47, "name_constraint", "PERMITTED_VIOLATION", "permitted subtree violation"
)
EXCLUDED: Final = _code(48, "name_constraint", "EXCLUDED_VIOLATION", "excluded subtree violation")
SUBTREE_RANGE: Final = _code(
    49,
    "name_constraint",
    "SUBTREE_MINMAX",
    "name constraints minimum and maximum not supported",
)
UNKNOWN_CONSTRAINT: Final = _code(
    51,
    "name_constraint",
    "UNSUPPORTED_CONSTRAINT_TYPE",
    "unsupported name constraint type",
)
BAD_CONSTRAINT: Final = _code(
    52,
    "name_constraint",
    "UNSUPPORTED_CONSTRAINT_SYNTAX",
    "unsupported or invalid name constraint syntax",
)
BAD_NAME: Final = _code(
    53, "name_constraint", "UNSUPPORTED_NAME_SYNTAX", "unsupported or invalid name syntax"
)
HOST_MISMATCH: Final = _code(62, "name_mismatch", "HOSTNAME_MISMATCH", "hostname mismatch")
IP_MISMATCH: Final = _code(64, "name_mismatch", "IP_ADDRESS_MISMATCH", "IP address mismatch")
WEAK_LEAF_KEY: Final = _code(66, "weak_key", "EE_KEY_TOO_SMALL", "EE certificate key too weak")
WEAK_CA_KEY: Final = _code(67, "weak_key", "CA_KEY_TOO_SMALL", "CA certificate key too weak")
WEAK_HASH: Final = _code(
    68, "weak_signature", "CA_MD_TOO_WEAK", "CA signature digest algorithm too weak"
)
EXPLICIT_CURVE: Final = _code(
    94, "weak_key", "EC_KEY_EXPLICIT_PARAMS", "Certificate public key has explicit ECC parameters"
)
