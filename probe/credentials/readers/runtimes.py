"""Each exporter runtime's use of the three files: which it reads how, and what then becomes of it.

Sources: opentelemetry-collector config/configtls; the SDKs' OTLP exporters, whose environment
variables name the files (opentelemetry-go internal/envconfig, opentelemetry-java OtlpConfigUtil and
TlsUtil, opentelemetry-python exporter/otlp, opentelemetry-js otlp-exporter-base).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Literal

from probe.credentials.readers.go_files import read_go_anchors, read_go_pair
from probe.credentials.readers.grpc_files import GIVES_UP, read_grpc_anchors, read_grpc_pair
from probe.credentials.readers.java_files import read_java_anchors, read_java_pair
from probe.credentials.readers.netty import read_netty_anchors, read_netty_pair
from probe.credentials.readers.openssl_files import (
    CPYTHON,
    CURL,
    NODE,
    find_appended,
    read_openssl_anchors,
    read_openssl_pair,
)
from probe.credentials.readers.pem_file import PemFile
from probe.credentials.readers.reading import Anchors, FileSet, Pair, Stop
from probe.credentials.readers.refusals import refuse_for_go, refuse_for_java
from probe.credentials.readers.rust_files import (
    read_reqwest_anchors,
    read_reqwest_pair,
    read_tonic_anchors,
    read_tonic_pair,
)
from probe.credentials.readers.stand_in import make_stand_in
from probe.model import runtime
from probe.model.finding import Role

Stage = Literal["", "load", "connect", "abort"]


@dataclass(frozen=True, slots=True)
class RuntimeReading:
    """What one runtime makes of the files."""

    chain: tuple[bytes, ...] = ()
    """DER, as it is sent; empty where no certificate is."""
    appended: tuple[bytes, ...] = ()
    """What it sends behind `chain` though cert_file does not hold it."""
    anchors: tuple[bytes, ...] | None = None
    """DER; None where the system's roots are used."""
    stops: tuple[Stop, ...] = ()
    """The files that it cannot use as they are meant; the first is what it reports."""
    stage: Stage = ""
    """Where that shows: at its start, when it connects, or as the end of its process."""

    @property
    def stop(self) -> Stop | None:
        """What it reports."""
        return next(iter(self.stops), None)


@dataclass(frozen=True, slots=True)
class _Use:
    """How a runtime uses the files, and where it shows that it cannot."""

    read_pair: Callable[[FileSet, PemFile, PemFile], Pair]
    read_anchors: Callable[[FileSet, PemFile], Anchors]
    pair: Stage
    """A certificate or key that it does not read."""
    anchors: Stage
    """A CA file that it does not read."""
    missing: Stage
    """A file that cannot be opened."""
    half: Stage
    """A certificate without key, or the reverse."""
    no_anchors: str = "certificate verify failed: unable to get local issuer certificate"
    """What it says where its CA file gives no anchor."""
    no_file: str = "no such file or directory"
    """What it says of a file that it cannot open."""
    no_key: str = ""
    """What it says of a certificate without a key."""
    no_certificate: str = ""
    key_in_certificate_file: bool = False
    """Whether a certificate's file alone may hold the key too."""
    completes_chain: bool = False
    """Whether it sends issuers of a lone certificate that it finds in the CA file."""
    pair_needs_ca: bool = False
    """Whether it looks at certificate and key only together with a CA file."""


def read_as(name: str, files: FileSet) -> RuntimeReading:
    """Return what the runtime of that id makes of `files`; one without a model is read as curl."""
    return _use_files(files, _USES.get(name) or _UNMEASURED.get(name, _CURL))


def _use_files(files: FileSet, use: _Use) -> RuntimeReading:
    if use.pair_needs_ca and files.ca is None and "ca" not in files.missing:
        return RuntimeReading()
    stops: list[tuple[Stage, Stop]] = []
    anchors = Anchors()
    if files.ca is not None:
        ca = files.ca
        read = partial(use.read_anchors, files, ca)
        anchors = files.remember((use.read_anchors, "ca"), read)
        if anchors.stop is not None:
            says = anchors.stop.says or use.no_anchors
            stops.append((use.anchors, anchors.stop._replace(says=says)))
        elif not anchors.certificates:
            stops.append(("connect", Stop("ca", "no_block", use.no_anchors)))
    roles: tuple[Role, ...] = ("ca", "cert", "key")
    stops += [
        (use.missing, Stop(role, "missing", use.no_file)) for role in roles if role in files.missing
    ]
    if half := _find_half(files, use):
        stops.append((use.half, half))
    if stop := _read_half(files, use):
        stops.append((use.pair, stop))
    key = files.key or (files.cert if use.key_in_certificate_file else None)
    pair = Pair()
    if files.cert is not None and key is not None:
        read_pair = partial(use.read_pair, files, files.cert, key)
        pair = files.remember((use.read_pair, "pair"), read_pair)
        if pair.stop is not None:
            stops.append((use.pair, pair.stop))
        elif pair.key is None:
            # Certificate and key of two kinds: the library has a pair of neither, and sends nothing.
            stops.append(("connect", Stop("key", "pair", "")))
    chain = pair.chain if pair.key is not None else ()
    appended = find_appended(files, chain, anchors.certificates) if use.completes_chain else ()
    stops.sort(key=lambda stop: stop[0] == "connect")
    return RuntimeReading(
        chain,
        appended,
        anchors.certificates if files.ca is not None else None,
        tuple(stop for _, stop in stops),
        stops[0][0] if stops else "",
    )


def _read_half(files: FileSet, use: _Use) -> Stop | None:
    """Return what is wrong with the half of the pair that is there, whatever the other would be."""
    if (files.cert is None) == (files.key is None):
        return None
    if use.key_in_certificate_file and files.cert is not None and "key" not in files.missing:
        return None
    cert, key = make_stand_in()
    stop = use.read_pair(FileSet(), files.cert or cert, files.key or key).stop
    own: Role = "key" if files.cert is None else "cert"
    return stop if stop is not None and stop.role == own and stop.why != "pair" else None


def _find_half(files: FileSet, use: _Use) -> Stop | None:
    has_cert = files.cert is not None or "cert" in files.missing
    has_key = files.key is not None or "key" in files.missing
    if has_cert == has_key or (has_cert and use.key_in_certificate_file):
        return None
    if has_cert:
        return Stop("key", "half", use.no_key)
    return Stop("cert", "half", use.no_certificate)


def _read_go_pair(files: FileSet, cert: PemFile, key: PemFile) -> Pair:
    return read_go_pair(files, cert, key, refuse_for_go)


def _read_java_pair(files: FileSet, cert: PemFile, key: PemFile) -> Pair:
    return read_java_pair(files, cert, key, refuse_for_java)


def _read_go_anchors(files: FileSet, ca: PemFile) -> Anchors:
    return read_go_anchors(files, ca, refuse_for_go)


def _read_java_anchors(files: FileSet, ca: PemFile) -> Anchors:
    return read_java_anchors(files, ca, refuse_for_java)


_BOTH: Final = "for auth via TLS, provide both certificate and key, or neither"
_COLLECTOR: Final = _Use(
    _read_go_pair,
    _read_go_anchors,
    pair="load",
    anchors="load",
    missing="load",
    half="load",
    no_anchors="failed to parse cert",
    no_key=_BOTH,
    no_certificate=_BOTH,
)
# The SDK logs what it cannot use and goes on without it: with the system's roots, without a pair.
_GO_SDK: Final = _Use(
    _read_go_pair,
    _read_go_anchors,
    pair="connect",
    anchors="connect",
    missing="connect",
    half="connect",
    no_anchors="failed to append certificate to the cert pool",
)
_JAVA: Final = _Use(
    _read_java_pair,
    _read_java_anchors,
    pair="load",
    anchors="load",
    missing="load",
    half="load",
    no_anchors="the trustAnchors parameter must be non-empty",
    no_key="client certificate provided without client key",
    no_certificate="client key provided without client certificate",
)
_JAVA_GRPC: Final = replace(_JAVA, read_pair=read_netty_pair, read_anchors=read_netty_anchors)
# A missing file is logged, and the channel made without it; half a pair ends the process.
_PYTHON_GRPC: Final = _Use(
    read_grpc_pair,
    read_grpc_anchors,
    pair="connect",
    anchors="connect",
    missing="connect",
    half="abort",
    no_anchors=GIVES_UP,
    no_file="FileNotFoundError: [Errno 2] No such file or directory",
    no_key="Check failed: pem_key_cert_pair->private_key != nullptr",
    no_certificate="Check failed: pem_key_cert_pair->cert_chain != nullptr",
    pair_needs_ca=True,
)
# The files are read for each connection.
_PYTHON_HTTP: Final = _Use(
    partial(read_openssl_pair, use=CPYTHON),
    partial(read_openssl_anchors, use=CPYTHON),
    pair="connect",
    anchors="connect",
    missing="connect",
    half="connect",
    key_in_certificate_file=True,
    completes_chain=True,
)
_CURL: Final = _Use(
    partial(read_openssl_pair, use=CURL),
    partial(read_openssl_anchors, use=CURL),
    pair="connect",
    anchors="connect",
    missing="connect",
    half="connect",
    key_in_certificate_file=True,
    completes_chain=True,
)
# A file that cannot be opened is logged, and the exporter goes on without it.
_NODE_HTTP: Final = _Use(
    partial(read_openssl_pair, use=NODE),
    partial(read_openssl_anchors, use=NODE),
    pair="load",
    anchors="connect",
    missing="connect",
    half="connect",
    completes_chain=True,
)
_NODE_GRPC: Final = replace(
    _NODE_HTTP,
    half="load",
    no_key="Error: Certificate chain must be given with accompanying private key",
    no_certificate="Error: Private key must be given with accompanying certificate chain",
)
_USES: Final[Mapping[str, _Use]] = {
    runtime.COLLECTOR.id: _COLLECTOR,
    runtime.GO_GRPC.id: _GO_SDK,
    runtime.GO_HTTP.id: _GO_SDK,
    runtime.JAVA_OKHTTP.id: _JAVA,
    runtime.JAVA_JDK.id: _JAVA,
    runtime.JAVA_GRPC.id: _JAVA_GRPC,
    runtime.PYTHON_GRPC.id: _PYTHON_GRPC,
    runtime.PYTHON_HTTP.id: _PYTHON_HTTP,
    runtime.NODE_GRPC.id: _NODE_GRPC,
    runtime.NODE_HTTP.id: _NODE_HTTP,
    runtime.CURL.id: _CURL,
}
_TONIC: Final = _Use(
    read_tonic_pair,
    read_tonic_anchors,
    pair="load",
    anchors="load",
    missing="load",
    half="connect",
    no_anchors="invalid peer certificate: UnknownIssuer",
)
_UNMEASURED: Final[Mapping[str, _Use]] = {
    runtime.RUST_TONIC.id: _TONIC,
    runtime.RUST_REQWEST.id: replace(
        _TONIC, read_pair=read_reqwest_pair, read_anchors=read_reqwest_anchors
    ),
}
"""Runtimes that are judged where they are asked about, and of which nothing is claimed elsewhere."""


def read_as_all(files: FileSet) -> dict[str, RuntimeReading]:
    """Return what each modelled runtime makes of `files`, by its id; equal uses are read once."""
    if files.cert is None and files.key is None and files.ca is None and not files.missing:
        return dict.fromkeys(_USES, RuntimeReading())
    read: dict[int, RuntimeReading] = {}
    for use in _USES.values():
        if id(use) not in read:
            read[id(use)] = _use_files(files, use)
    return {name: read[id(use)] for name, use in _USES.items()}
