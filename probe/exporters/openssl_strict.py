"""What OpenSSL's strict rules add (X509_V_FLAG_X509_STRICT, which Python 3.13 and later set).

OpenSSL 3.0, crypto/x509/x509_vfy.c, check_extensions: rules that RFC 5280 has for certificates of
conforming CAs, each with its section there.
"""

from collections.abc import Iterator
from typing import Final

from probe.exporters.openssl_certificate import OpenSslCertificate
from probe.exporters.openssl_errors import VerifyCode
from probe.x509 import extensions as ext

_CRL_SIGN: Final = 1 << 6


def _make(number: int, name: str, says: str) -> VerifyCode:
    return VerifyCode(number, "malformed", says, name)


PATHLEN_NON_CA: Final = _make(
    80, "PATHLEN_INVALID_FOR_NON_CA", "Path length invalid for non-CA cert"
)
PATHLEN_NO_SIGN: Final = _make(
    81, "PATHLEN_WITHOUT_KU_KEY_CERT_SIGN", "Path length given without key usage keyCertSign"
)
SIGN_NON_CA: Final = _make(
    82,
    "KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA",
    "Key usage keyCertSign invalid for non-CA cert",
)
ISSUER_EMPTY: Final = _make(83, "ISSUER_NAME_EMPTY", "Issuer name empty")
SUBJECT_EMPTY: Final = _make(84, "SUBJECT_NAME_EMPTY", "Subject name empty")
NO_AUTHORITY_KEY: Final = _make(
    85, "MISSING_AUTHORITY_KEY_IDENTIFIER", "Missing Authority Key Identifier"
)
NO_SUBJECT_KEY: Final = _make(
    86, "MISSING_SUBJECT_KEY_IDENTIFIER", "Missing Subject Key Identifier"
)
SAN_EMPTY: Final = _make(87, "EMPTY_SUBJECT_ALT_NAME", "Empty Subject Alternative Name extension")
SAN_NOT_CRITICAL: Final = _make(
    88,
    "EMPTY_SUBJECT_SAN_NOT_CRITICAL",
    "Subject empty and Subject Alt Name extension not critical",
)
BASIC_NOT_CRITICAL: Final = _make(
    89, "CA_BCONS_NOT_CRITICAL", "Basic Constraints of CA cert not marked critical"
)
AUTHORITY_CRITICAL: Final = _make(
    90,
    "AUTHORITY_KEY_IDENTIFIER_CRITICAL",
    "Authority Key Identifier marked critical",
)
SUBJECT_CRITICAL: Final = _make(
    91, "SUBJECT_KEY_IDENTIFIER_CRITICAL", "Subject Key Identifier marked critical"
)
NO_KEY_USAGE: Final = _make(
    92, "CA_CERT_MISSING_KEY_USAGE", "CA cert does not include key usage extension"
)
OLD_VERSION: Final = _make(
    93,
    "EXTENSIONS_REQUIRE_VERSION_3",
    "Using cert extension requires at least X509v3",
)
ALGORITHMS_DIFFER: Final = _make(
    78,
    "SIGNATURE_ALGORITHM_INCONSISTENCY",
    "Cert info signature and signature algorithm mismatch",
)


def list_strict_errors(one: OpenSslCertificate, *, is_last: bool) -> Iterator[VerifyCode]:
    """Yield what one certificate of a path of several breaks."""
    raw = one.raw
    signs = one.key_usage is None or bool(one.key_usage & ext.KEY_CERT_SIGN)
    if one.path_length is not None:
        if not one.is_ca:
            yield PATHLEN_NON_CA  # §4.2.1.9
        if not signs:
            yield PATHLEN_NO_SIGN
    if one.is_ca and not _is_critical(one, ext.BASIC_CONSTRAINTS):
        yield BASIC_NOT_CRITICAL
    if one.is_ca and one.key_usage is None:
        yield NO_KEY_USAGE  # §4.2.1.3
    if not one.is_ca and one.key_usage is not None and signs:
        yield SIGN_NON_CA
    if not one.issuer:
        yield ISSUER_EMPTY  # §4.1.2.4
    signs_lists = bool((one.key_usage or 0) & _CRL_SIGN)
    if not one.subject:
        if one.is_ca or signs_lists or one.names is None:
            yield SUBJECT_EMPTY  # §4.1.2.6
        elif not _is_critical(one, ext.SUBJECT_ALT_NAME):
            yield SAN_NOT_CRITICAL
    if one.names is not None and not one.names:
        yield SAN_EMPTY  # §4.2.1.6
    if raw.algorithm.contents != raw.outer_algorithm.contents:
        yield ALGORITHMS_DIFFER  # §4.1.1.2
    if _is_critical(one, ext.AUTHORITY_KEY_ID):
        yield AUTHORITY_CRITICAL
    if _is_critical(one, ext.SUBJECT_KEY_ID):
        yield SUBJECT_CRITICAL
    if raw.version < 2:
        if raw.extensions:
            yield OLD_VERSION
        return
    if not is_last and not one.authority_key:
        yield NO_AUTHORITY_KEY  # §4.2.1.1
    if one.is_ca and one.subject_key_id is None:
        yield NO_SUBJECT_KEY  # §4.2.1.2


def _is_critical(one: OpenSslCertificate, oid: str) -> bool:
    extension = one.raw.get_extension(oid)
    return extension is not None and extension.critical
