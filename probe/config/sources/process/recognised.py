"""`Recognised`: which SDK a process has and what that SDK does where no variable says it. Plain data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from probe.config.errors import ConfigurationError
from probe.model.finding import Finding
from probe.model.target import Protocol, Signal

ReadFile = Callable[[str], bytes]
"""Returns a file as the process sees it; raises OSError or ValueError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """What is known of the exporters of a process before its variables are read."""

    runtime: str
    """What people call it: `Java`, `Go`; empty where it is not known."""
    by: str
    """What shows the runtime."""
    exporter: str = ""
    """The `Runtime` of its exporters, or empty where none of the models is its own."""
    sdk: str = ""
    """What shows that an OpenTelemetry SDK is there; empty where nothing does."""
    protocol: Protocol | None = None
    """What is spoken where no variable says."""
    only_protocol: Protocol | None = None
    """What is spoken whatever a variable says: its program has no other exporter."""
    protocol_by: str = ""
    """What decides that, as a clause."""
    zero_code: bool = False
    """Whether everything is exported without the program asking for it, also to the defaults."""
    secure: bool = False
    """Whether the default endpoint has TLS, as in Go."""
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The variables that it works by, in place of its environment."""
    signal_protocols: Mapping[Signal, Protocol] = field(default_factory=dict)
    """Of signals whose exporter's name says it (Python's otlp_proto_http)."""
    roots: str = ""
    """The file of CAs that its HTTP client brings, where no CA is set; empty: the system's."""
    proxy: str = field(default="", repr=False)
    """The proxy that something else than a variable names: Java's `-Dhttps.proxyHost`."""
    no_proxy: str = ""
    remarks: tuple[Finding, ...] = ()
    faults: tuple[ConfigurationError, ...] = ()
    """Why no exporter of it is made, by the rules of its SDK."""
    notes: tuple[str, ...] = ()
