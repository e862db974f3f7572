"""Each exporter runtime's use of the three files: which it reads how, and what then becomes of it.

Sources: opentelemetry-collector config/configtls; the SDKs' OTLP exporters, whose environment
variables name the files (opentelemetry-go internal/envconfig, opentelemetry-java OtlpConfigUtil and
TlsUtil, opentelemetry-python exporter/otlp, opentelemetry-js otlp-exporter-base).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from probe.credentials.readers.go_files import read_go_anchors, read_go_pair
from probe.credentials.readers.grpc_files import read_grpc_anchors, read_grpc_pair
from probe.credentials.readers.java_files import read_java_anchors, read_java_pair
from probe.credentials.readers.openssl_files import (
    CPYTHON,
    CURL,
    NODE,
    OpensslUse,
    read_openssl_anchors,
    read_openssl_pair,
)
from probe.credentials.readers.pem_file import PemFile
from probe.credentials.readers.reading import Anchors, FileSet, Pair, Stop
from probe.credentials.readers.refusals import refuse_for_go, refuse_for_java
from probe.model import runtime
from probe.model.finding import Role

Stage = Literal["", "load", "connect", "abort"]


@dataclass(frozen=True, slots=True)
class RuntimeReading:
    """What one runtime makes of the files."""

    chain: tuple[bytes, ...] = ()
    """DER, as it is sent; empty where no certificate is."""
    anchors: tuple[bytes, ...] | None = None
    """DER; None where the system's roots are used."""
    stop: Stop | None = None
    """The first file that it cannot use as it is meant."""
    stage: Stage = ""
    """Where that shows: at its start, when it connects, or as the end of its process."""


def read_as(name: str, files: FileSet) -> RuntimeReading:
    """Return what the runtime of that id makes of `files`; for one without a model, what curl does."""
    return _MODELS.get(name, _read_as_curl)(files)


def _read_as_collector(files: FileSet) -> RuntimeReading:
    anchors = _read_anchors(files, _read_ca_as_go, "failed to parse cert")
    if anchors.stop is None and (missing := _find_missing(files, ("cert", "key"))):
        return RuntimeReading(stop=missing, stage="load")
    if anchors.stop is None and (half := _find_half(files)):
        says = "provide both certificate and key, or neither"
        return RuntimeReading(stop=half._replace(says=f"for auth via TLS, {says}"), stage="load")
    return _combine(files, anchors, _read_pair(files, _read_go), "load")


def _read_as_go_sdk(files: FileSet) -> RuntimeReading:
    says = "failed to append certificate to the cert pool"
    anchors = _read_anchors(files, _read_ca_as_go, says)
    pair = _read_pair(files, _read_go)
    stop = anchors.stop or _find_missing(files, ("cert", "key")) or pair.stop or _find_half(files)
    roots = anchors.certificates if files.ca is not None and anchors.stop is None else None
    return RuntimeReading(pair.chain, roots, stop, "connect" if stop else "")


def _read_as_java(files: FileSet) -> RuntimeReading:
    stop = _find_missing(files, ("ca", "cert", "key")) or _find_half(files)
    if stop is not None:
        return RuntimeReading(stop=stop, stage="load")
    anchors = _read_anchors(files, _read_ca_as_java, "")
    return _combine(files, anchors, _read_pair(files, _read_java), "load")


def _read_as_grpc(files: FileSet) -> RuntimeReading:
    if files.ca is None and "ca" not in files.missing:
        return RuntimeReading()  # Python's exporter looks at the pair only together with a CA file
    missing = _find_missing(files, ("ca", "cert", "key"))
    if (files.cert is None) != (files.key is None):
        half = missing or _find_half(files)
        says = "assertion failed: pem_key_cert_pair->cert_chain != nullptr"
        if files.key is None:
            says = "assertion failed: pem_key_cert_pair->private_key != nullptr"
        if half is not None:
            return RuntimeReading(stop=half._replace(says=says), stage="abort")
    if missing is not None:
        pair = _read_pair(files, read_grpc_pair)
        roots = None if files.ca is None else read_grpc_anchors(files, files.ca).certificates
        return RuntimeReading(pair.chain, roots, missing, "connect")
    anchors = _read_anchors(files, read_grpc_anchors, "")
    return _combine(files, anchors, _read_pair(files, read_grpc_pair), "connect")


def _read_as_python_http(files: FileSet) -> RuntimeReading:
    return _read_as_openssl(files, CPYTHON)


def _read_as_curl(files: FileSet) -> RuntimeReading:
    return _read_as_openssl(files, CURL)


def _read_as_openssl(files: FileSet, use: OpensslUse) -> RuntimeReading:
    """CPython and curl: the key may stand in the certificate's file; a key alone is not used."""
    if missing := _find_missing(files, ("ca", "cert", "key")):
        return RuntimeReading(stop=missing, stage="connect")
    anchors = _read_anchors(files, lambda held, ca: read_openssl_anchors(held, ca, use), "")
    pair = Pair()
    if files.cert is not None:
        pair = read_openssl_pair(files, files.cert, files.key or files.cert, use)
    combined = _combine(files, anchors, pair, "connect")
    if combined.stop is None and files.cert is None and files.key is not None:
        return RuntimeReading((), combined.anchors, _find_half(files), "connect")
    return combined


def _read_as_node(files: FileSet) -> RuntimeReading:
    """Node's exporters log a file that they cannot read, and go on without it."""
    anchors = _read_anchors(files, lambda held, ca: read_openssl_anchors(held, ca, NODE), "")
    roots = anchors.certificates if files.ca is not None else None
    pair = Pair()
    if files.cert is not None and files.key is not None:
        pair = read_openssl_pair(files, files.cert, files.key, NODE)
    if pair.stop is not None:
        return RuntimeReading((), roots, pair.stop, "load")
    stop = _find_missing(files, ("ca", "cert", "key")) or _find_half(files)
    if stop is None and files.ca is not None and not anchors.certificates:
        says = "unable to get local issuer certificate"
        stop = Stop("ca", "no_block", says)
    return RuntimeReading(pair.chain, roots, stop, "connect" if stop else "")


def _read_as_node_grpc(files: FileSet) -> RuntimeReading:
    half = None if files.missing else _find_half(files)
    if half is not None:
        absent, given = ("certificate chain", "Private key")
        if half.role == "key":
            absent, given = ("private key", "Certificate chain")
        says = f"Error: {given} must be given with accompanying {absent}"
        return RuntimeReading(stop=half._replace(says=says), stage="load")
    return _read_as_node(files)


_MODELS: Final[Mapping[str, Callable[[FileSet], RuntimeReading]]] = {
    runtime.COLLECTOR.id: _read_as_collector,
    runtime.GO_GRPC.id: _read_as_go_sdk,
    runtime.GO_HTTP.id: _read_as_go_sdk,
    runtime.JAVA_OKHTTP.id: _read_as_java,
    runtime.JAVA_JDK.id: _read_as_java,
    runtime.JAVA_GRPC.id: _read_as_java,
    runtime.PYTHON_GRPC.id: _read_as_grpc,
    runtime.PYTHON_HTTP.id: _read_as_python_http,
    runtime.NODE_GRPC.id: _read_as_node_grpc,
    runtime.NODE_HTTP.id: _read_as_node,
    runtime.CURL.id: _read_as_curl,
}
MODELLED: Final = tuple(_MODELS)
"""The ids of the runtimes whose reading of files is modelled."""


def _read_go(files: FileSet, cert: PemFile, key: PemFile) -> Pair:
    return read_go_pair(files, cert, key, refuse_for_go)


def _read_java(files: FileSet, cert: PemFile, key: PemFile) -> Pair:
    return read_java_pair(files, cert, key, refuse_for_java)


def _read_ca_as_go(files: FileSet, ca: PemFile) -> Anchors:
    return read_go_anchors(ca, refuse_for_go)


def _read_ca_as_java(files: FileSet, ca: PemFile) -> Anchors:
    return read_java_anchors(files, ca, refuse_for_java)


def _read_pair(files: FileSet, read: Callable[[FileSet, PemFile, PemFile], Pair]) -> Pair:
    if files.cert is None or files.key is None:
        return Pair()
    return read(files, files.cert, files.key)


def _read_anchors(
    files: FileSet, read: Callable[[FileSet, PemFile], Anchors], says: str
) -> Anchors:
    if files.ca is None:
        return Anchors(stop=_find_missing(files, ("ca",)))
    anchors = read(files, files.ca)
    if anchors.stop is not None and not anchors.stop.says:
        return Anchors(stop=anchors.stop._replace(says=says))
    return anchors


def _combine(files: FileSet, anchors: Anchors, pair: Pair, stage: Stage) -> RuntimeReading:
    stop = anchors.stop or pair.stop
    if stop is not None:
        return RuntimeReading(stop=stop, stage=stage)
    chain = pair.chain if pair.key is not None else ()
    if pair.chain and pair.key is None:
        # Certificate and key of two kinds: the library has a pair of neither, and sends nothing.
        stop, stage = Stop("key", "pair", ""), "connect"
    roots = anchors.certificates if files.ca is not None else None
    return RuntimeReading(chain, roots, stop, stage if stop is not None else "")


def _find_missing(files: FileSet, roles: tuple[Role, ...]) -> Stop | None:
    role = next((role for role in roles if role in files.missing), None)
    return None if role is None else Stop(role, "missing", "no such file or directory")


def _find_half(files: FileSet) -> Stop | None:
    held = (
        files.cert is not None or "cert" in files.missing,
        files.key is not None or "key" in files.missing,
    )
    if held[0] == held[1]:
        return None
    return Stop("key" if held[0] else "cert", "half", "")
