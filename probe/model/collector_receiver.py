"""`Receiver`: one protocol of a receiver of a Collector next to the probe, as plain frozen data."""

from dataclasses import dataclass

from probe.model.client_tls import TlsSettings
from probe.model.finding import Finding
from probe.text.description import describe_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """A receiver of a Collector next to the probe, by the Collector's own key names.

    `configtls.ServerConfig` is the source of what its TLS settings mean: which client certificates
    are asked for and taken depends on client_ca_file alone; ca_file has no part in it.
    """

    id: str
    protocol: str
    """`grpc` or `http`."""
    listens: str
    """What it listens on, as host:port."""
    settings_file: str
    where: str = ""
    """File and line of its `tls` section, or of the protocol where it has none."""
    tls: TlsSettings | None = None
    """Its certificate and key, what client certificates are not verified by (ca_file), versions,
    suites and groups; None: it serves without TLS."""
    client_ca_file: str = ""
    client_ca_file_reload: bool = False
    misplaced_ca: str = ""
    """File, line and value of a ca_file or ca_pem where no client_ca_file is set."""
    remarks: tuple[Finding, ...] = ()
    """What its settings do otherwise than they read."""

    def __post_init__(self) -> None:
        """Put a description in the place of what can't be a path."""
        object.__setattr__(self, "client_ca_file", describe_path(self.client_ca_file))

    @property
    def name(self) -> str:
        """Its id and protocol."""
        return f"{self.id}/{self.protocol}"
