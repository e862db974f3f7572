"""Why a runtime's parser refuses a certificate in a file, in its words; empty where it does not."""

from cryptography import x509

from probe.exporters.go_certificate import Refusal
from probe.exporters.go_parser import parse_for_go
from probe.exporters.java_certificate import JavaRefusal, read_for_java
from probe.x509.library_errors import LIBRARY_ERRORS
from probe.x509.raw_certificate import read_certificate


def refuse_for_go(der: bytes) -> str:
    """Return what crypto/x509 ParseCertificate says against it."""
    parsed = parse_for_go(der)
    return parsed.says if isinstance(parsed, Refusal) else ""


def refuse_for_java(der: bytes, plain: x509.Certificate | None) -> str:
    """Return what sun.security.x509.X509CertImpl throws (JDK 17).

    Args:
        der: the certificate.
        plain: the same as `cryptography` parses it, which spares a closer look.
    """
    if plain is not None:
        try:
            _ = plain.extensions
        except LIBRARY_ERRORS:
            pass  # something in it is odd
        else:
            return ""
    parts = read_certificate(der)
    if parts is None:
        return "Unable to initialize, java.io.IOException"
    if parts.trailing:
        return "Unable to initialize, java.io.IOException: extra data at the end"
    parsed = read_for_java(der)
    return parsed.says or "java.io.IOException" if isinstance(parsed, JavaRefusal) else ""
