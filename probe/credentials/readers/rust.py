"""rustls' reader of PEM (rustls-pki-types, pem.rs): lines end in LF or CR, labels are few.

A block with a label that it does not know is passed over; one that breaks off, or whose base64 is
not whole, is an error, and so is a BEGIN line that does not end in five dashes.
"""

from collections.abc import Iterator
from typing import Final

from probe.credentials.readers.pem_file import PemBlock, PemFile, decode_unpadded

_START: Final = b"-----BEGIN "
_KNOWN: Final = frozenset(
    {
        b"CERTIFICATE",
        b"PUBLIC KEY",
        b"RSA PRIVATE KEY",
        b"PRIVATE KEY",
        b"EC PRIVATE KEY",
        b"X509 CRL",
        b"CERTIFICATE REQUEST",
    }
)


class RustReaderError(Exception):
    """An error of pem::Error, as its Debug text."""


def read_rust_blocks(file: PemFile) -> Iterator[PemBlock]:
    """Yield the blocks whose labels are known.

    Raises:
        RustReaderError: where the iterator returns an error.
    """
    label = b""
    begin = at = 0
    body: list[bytes] | None = None
    for line in file.raw.replace(b"\r", b"\n").split(b"\n"):
        start, at = at, at + len(line) + 1
        if line.startswith(_START):
            bare = line.rstrip(b" ")
            name = bare.rstrip(b"-")
            if len(bare) - len(name) != 5:
                raise RustReaderError("IllegalSectionStart")
            label, begin = name[len(_START) :], start
            # Of a block that breaks off here, rustls-pki-types keeps what it has read.
            body = body if body is not None else []
        elif body is not None and line.startswith(b"-----END " + label + b"-----"):
            if label in _KNOWN:
                der = decode_unpadded(b"".join(body).translate(None, b" \t\r\n\x0b\x0c"))
                if der is None:
                    raise RustReaderError("Base64Decode")
                yield PemBlock(label.decode("ascii"), der, b"", begin)
            body = None
        elif body is not None:
            body.append(line)
    if body is not None:
        raise RustReaderError("MissingSectionEnd")
