"""How other kinds of exporters read the files, next to the target's own: facts for the comparison."""

from collections.abc import Mapping
from typing import Final

from probe.credentials.readers.openssl_files import is_invalid
from probe.credentials.readers.reading import FileSet
from probe.credentials.readers.refusals import refuse_for_go
from probe.credentials.readers.runtimes import RuntimeReading
from probe.model.certificate import FileReading
from probe.model.runtime import ON_OPENSSL, PYTHON_GRPC
from probe.text.safe_text import safe_text

_ON_OPENSSL: Final = frozenset(one.id for one in (*ON_OPENSSL, PYTHON_GRPC))
_USUAL_CURVES: Final = frozenset({256, 384, 521})
_SMALLEST_RSA: Final = 1024
_LOOKED_AT: Final = 200
"""Anchors that are looked at for the issuer that OpenSSL would send along."""


def compare_anchors(
    readings: Mapping[str, RuntimeReading], own: RuntimeReading
) -> tuple[tuple[str, tuple[bytes, ...]], ...]:
    """Return what other runtimes take of the CA file, where it is not what `own` takes."""
    if own.anchors is None:
        return ()
    held = frozenset(own.anchors)
    return tuple(
        (name, reading.anchors)
        for name, reading in readings.items()
        if reading.anchors and not reading.stage and held != frozenset(reading.anchors)
    )


def compare_readings(
    files: FileSet, exporter: str, readings: Mapping[str, RuntimeReading], own: RuntimeReading
) -> tuple[FileReading, ...]:
    """Return what other runtimes make of `files`, where they fare otherwise than `exporter`."""
    differing = {
        name: reading
        for name, reading in readings.items()
        if name != exporter and (reading.stage != own.stage or _differs(reading, own))
    }
    if not differing:
        return ()
    in_file = frozenset[bytes]().union(*(_normalise(files, one) for one in readings.values()))
    return tuple(_describe(name, one, files, in_file) for name, one in differing.items())


def _differs(reading: RuntimeReading, own: RuntimeReading) -> bool:
    return bool(reading.stage) and (reading.stop is None) != (own.stop is None)


def _describe(
    name: str, reading: RuntimeReading, files: FileSet, in_file: frozenset[bytes]
) -> FileReading:
    stop = reading.stop
    if stop is None:
        # Whether the backend's CA is among them is not known of a part of the file.
        whole = reading.anchors is None or in_file <= _normalise(files, reading)
        ordinary = whole and _is_ordinary(name, reading, files)
        return FileReading(runtime=name, ordinary=ordinary)
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


def _normalise(files: FileSet, reading: RuntimeReading) -> frozenset[bytes]:
    """Return the anchors as DER, where a file has BER or bytes behind them."""
    return frozenset(files.parse(der).sent for der in reading.anchors or ())


def _is_ordinary(name: str, reading: RuntimeReading, files: FileSet) -> bool:
    """Return whether nothing in what it sends and trusts is known to fail later.

    A backend on Go refuses what Go does not parse; kinds of keys that TLS 1.3 has no signature
    scheme for, or that only some libraries offer, depend on the backend.
    """
    sent = (*reading.chain, *reading.appended)
    if any(refuse_for_go(der) for der in sent):
        return False
    if sent and not _has_usual_key(files, sent[0]):
        return False
    if reading.anchors and name in _ON_OPENSSL:
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
