"""What to probe, as plain frozen data: `Target` and the settings that it holds.

A value that may hold a secret (a header, a key given inline, a proxy's
password) is a `Secret`, whose text leaves it only where it is used.
"""

import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from probe.model.client_tls import Secret as Secret  # noqa: PLC0414 - whoever has a Target has these
from probe.model.client_tls import TlsSettings as TlsSettings  # noqa: PLC0414 - the same
from probe.model.collector_receiver import Receiver
from probe.model.finding import Finding
from probe.model.runtime import COLLECTOR
from probe.model.surroundings import Surroundings
from probe.text.description import describe_name, describe_path, describe_url
from probe.text.host_port import join_host_port, split_as_go

Protocol = Literal["grpc", "http/protobuf"]
Signal = Literal["traces", "metrics", "logs"]
Depth = Literal["tls", "otlp", "canary"]
Addresses = Literal["first", "each"]

PROTOCOLS: Final[tuple[Protocol, ...]] = ("grpc", "http/protobuf")
SIGNALS: Final[tuple[Signal, ...]] = ("traces", "metrics", "logs")
DEPTHS: Final[tuple[Depth, ...]] = ("tls", "otlp", "canary")
ADDRESSES: Final[tuple[Addresses, ...]] = ("first", "each")

HTTP_PORT: Final = 4318
"""The port that OTLP registers for HTTP; any other defaults to gRPC."""

GENERAL_VARIABLES: Final = {
    "ca_file": "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "cert_file": "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    "key_file": "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    "endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT",
    "headers": "OTEL_EXPORTER_OTLP_HEADERS",
    "protocol": "OTEL_EXPORTER_OTLP_PROTOCOL",
}
"""By setting, the variable for all signals; a setting that is not here has none."""

SignalVariables = tuple[tuple[str, tuple[str, ...]], ...]
"""By setting, the variables that decide, only where they are not the general one alone."""

# Controls, lone surrogates, spaces and line breaks: no request can hold them.
_NEVER_IN_A_URL: Final = frozenset({"Cc", "Cs", "Zl", "Zp", "Zs"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the backend listens: `host` without brackets, `port`, and an HTTP path.

    `Endpoint("", 0)` is not known: it reads as an empty text everywhere.
    """

    host: str
    port: int
    path: str = field(default="", repr=False)
    """With its query, which may hold a token."""
    scheme: str = ""
    """`https`, `http`, or empty where the user gave host:port."""
    port_given: bool = field(default=True, repr=False, compare=False)
    """Whether the port was written; without, it is the scheme's, and requests do not name it."""

    @property
    def authority(self) -> str:
        """`host:port`, an IPv6 address in brackets; empty where it is not known."""
        return join_host_port(self.host, self.port) if self.is_known else ""

    @property
    def is_known(self) -> bool:
        """Whether there is a host to connect to."""
        return bool(self.host)

    def __str__(self) -> str:
        """Read as people write it: `host:port`, or an empty text."""
        return self.authority

    @classmethod
    def parse(cls, text: str, *, default_port: int | None = None) -> Self:
        """Read `https://host:port/path` or `host:port`.

        Raises:
            ValueError: with the reason, which never repeats `text`: it may hold a token.
        """
        stripped = text.strip()
        if not stripped:
            raise ValueError("an endpoint is empty")
        if stripped[0] in "'\"":
            raise ValueError(
                "the endpoint begins with a quotation mark, which is not part of a URL; docker's "
                "--env-file keeps quotes as part of the value"
            )
        authority = re.split(r"[/?#]", stripped.rpartition("://")[2], maxsplit=1)[0]
        if "@" in authority:
            raise ValueError("an endpoint holds no user name or password; use headers")
        # A space in the path is percent-encoded by every exporter that takes such a URL.
        if " " not in authority:
            stripped = stripped.replace(" ", "%20")
        if any(unicodedata.category(char) in _NEVER_IN_A_URL for char in stripped):
            raise ValueError("the endpoint holds a space or a control character")
        marked = "://" in stripped
        try:
            parts = urlsplit(stripped if marked else f"//{stripped}")
        except ValueError:
            # Python's own reason repeats the text.
            raise ValueError("it is neither host:port nor a URL") from None
        scheme = ""
        if marked:
            scheme = sys.intern(parts.scheme.lower())
            if scheme not in {"http", "https"}:
                raise ValueError("the scheme is unknown; use http or https")
        try:
            port = parts.port
        except ValueError:
            raise ValueError("its port is not a number from 1 to 65535") from None
        port_given = port is not None
        if port is None:
            port = {"https": 443, "http": 80}.get(scheme, default_port)
        host = parts.hostname
        if not host:
            raise ValueError("it has no host; write host:port or https://host:port")
        if not _is_writable(host):
            raise ValueError("its host cannot be written in a request")
        if port is None or port == 0:
            raise ValueError("it has no port; write host:port, 4317 is OTLP over gRPC")
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return cls(
            host=host,
            port=port,
            path=path if path != "/" else "",
            scheme=scheme,
            port_given=port_given or not marked,
        )


NO_ENDPOINT: Final = Endpoint("", 0)
"""Of a target that fails before anybody can know where it would connect to."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a target came from: `kind` is configuration, arguments, or that of a source."""

    kind: str
    where: str = ""
    process: str = ""
    """The running process whose settings these are, like `4242 (java)`; `where` is as it sees it."""
    container: str = ""
    """The container of a manifest, like `Deployment otel/gateway, container collector`."""

    def __str__(self) -> str:
        """Read as facts and pages have it."""
        text = f"{self.kind} {self.where}".rstrip()
        if self.container:
            return f"{text} of {self.container}"
        return f"{text} of process {self.process}" if self.process else text


@dataclass(frozen=True, slots=True)
class ClockSource:
    """Another clock to compare ours with: `where` is a URL for http, host or host:port for sntp."""

    kind: Literal["http", "sntp"]
    where: str

    @property
    def name(self) -> str:
        """What facts and labels call it: without a query, which may hold a token."""
        if self.kind == "sntp":
            return f"sntp:{self.where}"
        return describe_url(self.where)


@dataclass(frozen=True, slots=True)
class ServerCertificateFile:
    """The file on this host that a backend's certificate is read from."""

    path: str
    receiver: str = ""
    """The Collector's receiver that reads it; empty where the user named the file."""
    reload_interval: float | None = None
    """Seconds after which the receiver reads it again; None: never, or not known."""
    settings_file: str = ""
    """The configuration that has the receiver."""
    key_file: str = ""
    client_ca_file: str = ""
    client_ca_file_reload: bool = False
    """Whether the receiver reads client_ca_file again whenever it changes."""

    def __post_init__(self) -> None:
        """Put a description in the place of what can't be a path."""
        for name in ("path", "key_file", "client_ca_file"):
            object.__setattr__(self, name, describe_path(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One endpoint with everything that an attempt needs to know; times are seconds."""

    name: str
    endpoint: Endpoint
    protocol: Protocol = "grpc"
    signal: Signal = "traces"
    depth: Depth = "otlp"
    interval: float = 30.0
    timeout: float = 5.0
    tls: TlsSettings = field(default_factory=TlsSettings)
    headers: tuple[tuple[str, Secret], ...] = ()
    proxy_url: Secret | None = None
    exporter: str = COLLECTOR.id
    """Whose verdict the outcome is: the id of a `Runtime`."""
    expect_cause: str | None = None
    """The cause that this target must fail with; None: it must be confirmed."""
    expect_until: float = 0.0
    """When `expect_cause` ends, in seconds since 1970: a silence; 0: it has no end."""
    expect_requested: bool = False
    """Whether the backend must also ask for a client certificate, and take nobody without one."""
    labels: tuple[tuple[str, str], ...] = ()
    sources: tuple[Source, ...] = (Source("configuration"),)
    remarks: tuple[Finding, ...] = ()
    """Findings about the settings themselves, true at every attempt."""
    faults: tuple[Finding, ...] = ()
    """Why no exporter can work with these settings; such a target is not connected to."""
    notes: tuple[str, ...] = ()
    """Facts about the settings that no finding is due for: a choice that its source left open."""
    signal_variables: SignalVariables = ()
    """Of an SDK's environment: the settings that a signal's own variables decide, and which."""
    server_certificate_file: ServerCertificateFile | None = None
    """What the backend ought to serve, where the probe can read it."""
    addresses: Addresses = "first"
    """Whether the first address that answers stands for all, or each has a result of its own."""
    address: str = ""
    """Of a target with `addresses: each`: the one address that this target connects to."""
    runs_in: Surroundings | None = None
    """Where the exporter runs, whose files and network it has; None: where the probe runs."""
    names_addresses: bool = False
    """Of `addresses: each`: whether the exporter looks the name up itself and gives its client the
    addresses, which are then all that requests name and that is verified."""
    authority: str = ""
    """What requests call the backend (`:authority`, Host), where that is not the endpoint; a gRPC
    exporter also asks for the name in it, and verifies that."""
    offers_http2: bool = True
    """Of HTTP: whether the exporter offers HTTP/2 at all."""
    receiver: Receiver | None = None
    """The receiver that this target stands for: the backend's side, seen from next to it."""

    def __post_init__(self) -> None:
        """Put a description in the place of a label that is a key or a token by its form."""
        # The same names come again and again.
        labels = tuple((sys.intern(str(name)), describe_name(value)) for name, value in self.labels)
        object.__setattr__(self, "labels", labels)

    @property
    def reference_identifier(self) -> str:
        """The name that the backend's certificate must hold (RFC 9525 §2.3).

        A gRPC exporter has one text for it and for the authority of requests, and takes the port
        off it (grpc-go, credentials.NewTLS).
        """
        name = self.tls.server_name_override
        if self.protocol != "grpc":
            return name or self.endpoint.host
        name = name or self.authority
        split = None if "://" in name else split_as_go(name)
        return split[0] if split else name or self.named_endpoint.host

    @property
    def named_endpoint(self) -> Endpoint:
        """What the exporter gives its client to connect to."""
        if self.names_addresses and self.address:
            return replace(self.endpoint, host=self.address)
        return self.endpoint

    @property
    def plaintext(self) -> bool:
        """Whether OTLP is spoken without TLS.

        An `http://` scheme turns TLS off for HTTP exporters and SDKs; a Collector's gRPC exporter
        strips it and looks at `insecure` only, which its source has resolved.
        """
        return self.tls.plaintext or self.endpoint.scheme == "http"

    @property
    def has_replicas(self) -> bool:
        """Whether its name is looked up once for all, and each address is then a target of its own.

        A proxy resolves the name itself, and settings that no exporter can work with lead nowhere.
        """
        return (
            self.addresses == "each"
            and not self.address
            and self.proxy_url is None
            and not self.faults
        )

    @property
    def replica(self) -> str:
        """The address that has this result, where each of the name's addresses has its own."""
        return self.address if self.addresses == "each" else ""

    def source_kinds(self) -> Iterator[str]:
        """Yield the kind of each source."""
        return (source.kind for source in self.sources)


def _is_writable(host: str) -> bool:
    """Return whether `host` has a form in ASCII (RFC 5890) that can be the authority of a URL."""
    if "\\" in host:
        return False
    try:
        return host.isascii() or ":" in host or bool(host.encode("idna"))
    except UnicodeError:
        return False


def default_protocol(port: int) -> Protocol:
    """Return http/protobuf for 4318 and grpc for any other port."""
    return "http/protobuf" if port == HTTP_PORT else "grpc"


def name_variables(setting: str, own: SignalVariables) -> str:
    """Return the variables that `setting` comes from as a sentence has them: `A`, or `A and B`.

    Empty where SDKs have no variable for it.
    """
    *others, last = dict(own).get(setting) or (GENERAL_VARIABLES.get(setting, ""),)
    return f"{', '.join(others)} and {last}" if others else last


@dataclass(frozen=True, slots=True)
class SourceState:
    """One item of `sources`, or the environment, as it was read last."""

    source: str
    """Its name, as it may be shown: `environment`, `file_sd:/etc/targets/*.yaml`."""
    up: bool
    """Whether it was read, all of it became targets, and the settings of one at least can be used."""
    targets: int = 0
    """How many targets come from it, those included that an earlier reading gave."""
    error: str | None = None
    """What is wrong, in one or more lines that are safe to show; None where it is up."""


@dataclass(frozen=True, slots=True)
class SourcesSummary:
    """What pages and JSON say of the sources of targets."""

    states: tuple[SourceState, ...] = ()
    nothing_to_probe: str = ""
    """Why there is nothing to probe, and what to do; empty where there is something."""


def list_down_sources(states: tuple[SourceState, ...]) -> tuple[SourceState, ...]:
    """Return those of `states` that are not up."""
    return tuple(state for state in states if not state.up)
