"""All that one attempt saw, as plain frozen data that survives a JSON round trip.

What a peer does is never an exception, it is recorded here. No key bytes and no header values are
ever part of it. All times of day are seconds since the Unix epoch, all durations seconds.
"""

from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from probe.model.certificate import CertificateFacts, CredentialFacts, Name
from probe.model.change import Change
from probe.model.client_offer import ClientOffer
from probe.model.finding import BYTE_ORDER_MARK, Finding
from probe.model.later_judgement import LaterJudgement, RuntimePath
from probe.model.older_evidence import needs_upgrade, upgrade_evidence
from probe.model.path_fault import PathFault
from probe.model.record import Record
from probe.model.target import SignalVariables
from probe.model.trace_context import TraceContext
from probe.text.description import remove_quotes
from probe.text.safe_text import safe_text

SCHEMA: Final = "mtls-probe-evidence/1"

Stage = Literal["load", "resolve", "connect", "handshake", "accept", "export"]
STAGES: Final[tuple[Stage, ...]] = ("load", "resolve", "connect", "handshake", "accept", "export")

EndingKind = Literal[
    "answered",  # a complete answer to the request, whatever it says
    "application_data",  # depth tls: application data after the last flight, and no refusal
    "completed",  # only a handshake was asked for, and it is complete
    "alert",  # the peer sent a fatal alert
    "close",  # FIN, with or without close_notify before it
    "reset",  # RST, or a broken pipe with nothing left to read
    "timeout",  # the deadline
    "credentials",  # load: a fault that keeps the exporter from starting
    "dns",
    "refused",
    "unreachable",
    "socket",  # another error of the operating system
    "proxy",
    "unverified",  # the server's certificate does not verify: the attempt stops, as an exporter does
    "alpn",  # gRPC needs h2 and the server did not choose it
    "not_tls",  # the first bytes are not a TLS record
    "tls",  # our TLS library gave up on what the peer sent
    "garbage",  # neither HTTP/2 nor HTTP/1.1, or a breach of it
    "budget",  # more bytes or steps than one attempt takes
    "probe_fault",
]


class Alert(Record, frozen=True, omit_defaults=False):
    """One TLS alert (RFC 8446 §6) by number, never by OpenSSL's text."""

    direction: Literal["received", "sent"]
    level: Literal["warning", "fatal"]
    number: int
    name: str


class NameCheck(Record, frozen=True):
    """Reference identifier against presented identifiers (RFC 9525 §6)."""

    reference: str
    matched: bool
    presented: tuple[str, ...] = ()
    common_name: str = ""
    """The subject's CN where there is one; never a name for the check."""


class Offer(ClientOffer, frozen=True):
    """What the client offered in one handshake."""

    alpn: tuple[str, ...] = ()
    server_name: str = ""
    narrowed_by: tuple[str, ...] = ()
    """The keys of the target's own TLS settings that leave less than the exporter's default."""
    lacking: tuple[str, ...] = ()
    """What the exporter offers besides, and the probe's TLS library does not have."""


class Handshake(Record, frozen=True):
    """One TLS handshake as far as it came; recorded also when it failed."""

    offer: Offer = Offer()
    complete: bool = False
    version: str = ""
    cipher: str = ""
    group: str = ""
    alpn: str = ""
    client_certificate_requested: bool = False
    client_certificate_sent: bool = False
    acceptable_cas: tuple[Name, ...] = ()
    alerts: tuple[Alert, ...] = ()
    path_faults: tuple[PathFault, ...] = ()
    """Why the target's exporter does not trust what the server sent; it reports the first."""
    server_chain: tuple[CertificateFacts, ...] = ()
    name_check: NameCheck | None = None
    server_verified: bool = False
    """The target's exporter trusts it, or does not look (insecure_skip_verify)."""
    verified_paths: tuple[tuple[str, ...], ...] = ()
    """Each path that the exporter verified by the SHA-256 of its certificates, the end entity first.

    Empty where none is, and where only whether one is verified is known (insecure_skip_verify too).
    """
    used_anchors: tuple[CertificateFacts, ...] = ()
    """The anchors that these paths end in; nothing else holds those of the system's roots."""
    stapled_status: str = ""
    """good, revoked or unknown, from a stapled OCSP answer."""
    staple_until: float = 0.0
    """When that answer ends (nextUpdate); 0 where it does not say."""
    first_bytes: str = ""
    """Hex of what came first, where it was not a TLS record."""
    library_errors: tuple[int, ...] = ()
    """Reason numbers of our own TLS library where it gave up."""


class Ending(Record, frozen=True):
    """How and where an attempt ended; `detail` is a short fact (an errno's name, a resolver code)."""

    stage: Stage
    kind: EndingKind
    detail: str = ""
    close_notify: bool = False
    http_status: int = 0
    """Of a proxy that did not open a tunnel; 0 where it did not answer in HTTP."""
    http2_error: int | None = None
    """The code of the RST_STREAM or GOAWAY that ended the request (RFC 9113 §7)."""


class Recheck(Record, frozen=True):
    """The further handshake, capped at TLS 1.2, after a silent close in TLS 1.3."""

    handshake: Handshake
    ending: Ending
    at: float = 0.0
    duration: float = 0.0


class ConnectTry(Record, frozen=True):
    """One address tried; `error` is the errno's name, empty for success."""

    address: str
    error: str = ""


BodyEnd = Literal[
    "whole",  # read to its end
    "cut",  # the connection, the stream, the deadline or a bound ended before it
    "broken",  # its framing is wrong: chunks, Content-Length, gzip, gRPC's length prefix
]


GRPC_STATUS_NAMES: Final = {
    0: "OK", 1: "CANCELLED", 2: "UNKNOWN", 3: "INVALID_ARGUMENT", 4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND", 6: "ALREADY_EXISTS", 7: "PERMISSION_DENIED", 8: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION", 10: "ABORTED", 11: "OUT_OF_RANGE", 12: "UNIMPLEMENTED",
    13: "INTERNAL", 14: "UNAVAILABLE", 15: "DATA_LOSS", 16: "UNAUTHENTICATED",
}  # fmt: skip
"""Source: https://grpc.io/docs/guides/status-codes."""


class Answer(Record, frozen=True):
    """The backend's answer to the request, its texts already safe and short.

    Of an attempt that did not end as `answered`, it is the beginning of a success whose body
    was not read to its end.
    """

    over: Literal["h2", "http/1.1"]
    http_status: int
    content_type: str = ""
    grpc_status: int | None = None
    message: str = ""
    """grpc-message, the OTLP Status message, or the beginning of a textual body."""
    body_parses: bool | None = None
    """Whether the body is the response message of the signal; None where there was none to read."""
    body_end: BodyEnd = "whole"
    """How far the body could be read; one that is not whole confirms nothing."""
    body_empty: bool = True
    rejected_items: int = 0
    partial_message: str = ""
    server: str = ""
    date: float | None = None
    """The HTTP Date header."""
    received_at: float | None = None
    """When the answer came, by the probe's clock."""
    location: str = ""


Varied = Literal[
    "unvaried",  # the attempt's own handshake once more, to see whether its outcome repeats itself
    "no_client_certificate",
    "tls_1.2",  # capped there
    "tls_1.3",  # nothing below it
    "every_version",
    "every_cipher",
    "every_group",
    "every_signature",
    "classic_groups",  # the exporter's, without the hybrids that make a ClientHello large
    "no_alpn",
    "other_protocol",  # the other OTLP protocol's ALPN and request
    "plaintext",  # the opening of HTTP/2 without TLS
    "tls",  # of a target without TLS: a TLS handshake with the same port
]


class Experiment(Record, frozen=True):
    """One further connection with one thing changed, to decide between possible causes."""

    varied: Varied
    at: float
    ending: Ending
    handshake: Handshake | None = None
    answer: Answer | None = None
    first_bytes: str = ""
    """Hex of what came first, where `varied` is `plaintext`."""
    duration: float = 0.0


class NetworkView(Record, frozen=True):
    """From where the attempt was made, for an exporter that is a process of this machine."""

    process: str
    """What sentences call it."""
    network: Literal["own", "entered", "closed"]
    """The process has the probe's network; another one, which was entered; another one, or one that
    could not be looked at, and the probe's own was used in its place."""
    right: str = ""
    """What the probe lacked, where it is closed: the name of a capability."""
    look_up: Literal["system", "files"] = "system"
    """How names were looked up: by the system, or with the files of the process's root."""
    name_servers: tuple[str, ...] = ()
    """Those that the files name."""


class OtherAddress(Record, frozen=True):
    """Another address of the same name, and how the exporter's own handshake ended there."""

    address: str
    seen: Experiment


class ClockReading(Record, frozen=True):
    """One comparison of clocks: `offset` is remote minus local, give or take `uncertainty`."""

    source: str
    offset: float
    uncertainty: float = 1.0


class TargetFacts(Record, frozen=True):
    """What of the target's settings the diagnosis needs; no header values, no passwords."""

    name: str
    endpoint: str
    host: str
    port: int
    protocol: str
    signal: str = "traces"
    depth: str = "otlp"
    reference_identifier: str = ""
    timeout: float = 5.0
    plaintext: bool = False
    insecure_skip_verify: bool = False
    client_certificate_configured: bool = False
    cert_file: str = ""
    key_file: str = ""
    ca_file: str = ""
    header_names: tuple[str, ...] = ()
    proxy: str = ""
    exporter: str = "collector"
    """Whose verdict the outcome is: the id of a `Runtime`."""
    source_kinds: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    expect_cause: str | None = None
    expect_until: float = 0.0
    """When `expect_cause` ends, in seconds since 1970: a silence; 0: it has no end."""
    expect_requested: bool = False
    """Whether the backend must ask for a client certificate."""
    clock_tolerance: float = 60.0
    remarks: tuple[Finding, ...] = ()
    """Settings that have no effect or another one than expected; `path` is the source that has them."""
    notes: tuple[str, ...] = ()
    """Facts about the settings, which belong to whatever the attempt shows."""
    read_once: tuple[str, ...] = ()
    """The files (cert, ca) that the exporter reads at its start and not again."""
    settings_file: str = ""
    """The exporter's own file with the settings; empty for variables, or where unknown."""
    signal_paths: tuple[str, ...] = ()
    """OTLP/HTTP: the signals whose own path, /v1/<signal>, the request's path ends in, in order."""
    request_to_root: bool = False
    """OTLP/HTTP: whether the request goes to /."""
    path_ends_in_slash: bool = False
    """OTLP/HTTP: whether the path that is set for it ends in /."""
    signal_variables: SignalVariables = ()
    """Of an SDK's environment: the settings that a signal's own variables decide, and which."""
    address: str = ""
    """The one address of the host that this attempt stands for, where each has its own result."""
    runs_in: str = ""
    """The process or container whose files and network the exporter has; empty where not known."""
    started: float = 0.0
    """When that process started; 0 where not known."""


class Evidence(Record, frozen=True, tag_field="schema", tag=SCHEMA):
    """Everything that one attempt saw."""

    target: TargetFacts
    at: float
    ending: Ending
    credentials: CredentialFacts = CredentialFacts()
    addresses: tuple[str, ...] = ()
    connects: tuple[ConnectTry, ...] = ()
    peer_address: str = ""
    network: NetworkView | None = None
    """None where the exporter is not a process that the probe knows."""
    handshake: Handshake | None = None
    other_paths: tuple[RuntimePath, ...] = ()
    """What exporters of other runtimes make of the server's certificates, where it differs."""
    recheck: Recheck | None = None
    first_bytes: str = ""
    """Hex of what came first, where it was neither the HTTP asked for nor, to HTTP/2, HTTP/1.x."""
    experiments: tuple[Experiment, ...] = ()
    """Of this attempt, or of an earlier one that ended in exactly this way."""
    experiments_reused: bool = False
    """Whether they are of an earlier one."""
    other_addresses: tuple[OtherAddress, ...] = ()
    """Where the name has several and one stands for all: others, tried within the last hour."""
    addresses_left_out: int = 0
    """How many addresses of the name are not attempted, where each has a result of its own."""
    answer: Answer | None = None
    clock: tuple[ClockReading, ...] = ()
    durations: dict[str, float] = msgspec.field(default_factory=dict)
    canary_trace_id: str = ""
    """Depth canary: the trace of the item that was sent, in hex."""
    trace: TraceContext | None = None
    """The attempt's own trace, where telemetry is on."""
    later: LaterJudgement | None = None
    """The server's certificates as of another moment, where one was asked for (`check --at`)."""
    changed: tuple[Change, ...] = ()
    """What was another way in earlier attempts that went well, where the attempt is one of several."""
    held_up: float = 0.0
    """Seconds in which the probe's own process could not act, where they were enough for a peer to
    give up on it."""


_decoder = msgspec.json.Decoder(Evidence)


def to_json(evidence: Evidence) -> bytes:
    """Return `evidence` as one line of JSON."""
    return msgspec.json.encode(evidence)


def from_json(raw: bytes | str) -> Evidence:
    """Read what `to_json` wrote.

    Raises:
        ValueError: where `raw` is not evidence of this schema.
    """
    try:
        text = raw.encode() if isinstance(raw, str) else raw
        evidence = _decoder.decode(upgrade_evidence(text) if needs_upgrade(text) else text)
    except msgspec.DecodeError as error:
        why = safe_text(remove_quotes(str(error)))
        raise ValueError(f"not an evidence file ({SCHEMA}): {why}") from None
    return _with_kinds(evidence)


def _with_kinds(evidence: Evidence) -> Evidence:
    """Add `kind` to findings of older evidence files, which lack it."""
    held = evidence.credentials
    if not (held.faults or held.remarks):
        return evidence
    faults, remarks = (
        tuple(
            replace(one, kind=BYTE_ORDER_MARK) if "byte order mark" in one.fact else one
            for one in findings
        )
        for findings in (held.faults, held.remarks)
    )
    return replace(evidence, credentials=replace(held, faults=faults, remarks=remarks))
