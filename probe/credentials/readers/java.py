"""Java's readers: CertificateFactory's blocks, and the private key of opentelemetry-java.

sun.security.provider.X509Factory.readOneBlock (JDK 17) takes DER or PEM, any label, and skips text
in front; opentelemetry-java's TlsUtil.decodePem takes one PKCS#8 block and nothing else.
"""

import re
from collections.abc import Iterator
from typing import Final

from probe.credentials.readers.pem_file import PemBlock, PemFile, decode_unpadded
from probe.x509.der import Reader

_HEADER: Final = re.compile(rb"[\r\n]-----")
_ANY_END: Final = re.compile(rb"[\r\n]")
_WHITE: Final = b"\t\n\r "
_JAVA_SPACES: Final = b"\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f "
_TRIMMED: Final = "".join(map(chr, range(0x21)))
_KEY_BEGIN: Final = "-----BEGIN PRIVATE KEY-----"
_KEY_END: Final = "-----END PRIVATE KEY-----"
_SPACES: Final = re.compile("[ \t\n\x0b\f\r]")


class JavaReaderError(Exception):
    """What CertificateFactory throws, as its message."""


def read_java_blocks(file: PemFile) -> Iterator[PemBlock]:
    """Yield the DER of each block, up to the file's end.

    Raises:
        JavaReaderError: where the reader throws.
    """
    at = 0
    while True:
        found = _read_block(file, at)
        if found is None:
            return
        block, at = found
        yield block


def _read_block(file: PemFile, at: int) -> tuple[PemBlock, int] | None:
    raw = file.raw
    if at >= len(raw):
        return None
    if raw[at] == 0x30:
        return _read_der(raw, at)
    if raw.startswith(b"-----", at):
        begin = at
    else:
        found = _HEADER.search(raw, at)
        if found is None:
            return None
        begin = found.start() + 1
    head_end = _find_first(raw, b"\r\n", begin)
    if head_end < 0:
        raise JavaReaderError("Incomplete data")
    body = head_end + 1
    end = 0x0A
    if raw[head_end] == 0x0D:
        if body >= len(raw):
            raise JavaReaderError("Incomplete data")
        if raw[body] == 0x0A:
            body += 1
        else:
            end = 0x0D
            if raw[body] == 0x2D:  # it is taken for content, and is not base64
                raise JavaReaderError("Illegal base64 character 2d")
    tail = raw.find(b"-", body)
    if tail < 0:
        raise JavaReaderError("Incomplete data")
    tail_end = _find_first(raw, b"\n" if end == 0x0A else b"\r\n", tail)
    stop = len(raw) if tail_end < 0 else tail_end
    header = raw[begin:head_end].rstrip(_JAVA_SPACES)
    footer = raw[tail:stop].translate(None, b"\r").rstrip(_JAVA_SPACES)
    label = _check_lines(header, footer)
    der = file.decode_plain(body, tail)
    if der is None:
        der = decode_unpadded(raw[body:tail].translate(None, _WHITE))
    if der is None:
        raise JavaReaderError("Illegal base64 character")
    return PemBlock(label, der, b"", begin), stop + 1


def _read_der(raw: bytes, at: int) -> tuple[PemBlock, int]:
    octets = raw[at + 1] & 0x7F if len(raw) > at + 1 else 0
    if len(raw) > at + 1 and raw[at + 1] != 0x80:
        long = raw[at + 1] > 0x80
        length = int.from_bytes(raw[at + 2 : at + 2 + octets]) if long else octets
        whole = (
            raw[at : at + 2 + (octets if long else 0) + length] if octets <= 4 or not long else b""
        )
        element = Reader(whole, strict=False).read_any()
    else:
        element = Reader(raw[at:], strict=False).read_any()
    if element is None:
        raise JavaReaderError("Incomplete data")
    return PemBlock("", element.whole, b"", at), at + len(element.whole)


def _check_lines(header: bytes, footer: bytes) -> str:
    if len(header) < 16 or not header.startswith(b"-----BEGIN ") or not header.endswith(b"-----"):
        raise JavaReaderError("Illegal header")
    if len(footer) < 14 or not footer.startswith(b"-----END ") or not footer.endswith(b"-----"):
        raise JavaReaderError("Illegal footer")
    label = header[11:-5]
    if label != footer[9:-5]:
        raise JavaReaderError("Header and footer do not match")
    return label.decode("latin-1")


def _find_first(raw: bytes, octets: bytes, at: int) -> int:
    found = _ANY_END.search(raw, at) if len(octets) > 1 else None
    if found is not None:
        return found.start()
    return raw.find(octets, at) if len(octets) == 1 else -1


def read_java_key(raw: bytes) -> bytes | None:
    """Return what TlsUtil.decodePem takes for PKCS#8: the block's DER, or the file as it is.

    None where java.util.Base64 throws.
    """
    text = raw.decode("utf-8", "replace").strip(_TRIMMED)
    if not (text.startswith(_KEY_BEGIN) and text.endswith(_KEY_END)):
        return raw
    content = _SPACES.sub("", text[len(_KEY_BEGIN) : len(text) - len(_KEY_END)])
    return decode_unpadded(content.encode("utf-8"))
