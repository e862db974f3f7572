"""How other kinds of exporters read the files, next to the target's own: facts for the comparison."""

from typing import Final

from probe.credentials.readers.openssl_files import is_invalid
from probe.credentials.readers.reading import FileSet
from probe.credentials.readers.refusals import refuse_for_go
from probe.credentials.readers.runtimes import RuntimeReading, read_as_all
from probe.model.certificate import FileReading
from probe.model.runtime import ON_OPENSSL, PYTHON_GRPC
from probe.text.safe_text import safe_text
from probe.x509.raw_certificate import Certificate, read_certificate

_ON_OPENSSL: Final = frozenset(one.id for one in ON_OPENSSL)
_USUAL_CURVES: Final = frozenset({256, 384, 521})
_SMALLEST_RSA: Final = 1024
_LOOKED_AT: Final = 200
"""Anchors that are looked at for the issuer that OpenSSL would send along."""


def compare_readings(files: FileSet, exporter: str, own: RuntimeReading) -> tuple[FileReading, ...]:
    """Return what other runtimes make of `files`, where they fare otherwise than `exporter`."""
    if files.cert is None and files.key is None and files.ca is None and not files.missing:
        return ()
    return tuple(
        _describe(name, reading, files)
        for name, reading in read_as_all(files).items()
        if name != exporter and (reading.stage != own.stage or _differs(reading, own))
    )


def _differs(reading: RuntimeReading, own: RuntimeReading) -> bool:
    return bool(reading.stage) and (reading.stop is None) != (own.stop is None)


def _describe(name: str, reading: RuntimeReading, files: FileSet) -> FileReading:
    stop = reading.stop
    if stop is None:
        return FileReading(runtime=name, ordinary=_is_ordinary(name, reading, files))
    file = {"cert": files.cert, "key": files.key, "ca": files.ca}[stop.role]
    has_line = file is not None and stop.at >= 0
    return FileReading(
        runtime=name,
        stage=reading.stage,
        role=stop.role,
        why=stop.why,
        line=file.raw.count(b"\n", 0, stop.at) + 1 if file is not None and has_line else 0,
        says=safe_text(stop.says),
    )


def _is_ordinary(name: str, reading: RuntimeReading, files: FileSet) -> bool:
    """Return whether nothing in what it sends and trusts is known to fail later.

    A backend on Go refuses what Go does not parse; kinds of keys that TLS 1.3 has no signature
    scheme for, or that only some libraries offer, depend on the backend.
    """
    sent = reading.chain
    on_openssl = name in _ON_OPENSSL
    if on_openssl and len(sent) == 1:
        appended = _find_appended(sent[0], reading.anchors or ())
        sent += tuple(files.parse(der).sent for der in appended)
    if any(refuse_for_go(der) for der in sent):
        return False
    if sent and not _has_usual_key(files, sent[0]):
        return False
    if reading.anchors and (on_openssl or name == PYTHON_GRPC.id):
        return not all(map(is_invalid, reading.anchors[:_LOOKED_AT]))
    return True


def _has_usual_key(files: FileSet, der: bytes) -> bool:
    leaf = files.parse(der)
    match leaf.algorithm:
        case "rsa":
            return leaf.bits >= _SMALLEST_RSA
        case "ec":
            return leaf.bits in _USUAL_CURVES
        case kind:
            return kind == "ed25519"


def _find_appended(leaf: bytes, anchors: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return the issuers of a lone end entity that OpenSSL takes out of its store and sends along."""
    end = read_certificate(leaf)
    held = [one for der in anchors[:_LOOKED_AT] if (one := read_certificate(der)) is not None]
    found: list[Certificate] = []
    while end is not None and not end.is_self_issued and len(found) < 10:
        issuer = end.issuer
        end = next((one for one in held if one.subject == issuer and one not in found), None)
        if end is not None:
            found.append(end)
    return tuple(one.der for one in found)
