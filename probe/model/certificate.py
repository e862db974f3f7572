"""What the local files hold, as plain frozen data without any secret.

All times of day are seconds since the Unix epoch. Texts have passed `safe_text`.
"""

from typing import Literal

import msgspec

from probe.model.finding import Finding, Role
from probe.model.path_fault import PathFault
from probe.model.record import Record


class Name(Record, frozen=True):
    """A distinguished name: `text` for people (RFC 4514, safe), `digest` of its DER to compare."""

    text: str
    digest: str


class CertificateFacts(Record, frozen=True):
    """What a certificate says (RFC 5280), already safe to show.

    `extended_key_usage` and `key_usage` are None where the extension is absent, which allows any
    use; usages are named as RFC 5280 names them (`clientAuth`, `digitalSignature`).
    """

    subject: Name
    issuer: Name
    serial_number: str
    not_before: float
    not_after: float
    sha256: str
    sans: tuple[str, ...] = ()
    """Presented identifiers: `DNS:…`, `IP:…`, `URI:…`, `email:…`."""
    is_ca: bool = False
    self_signed: bool = False
    key_type: str = ""
    key_bits: int = 0
    signature_hash: str = ""
    """`sha256`, `sha1`, …; empty where the scheme has none of its own (Ed25519)."""
    extended_key_usage: tuple[str, ...] | None = None
    key_usage: tuple[str, ...] | None = None
    subject_key_id: str = ""
    authority_key_id: str = ""
    aia_issuers: tuple[str, ...] = ()
    common_name: str = ""
    """The subject's most specific CN, unchanged; empty without one."""


def name_certificate(certificate: CertificateFacts) -> str:
    """Name a certificate by its subject, or by its first SAN where that is empty."""
    return certificate.subject.text or (certificate.sans[0] if certificate.sans else "(no name)")


class KeyFacts(Record, frozen=True, omit_defaults=False):
    """A key without itself: `public_key_sha256` is of its SubjectPublicKeyInfo, to compare by."""

    private: bool
    encrypted: bool = False
    key_type: str = ""
    key_bits: int = 0
    public_key_sha256: str = ""


class NamedBlock(Record, frozen=True):
    """A PEM block by what it is, and the number of its BEGIN line."""

    line: int
    name: str


class LocatedCertificate(Record, frozen=True):
    """A certificate that is not sent, and the file that holds it."""

    path: str
    certificate: CertificateFacts


class Rotation(Record, frozen=True):
    """That a file holds other certificates than when the probe first read it."""

    role: Literal["cert", "ca"]
    path: str
    at: float
    """When the probe read what it holds now."""
    before: tuple[CertificateFacts, ...] = ()
    """What it held at first: what an exporter that reads it once still has."""


class ServedFile(Record, frozen=True):
    """What the file holds that the backend's certificate is read from, and what is set next to it."""

    path: str
    receiver: str = ""
    """The Collector's receiver that reads it; empty where the user named the file."""
    reload_interval: float | None = None
    """Seconds; None: never read again, or not known."""
    modified: float = 0.0
    """When the file was last written."""
    held_for: float | None = None
    """Seconds for which it has held this, of the monotonic clock from its first reading on; None in
    evidence of before that was measured."""
    settings_file: str = ""
    """The configuration that has the receiver."""
    key_file: str = ""
    client_ca_file: str = ""
    client_ca_file_reload: bool = False
    """Whether the receiver reads client_ca_file again whenever it changes."""
    chain: tuple[CertificateFacts, ...] = ()


class ReceiverFiles(Record, frozen=True):
    """What a receiver's files hold: what it serves, and whose client certificates it takes."""

    name: str
    """Its id and protocol."""
    listens: str = ""
    where: str = ""
    """File and line of its TLS settings."""
    settings_file: str = ""
    tls: bool = True
    """Whether it serves TLS at all."""
    cert_file: str = ""
    key_file: str = ""
    client_ca_file: str = ""
    client_ca_file_reload: bool = False
    reload_interval: float | None = None
    misplaced_ca: str = ""
    """File, line and value of a ca_file where no client_ca_file is set."""
    system_roots: bool = False
    """Whether the system's CAs are trusted for clients besides client_ca_file."""
    chain: tuple[CertificateFacts, ...] = ()
    """What cert_file holds, in its order."""
    issuers: tuple[LocatedCertificate, ...] = ()
    """Issuers beyond the last certificate of cert_file that are in files here."""
    chain_rules: tuple[PathFault, ...] = ()
    """Rules that the chain breaks for Go's clients, whatever they trust; dates are not among them."""
    client_cas: tuple[CertificateFacts, ...] = ()
    """What Go takes of client_ca_file as anchors, as far as it is described."""
    client_ca_count: int = 0
    client_cas_before: tuple[CertificateFacts, ...] = ()
    """What client_ca_file held when the probe first read it, where that differs."""
    client_ca_rules: tuple[PathFault, ...] = ()
    """Why some of these can issue no client's certificate: one fault each."""
    public_cas: int = 0
    """How many of them are among the system's own CAs."""
    client_ca_modified: float = 0.0
    """When client_ca_file was last written."""
    client_ca_held_for: float | None = None
    """Seconds for which client_ca_file has held this, of the monotonic clock."""
    faults: tuple[Finding, ...] = ()
    """With each of these the receiver, and so its Collector, does not start."""
    remarks: tuple[Finding, ...] = ()
    """True of the files and settings; the receiver lives with it."""


class FileReading(Record, frozen=True):
    """What another kind of exporter makes of the same files, where it differs from the target's."""

    runtime: str
    """The id of a `Runtime`."""
    stage: Literal["", "load", "connect", "abort"] = ""
    """Where it stops over a file: at its start, when it connects, or as its process ends; empty:
    it uses all of them."""
    role: Role | Literal[""] = ""
    """The file that stops it."""
    why: str = ""
    """`no_block`, `block`, `certificate`, `key`, `encrypted`, `pair`, `order`, `weak`, `half`, `missing`."""
    line: int = 0
    """The line of the block that stops it; 0: none in particular."""
    says: str = ""
    """What it prints, without paths."""
    ordinary: bool = True
    """Whether what it would send and trust is of a kind that every backend and library takes."""


class CredentialFacts(Record, frozen=True):
    """What the local files hold, without any secret."""

    generation: str = ""
    """Changes whenever what the files hold does."""
    client_chain: tuple[CertificateFacts, ...] = ()
    """As sent: what cert_file holds, in its order."""
    unsent_issuers: tuple[LocatedCertificate, ...] = msgspec.field(default=(), name="continuation")
    """Issuers found beyond the last certificate sent, towards a root, each proven by signature."""
    broken_rules: tuple[PathFault, ...] = ()
    """Rules that the client's chain breaks, and that every verifier applies."""
    disputed_rules: tuple[PathFault, ...] = ()
    """Rules that it breaks and only some verifiers apply, or that a copy of the backend's may keep."""
    ca_bundle: tuple[CertificateFacts, ...] = ()
    """What ca_file holds, as far as it is described."""
    ca_bundle_size: int = 0
    """How many certificates ca_file holds; 0 in evidence of before that was counted."""
    system_roots: bool = False
    faults: tuple[Finding, ...] = ()
    """Each keeps the exporter from using its files: the attempt ends at `load`."""
    unusable: tuple[Finding, ...] = ()
    """Faults of what the files hold by now: what was read before them stays in use."""
    remarks: tuple[Finding, ...] = ()
    """True of the files, but this exporter lives with it."""
    read_at: float = 0.0
    """When what is in use was read; 0 where no clock was given."""
    rotated: tuple[Rotation, ...] = ()
    """What has changed since the probe first read it."""
    root: str = ""
    """Where the files of a process with a root of its own are found from outside; else empty."""
    cert_modified: float = 0.0
    ca_modified: float = 0.0
    """When a file was last written, where the exporter is a process whose start is known; else 0."""
    readings: tuple[FileReading, ...] = ()
    """What other kinds of exporters make of the files."""
    served: ServedFile | None = None
    """The backend's own certificate on disk, where it lies on this host."""
    receiver: ReceiverFiles | None = None
    """The files of the receiver that the target stands for."""
