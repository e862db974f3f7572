"""What BoringSSL can print: the table of reasons within grpcio's extension module."""

import struct
from collections.abc import Callable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tools.messages.library_texts import LibraryTexts, choose_texts

_FIRST: Final = b"ASN1_LENGTH_MISMATCH\0AUX_ERROR\0"
"""How the pool of names begins (crypto/err/err_data_generate.go writes it sorted by library)."""
_POOL: Final = 0x8000
_LIBRARIES: Final = {
    9: "PEM routines",
    11: "X.509 certificate routines",
    12: "ASN.1 encoding routines",
    16: "SSL routines",
    6: "public key routines",
    19: "PKCS8 routines",
    30: "cipher functions",
}
"""ERR_LIB_…, include/openssl/err.h: those that read files or speak TLS."""


def extract_boringssl() -> LibraryTexts:
    """Return the reasons of the BoringSSL in the installed grpcio."""
    spec = find_spec("grpc._cython.cygrpc")
    assert spec is not None
    assert spec.origin is not None
    content = Path(spec.origin).read_bytes()
    texts = [
        f"{_LIBRARIES[library]}:OPENSSL_internal:{name}"
        for library, name in _list_reasons(content)
        if library in _LIBRARIES
    ]
    return LibraryTexts("BoringSSL", f"in grpcio {version('grpcio')}", choose_texts(texts))


def _list_reasons(content: bytes) -> Iterator[tuple[int, str]]:
    """Yield the library and the name of each entry: library << 26 | reason << 15 | offset."""
    pool = content.index(_FIRST)
    names = content[pool : pool + _POOL]
    starts = {0} | {at + 1 for at, byte in enumerate(names) if byte == 0}
    values = struct.unpack_from(f"<{len(content) // 4}I", content)
    for value in _longest_rise(values, starts):
        offset = value % _POOL
        yield value >> 26, names[offset : names.index(b"\0", offset)].decode()


def _longest_rise(values: tuple[int, ...], starts: set[int]) -> tuple[int, ...]:
    """Return the longest run of rising values of which each points to the start of a name."""
    best = (0, 0)
    begin = 0
    for at, value in enumerate(values):
        fits = value >> 26 and value % _POOL in starts
        if not fits or (at > begin and value <= values[at - 1]):
            begin = at if fits else at + 1
        if at + 1 - begin > best[1] - best[0]:
            best = (begin, at + 1)
    return values[slice(*best)]


EXTRACTORS: Final[dict[str, Callable[[], LibraryTexts]]] = {"boringssl": extract_boringssl}
