"""What GnuTLS, Mbed TLS, wolfSSL and curl can print, asked of the installed shared libraries."""

import ctypes
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tools.messages.extract_openssl import load_library
from tools.messages.library_texts import LibraryTexts, choose_texts

_LONGEST: Final = 4000
_MBEDTLS_TOPICS: Final = ("SSL", "X509", "PK", "PEM", "ASN1", "BASE64", "NET", "PKCS", "ECP")
_CURL_TOPIC: Final = re.compile(
    r"certificate|\bSSL|\bTLS|private key|PKCS12|\bCRL\b|cipher|verif|resolve|timed out|time-?out"
    r"|Failed to connect|Send failure|Recv failure|getpeername|tunnel|\bALPN\b|trust anchors",
)
_PRINTABLE: Final = re.compile(rb"[\x20-\x7e]{8,400}(?=\0)")


def extract_gnutls() -> LibraryTexts:
    """Return the errors, the alerts and the verdicts of the installed GnuTLS."""
    library = load_library("gnutls")
    for name in ("gnutls_strerror", "gnutls_alert_get_name", "gnutls_check_version"):
        getattr(library, name).restype = ctypes.c_char_p
    library.gnutls_strerror_name.restype = ctypes.c_char_p
    errors = [
        library.gnutls_strerror(-number).decode()
        for number in range(1, 500)
        if library.gnutls_strerror_name(-number)
    ]
    names = [library.gnutls_alert_get_name(number) for number in range(1, 130)]
    alerts = [f"GnuTLS: received alert: {name.decode()}" for name in names if name]
    version = library.gnutls_check_version(None).decode()
    texts = choose_texts([*errors, *alerts, *_list_gnutls_verdicts(library)])
    return LibraryTexts("GnuTLS", version, texts)


class _Datum(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_uint))


def _list_gnutls_verdicts(library: ctypes.CDLL) -> Iterator[str]:
    for bit in range(24):
        datum = _Datum()
        status = ctypes.c_uint(1 << bit | 2)
        library.gnutls_certificate_verification_status_print(status, 1, ctypes.byref(datum), 0)
        if datum.data:
            yield from ctypes.string_at(datum.data).decode().split(". ")


def extract_mbedtls() -> LibraryTexts:
    """Return the errors and the verdicts of the installed Mbed TLS."""
    crypto, x509 = load_library("mbedcrypto"), load_library("mbedx509")
    load_library("mbedtls")
    text = ctypes.create_string_buffer(_LONGEST)
    errors = []
    for number in (*range(0x80), *range(0x80, 0x8000, 0x80)):
        crypto.mbedtls_strerror(-number, text, _LONGEST)
        if text.value.startswith(tuple(topic.encode() for topic in _MBEDTLS_TOPICS)):
            errors.append(text.value.decode())
    x509.mbedtls_x509_crt_verify_info(text, _LONGEST, b"", 0xFFFFFF)
    verdicts = text.value.decode().splitlines()
    crypto.mbedtls_version_get_string(text)
    return LibraryTexts("Mbed TLS", text.value.decode(), choose_texts([*errors, *verdicts]))


def extract_wolfssl() -> LibraryTexts:
    """Return the errors of the installed wolfSSL."""
    library = load_library("wolfssl")
    library.wolfSSL_ERR_reason_error_string.restype = ctypes.c_char_p
    library.wolfSSL_lib_version.restype = ctypes.c_char_p
    errors = [
        library.wolfSSL_ERR_reason_error_string(ctypes.c_ulong(-number)).decode()
        for number in range(100, 700)
    ]
    texts = choose_texts(f"wolfSSL: {each}" for each in errors if "unknown error" not in each)
    return LibraryTexts("wolfSSL", library.wolfSSL_lib_version().decode(), texts)


def extract_curl() -> LibraryTexts:
    """Return libcurl's errors, and its formats that are about TLS and connections."""
    library = load_library("curl")
    library.curl_easy_strerror.restype = ctypes.c_char_p
    library.curl_version.restype = ctypes.c_char_p
    errors = [f"curl: {library.curl_easy_strerror(number).decode()}" for number in range(1, 101)]
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    place = next(line.split()[-1] for line in maps.splitlines() if "libcurl" in line)
    formats = [each.decode() for each in _PRINTABLE.findall(Path(place).read_bytes())]
    chosen = [each for each in formats if " " in each and _CURL_TOPIC.search(each)]
    version = library.curl_version().decode().split()[0]
    return LibraryTexts("curl", version, choose_texts([*errors, *chosen]))


EXTRACTORS: Final[dict[str, Callable[[], LibraryTexts]]] = {
    "gnutls": extract_gnutls,
    "mbedtls": extract_mbedtls,
    "wolfssl": extract_wolfssl,
    "curl": extract_curl,
}
