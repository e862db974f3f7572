"""Netty's reader of PEM, which grpc-java has (io.netty.handler.ssl.PemReader, 4.1), and its use.

It searches by patterns: text before BEGIN does not matter, and the content ends at the first byte
that is not base64 or a line's end, a blank included. What is not whole then is not a certificate.
"""

import re
from collections.abc import Iterator
from typing import Final

from probe.credentials.readers.java_files import is_ordered, is_read_by_java
from probe.credentials.readers.pem_file import PemBlock, PemFile, decode_unpadded
from probe.credentials.readers.reading import Anchors, FileSet, Pair, Stop
from probe.credentials.readers.refusals import refuse_for_java
from probe.model.finding import Role
from probe.x509.der import Reader

_BEGIN: Final = re.compile(rb"-BEGIN[ \t\n\x0b\f\r]")
_END: Final = re.compile(rb"-END[ \t\n\x0b\f\r]")
_LABEL: Final = re.compile(rb"[^-\r\n]*")
_DASHES: Final = re.compile(rb"-+([ \t\n\x0b\f\r]*)")
_BODY: Final = re.compile(rb"[A-Za-z0-9+/=][A-Za-z0-9+/=\r\n]*")
_KEY: Final = re.compile(rb"PRIVATE[ \t\x0b\f]+KEY")
_CERTIFICATE: Final = re.compile(rb"CERTIFICATE")
_PARSED_FULLY: Final = 100
_NO_KEY: Final = "java.lang.IllegalArgumentException: File does not contain valid private key"
_NO_CHAIN: Final = "java.lang.IllegalArgumentException: File does not contain valid certificates"
_ORDER: Final = "java.security.KeyStoreException: Certificate chain is not valid"


def read_netty_blocks(file: PemFile, label: re.Pattern[bytes]) -> Iterator[PemBlock]:
    """Yield the blocks whose label matches, up to one that has no content or no END line."""
    raw, at = file.raw, 0
    while True:
        header = _find_line(raw, at, _BEGIN, label, blank_behind=True)
        body = None if header is None else _BODY.search(raw, header[1])
        footer = None if body is None else _find_line(raw, body.end(), _END, label)
        if header is None or body is None or footer is None:
            return
        encoded = body[0].translate(None, b"\r\n")
        # Behind padding Netty reads no further; padding may be missing.
        padded = encoded.find(b"=")
        whole = encoded if padded < 0 else encoded[: padded + 4 - padded % 4]
        yield PemBlock("", decode_unpadded(whole) or b"", b"", header[0])
        at = footer[1]


def _find_line(
    raw: bytes,
    at: int,
    start: re.Pattern[bytes],
    label: re.Pattern[bytes],
    *,
    blank_behind: bool = False,
) -> tuple[int, int] | None:
    """Return where a BEGIN or END line with that label starts, and where what follows it does."""
    while found := start.search(raw, at):
        named = _LABEL.match(raw, found.end())
        assert named is not None  # it matches nothing as well
        closed = _DASHES.match(raw, named.end())
        if closed is not None and label.search(named[0]) and (closed[1] or not blank_behind):
            return found.start(), closed.end()
        at = found.end()
    return None


def read_netty_pair(files: FileSet, cert: PemFile, key_file: PemFile) -> Pair:
    """Return what SslContextBuilder.keyManager makes of the pair; the certificates come first."""
    chain = _read_certificates(files, cert, "cert")
    if isinstance(chain, Stop):
        return Pair(stop=chain)
    block = next(read_netty_blocks(key_file, _KEY), None)
    if block is None:
        return Pair(stop=Stop("key", "no_block", _NO_KEY))
    key, loaded = files.read_key(block.der)
    if key is None or loaded is None or not is_read_by_java(key):
        encrypted = key is not None and key.form == "encrypted"
        return Pair(stop=Stop("key", "encrypted" if encrypted else "key", _NO_KEY, block.at))
    if len(chain) > 1 and not is_ordered(chain):
        return Pair(stop=Stop("cert", "order", _ORDER))
    matches = files.parse(chain[0]).public_sha256 == loaded.public_sha256
    return Pair(chain, key if matches else None)


def read_netty_anchors(files: FileSet, file: PemFile) -> Anchors:
    """Return what SslContextBuilder.trustManager makes of a CA file."""
    found = _read_certificates(files, file, "ca")
    return Anchors(stop=found) if isinstance(found, Stop) else Anchors(found)


def _read_certificates(files: FileSet, file: PemFile, role: Role) -> tuple[bytes, ...] | Stop:
    taken: list[bytes] = []
    for block in read_netty_blocks(file, _CERTIFICATE):
        element = Reader(block.der, strict=False).read_any()
        der = b"" if element is None else element.whole
        if refuse_for_java(der, files.parse(der).plain if len(taken) >= _PARSED_FULLY else None):
            return Stop(role, "certificate", _NO_CHAIN, block.at)
        taken.append(files.parse(der).sent)
    return tuple(taken) or Stop(role, "no_block", _NO_CHAIN)
