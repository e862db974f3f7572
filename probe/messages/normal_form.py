"""Text in the form in which rows and pastes are compared: lower case words.

`SSLV3_ALERT_BAD_CERTIFICATE`, `sslv3 alert bad certificate` and `BadCertificate` are the same
words then. Linear in the length of any text: no expression here can backtrack.
"""

import re
import unicodedata
from typing import Final

_APOSTROPHE: Final = re.compile(r"(?<=[A-Za-z])['\u2019](?=[A-Za-z])")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_WORD: Final = re.compile(r"[^\W_]+")
_PACKED: Final = re.compile(r"\berror:([0-9A-F]{8})\b", re.IGNORECASE)
_PACKED_DECIMAL: Final = re.compile(r"(?<![\d.])(2684[3-4]\d{4}|3355[4-6]\d{3})(?=:)")
"""Envoy prints BoringSSL's packed errors so; of library 16 (TLS) and 2 (errno)."""
_IDEOGRAPH: Final = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff])")
_OPENSSL_3_LIBRARIES: Final = frozenset(
    {4, 5, 6, 8, 9, 10, 11, 13, 14, 15, 16, 20, 33, 34, 35, 39, 44, 57, 59, 60, 61}
)
"""`ERR_LIB_*` of OpenSSL 3, include/openssl/err.h.in, as far as they read files or speak TLS."""


def normalize_text(text: str) -> list[str]:
    """Return the words of `text` in normal form.

    A packed OpenSSL error becomes `openssl lib L reason R`: `error:0A000418` (OpenSSL 3) and
    `error:14094418` (1.x, LibreSSL) `openssl lib 20 reason 1048`, BoringSSL's `error:10000418`
    `openssl lib 16 reason 1048`.
    """
    plain = text
    if "rror:" in plain or "RROR:" in plain:
        plain = _PACKED.sub(_unpack, plain)
        plain = _PACKED_DECIMAL.sub(lambda found: _describe_packed(int(found[1]), 24), plain)
    apart = _CAMEL.sub(" ", _APOSTROPHE.sub("", plain.replace("gRPC", "grpc")))  # one word
    if not apart.isascii():
        apart = unicodedata.normalize("NFKD", apart)
        apart = "".join(char for char in apart if not unicodedata.combining(char))
        apart = _IDEOGRAPH.sub(r" \1 ", apart)
    return _WORD.findall(apart.lower())


def _unpack(found: re.Match[str]) -> str:
    """Return the library and the reason of a packed error, as words.

    OpenSSL 3 has the library in bits 23 to 30 and no function (ERR_GET_LIB); 1.x, LibreSSL and
    BoringSSL have it in the first byte. Of the numbers that occur, no one is in both.
    """
    code = int(found[1], 16)
    is_new = code >> 23 in _OPENSSL_3_LIBRARIES and code & 0x7FF000 == 0
    return _describe_packed(code, 23 if is_new else 24)


def _describe_packed(code: int, shift: int) -> str:
    return f" error openssl lib {code >> shift} reason {code & 0xFFF} "
