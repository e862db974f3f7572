"""What one connection of an exporter brought to `listen`, as plain frozen data.

Texts that the exporter sent have passed `safe_text`. No telemetry is kept: names of services and
counts alone.
"""

from typing import Literal

from probe.model.certificate import CertificateFacts
from probe.model.client_offer import ClientOffer
from probe.model.evidence import Alert
from probe.model.record import Record

Speech = Literal["tls", "http", "h2", "other", "nothing"]
"""What a connection begins with: a ClientHello, an HTTP/1 request or HTTP/2 without TLS, other
bytes, or no byte at all."""

ConnectionEnd = Literal[
    "open", "alert", "refused", "close", "reset", "timeout", "limit", "no_backend"
]
"""How a connection ended: `alert` of the exporter's, `refused` by ours, `limit` of our own,
`no_backend`: the one of --forward could not be reached, or ended it without an answer."""

ClientCertificate = Literal["presented", "none", "not_reached"]
"""Whether the exporter presented a certificate; `not_reached`: it was never asked, or stopped."""


class ExportRequest(Record, frozen=True, omit_defaults=False):
    """One request, without its payload."""

    over: Literal["h2", "http/1.1"]
    method: str
    path: str
    signal: Literal["traces", "metrics", "logs", "profiles", ""] = ""
    """Empty where the path is none of OTLP's."""
    services: tuple[str, ...] = ()
    """Each `service.name` in it."""
    items: int | None = None
    """Spans, data points, log records or profiles; None where the body could not be counted."""
    uncounted: str = ""
    """Why not."""
    size: int = 0
    """Bytes of the body as it was sent."""
    content_type: str = ""
    encoding: str = ""
    user_agent: str = ""
    answer: str = ""
    """`HTTP 200`, `gRPC 0`: of the backend with --forward, else ours; empty: none came."""
    taken: bool = False
    """Whether the answer is a success."""


class ExporterConnection(Record, frozen=True):
    """One connection, as far as it has come."""

    number: int
    at: float
    """When it was accepted, in seconds since the Unix epoch."""
    peer: str
    seconds: float = 0.0
    speech: Speech = "nothing"
    first_bytes: str = ""
    """The first line of HTTP, or bytes in hex, where it begins with no ClientHello."""
    server_name: str = ""
    alpn: tuple[str, ...] = ()
    offer: ClientOffer | None = None
    hello_size: int = 0
    looks_like: tuple[str, ...] = ()
    """Ids of runtimes whose measured ClientHello is nearest."""
    differences: int = 0
    values: int = 0
    """That ClientHello has so many values, of which so many differ."""
    looks_near: bool = False
    version: str = ""
    cipher: str = ""
    chosen_alpn: str = ""
    named_cas: tuple[str, ...] = ()
    """The CAs that our CertificateRequest named; empty: none, so that nothing is withheld."""
    certificate: ClientCertificate = "not_reached"
    chain: tuple[CertificateFacts, ...] = ()
    """What the exporter presented, in its order."""
    withheld_before: int = 0
    """The number of the last connection of this kind that presented none where CAs were named."""
    presented_later: int = 0
    """The number of the last one of this kind without that list, where it presented a certificate."""
    none_without_list: int = 0
    """The same, where it presented none either."""
    alerts: tuple[Alert, ...] = ()
    complete: bool = False
    """Whether the handshake is complete."""
    end: ConnectionEnd = "open"
    detail: str = ""
    """Which limit, why it was refused after the handshake, what is wrong with the backend of
    --forward, or that `listen` was ended."""
    request_began: bool = False
    """Whether any byte of a request came; in HTTP/2 that is its header fields."""
    request_count: int = 0
    requests: tuple[ExportRequest, ...] = ()
    """The first ones, the first that was taken among them."""
    items: int = 0
    """Of all requests that were taken."""
    bytes_received: int = 0
    """Application data from the exporter, without TLS."""
    bytes_forwarded: int = 0
    """Of these, what the backend of --forward got."""
    bytes_returned: int = 0
    """What the exporter got back."""
    forwarded_to: str = ""
