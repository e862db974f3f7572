"""What OpenSSL can print: results of verification, and the reasons of its libraries."""

import ctypes
import ctypes.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tools.messages.library_texts import LibraryTexts, choose_texts

_LIBRARIES: Final = {20: "SSL", 9: "PEM", 11: "X509", 13: "ASN1", 35: "PKCS12", 44: "STORE"}
"""ERR_LIB_…, include/openssl/err.h.in: those that read files or speak TLS."""
_MOST: Final = 1200
_LOAD: Final = 0x00200002
"""OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS."""


def load_library(name: str) -> ctypes.CDLL:
    """Return the installed shared library `name`; LD_LIBRARY_PATH says where else to look.

    Raises:
        FileNotFoundError: where it is not installed.
    """
    folders = filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":"))
    here = [str(path) for folder in folders for path in Path(folder).glob(f"lib{name}.so*")]
    found = next(iter(here), None) or ctypes.util.find_library(name)
    if found is None:
        raise FileNotFoundError(f"lib{name} is not installed")
    return ctypes.CDLL(found, mode=ctypes.RTLD_GLOBAL)


def extract_openssl() -> LibraryTexts:
    """Return the texts of the machine's OpenSSL 3."""
    crypto, ssl = load_library("crypto"), load_library("ssl")
    ssl.OPENSSL_init_ssl(ctypes.c_uint64(_LOAD), None)
    crypto.OpenSSL_version.restype = ctypes.c_char_p
    version = crypto.OpenSSL_version(0).decode()
    texts = choose_texts([*_list_verdicts(crypto), *_list_reasons(crypto)])
    return LibraryTexts("OpenSSL", version, texts)


def _list_verdicts(crypto: ctypes.CDLL) -> Iterator[str]:
    name = crypto.X509_verify_cert_error_string
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.c_long]
    for number in range(1, 120):
        text = name(number).decode()
        if not text.startswith("unknown certificate verification"):
            yield f"certificate verify failed: {text}"


def _list_reasons(crypto: ctypes.CDLL) -> Iterator[str]:
    """Yield each reason behind the name of its library, as ERR_error_string writes it."""
    for name in (crypto.ERR_reason_error_string, crypto.ERR_lib_error_string):
        name.restype, name.argtypes = ctypes.c_char_p, [ctypes.c_ulong]
    for library in _LIBRARIES:
        routines = crypto.ERR_lib_error_string(library << 23).decode()
        for reason in range(1, _MOST):
            text = crypto.ERR_reason_error_string(library << 23 | reason)
            if text:
                yield f"{routines}::{text.decode()}"


EXTRACTORS: Final[dict[str, Callable[[], LibraryTexts]]] = {"openssl": extract_openssl}
