"""What `cryptography` raises for a certificate or key that is odd, damaged or hostile."""

from typing import Final

from cryptography import x509
from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm

LIBRARY_ERRORS: Final = (
    ValueError,  # UnicodeError and the parser's own among them
    TypeError,
    OverflowError,
    KeyError,
    UnsupportedAlgorithm,
    InvalidSignature,
    InternalError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.UnsupportedGeneralNameType,
)
