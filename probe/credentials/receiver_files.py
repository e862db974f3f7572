"""What a receiver's files hold, and with which of them its Collector does not start.

`configtls` reads a server's pair as it reads a client's (tls.X509KeyPair), and client_ca_file as
any CA file (AppendCertsFromPEM): the models of those readers decide here too. What the probe itself
may not read is never the receiver's fault.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec.structs
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from probe.credentials.load import MAX_BUNDLE, load_credentials
from probe.credentials.named_file import RECEIVER_KEYS, FileSettings, NamedFile
from probe.credentials.read_file import read_file, read_folder
from probe.credentials.readers.go import read_go_blocks
from probe.credentials.readers.pem_file import PemFile
from probe.credentials.system_roots import SYSTEM_ROOTS
from probe.exporters.go_certificate import GoCertificate
from probe.exporters.go_parser import parse_for_go
from probe.exporters.go_path import verify_for_go
from probe.exporters.go_rules import allows_usage, may_sign
from probe.exporters.path_verdict import PathRequest
from probe.model.certificate import CertificateFacts, LocatedCertificate, ReceiverFiles
from probe.model.collector_receiver import Receiver
from probe.model.finding import Finding, Role, ServerRole
from probe.model.path_fault import DATE_FAULTS, PathFault
from probe.model.target import TlsSettings
from probe.surroundings.file_view import HOST_FILES, FileView
from probe.text.description import PATH_MAX
from probe.text.safe_text import safe_text
from probe.x509.anchors import AnchorPool
from probe.x509.extensions import CLIENT_AUTH
from probe.x509.parse import parse_certificate, read_der, read_facts
from probe.x509.path import extend_path, find_top

UNUSABLE: Final = "receiver_file_unusable"
_ROLES: Final[dict[Role, ServerRole]] = {
    "cert": "server_cert",
    "key": "server_key",
    "ca": "client_ca",
}
_OUR_RIGHTS: Final = frozenset({"client_file_permission", "server_ca_file_permission"})
_ORDER: Final = "client_chain_misordered"


def read_receiver_files(
    receiver: Receiver, at: float, view: FileView = HOST_FILES
) -> ReceiverFiles:
    """Return what the files of `receiver` hold at `at` (epoch seconds).

    Raises:
        OSError: where the probe itself lacks file descriptors or memory.
    """
    tls = receiver.tls
    known = ReceiverFiles(
        name=safe_text(receiver.name),
        listens=safe_text(receiver.listens),
        where=safe_text(receiver.where, PATH_MAX),
        settings_file=safe_text(receiver.settings_file, PATH_MAX),
        tls=tls is not None,
        remarks=receiver.remarks,
    )
    if tls is None:
        return known
    pair = TlsSettings(
        cert_file=tls.cert_file,
        cert_pem=tls.cert_pem,
        key_file=tls.key_file,
        key_pem=tls.key_pem,
        ca_file=receiver.client_ca_file or None,
    )
    held = load_credentials(pair, settings=RECEIVER_KEYS, view=view)
    faults = [*held.facts.faults, *_find_other_faults(tls, view)]
    chain = held.chain or tuple(_read_chain(tls, view))
    parsed = [one for der in chain if (one := parse_certificate(der)) is not None]
    issuers = find_server_issuers(tls, parsed, held.anchors, receiver.client_ca_file, view)
    anchors = held.anchors if receiver.client_ca_file else ()
    return msgspec.structs.replace(
        known,
        cert_file=safe_text(tls.cert_file or ("cert_pem" if tls.cert_pem else ""), PATH_MAX),
        key_file=safe_text(tls.key_file or ("key_pem" if tls.key_pem else ""), PATH_MAX),
        client_ca_file=safe_text(receiver.client_ca_file, PATH_MAX),
        client_ca_file_reload=receiver.client_ca_file_reload,
        reload_interval=tls.reload_interval,
        misplaced_ca=receiver.misplaced_ca,
        system_roots=bool(receiver.client_ca_file) and tls.include_system_ca_certs_pool,
        chain=tuple(map(read_der, chain)),
        issuers=tuple(
            LocatedCertificate(path=safe_text(path, PATH_MAX), certificate=read_facts(one))
            for path, one in issuers
        ),
        chain_rules=find_chain_rules(chain, parsed, [one for _, one in issuers], at),
        client_cas=tuple(map(read_der, anchors[:MAX_BUNDLE])),
        client_ca_count=len(anchors),
        client_ca_rules=tuple(_find_ca_rules(anchors[:MAX_BUNDLE])),
        public_cas=_count_public(anchors),
        client_ca_modified=_read_modified(receiver.client_ca_file, view),
        faults=tuple(_of_server(one, UNUSABLE) for one in faults if one.cause not in _OUR_RIGHTS),
        remarks=(*receiver.remarks, *_list_remarks(held.facts.faults, held.facts.remarks)),
    )


@dataclass(frozen=True, slots=True)
class ClientJudgement:
    """What a receiver makes of a client's chain."""

    faults: tuple[PathFault, ...] = ()
    """Why it refuses the chain; none: it accepts it."""
    anchors: tuple[CertificateFacts, ...] = ()
    """What of client_ca_file the verified paths end in."""
    missing: CertificateFacts | None = None
    """The last certificate of the chain that could be linked: its issuer is what is missing."""
    issuers: tuple[LocatedCertificate, ...] = ()
    """Issuers of that which are in files here, the nearest first."""


def judge_client_chain(
    receiver: Receiver,
    chain: tuple[bytes, ...],
    at: float,
    *,
    folder_of: str = "",
    view: FileView = HOST_FILES,
) -> ClientJudgement:
    """Return what the Go of `receiver`'s Collector makes of a client's chain at `at`.

    Args:
        receiver: With a client_ca_file; its anchors are those and, where it says so, the system's.
        chain: What the client sends, as DER.
        at: Epoch seconds.
        folder_of: The file of the chain, in whose folder missing issuers are looked for.
        view: The files of the place where the receiver runs.

    Raises:
        OSError: where the probe itself lacks file descriptors or memory.
    """
    tls = receiver.tls or TlsSettings()
    held = load_credentials(
        TlsSettings(ca_file=receiver.client_ca_file), settings=RECEIVER_KEYS, view=view
    )
    system = SYSTEM_ROOTS.read() if tls.include_system_ca_certs_pool else ()
    pool = AnchorPool((*held.anchors, *system))
    verdict = verify_for_go(PathRequest(chain, pool, "", at, of_client=True))
    parsed = [one for der in chain if (one := parse_certificate(der)) is not None]
    if not verdict.faults or not parsed:
        known = (pool.get(sha256) for sha256 in verdict.anchored)
        anchors = tuple(read_der(one.der) for one in known if one is not None)
        return ClientJudgement(verdict.faults, anchors)
    known_here: list[tuple[str, x509.Certificate]] = []
    for path in (tls.ca_file, tls.cert_file):
        raw = read_file(NamedFile("ca", path), view=view) if path else b""
        ders = () if isinstance(raw, Finding) else _read_go_certificates(raw)
        known_here += [
            (path or "", one) for der in ders if (one := parse_certificate(der)) is not None
        ]
    folders = [file for file in (folder_of, receiver.client_ca_file) if file]
    issuers = extend_path(
        parsed, known_here, lambda: (one for file in folders for one in read_folder(file, view))
    )
    return ClientJudgement(
        verdict.faults,
        missing=read_facts(find_top(parsed)),
        issuers=tuple(
            LocatedCertificate(path=safe_text(path, PATH_MAX), certificate=read_facts(one))
            for path, one in issuers
        ),
    )


def read_client_chain(path: str) -> tuple[bytes, ...] | Finding:
    """Return the certificates that a client sends of the file at `path`, as Go reads it.

    A key is not needed: whether the chain is trusted does not depend on it.

    Raises:
        OSError: where the probe itself lacks file descriptors or memory.
    """
    file = NamedFile("cert", path)
    raw = read_file(file)
    if isinstance(raw, Finding):
        return raw
    # What stands before a certificate in the file does not matter to tls.X509KeyPair.
    found = tuple(_read_go_certificates(raw))
    return found or file.make_finding(
        "holds no certificate that Go reads: a client sends none of it",
        "name the file that the client's cert_file (or OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE) names",
    )


def _read_go_certificates(raw: bytes) -> Iterable[bytes]:
    return (block.der for block in read_go_blocks(PemFile(raw)) if block.label == "CERTIFICATE")


def _read_chain(tls: TlsSettings, view: FileView) -> Iterator[bytes]:
    """Yield what cert_file holds where the pair as a whole cannot be used."""
    if tls.cert_pem:
        yield from _read_go_certificates(tls.cert_pem.encode("utf-8", "surrogateescape"))
    elif tls.cert_file:
        raw = read_file(NamedFile("cert", tls.cert_file), view=view)
        if not isinstance(raw, Finding):
            yield from _read_go_certificates(raw)


def _find_other_faults(tls: TlsSettings, view: FileView) -> tuple[Finding, ...]:
    """Return the faults of ca_file, which a receiver reads and never uses."""
    if not (tls.ca_file or tls.ca_pem):
        return ()
    settings = FileSettings(reader="Collector")
    alone = TlsSettings(ca_file=tls.ca_file, ca_pem=tls.ca_pem)
    return tuple(
        msgspec.structs.replace(one, role="receiver")
        for one in load_credentials(alone, settings=settings, view=view).facts.faults
    )


def _of_server(finding: Finding, cause: str) -> Finding:
    role = finding.role
    for client, server in _ROLES.items():
        if role == client:
            return msgspec.structs.replace(finding, cause=cause, role=server)
    return msgspec.structs.replace(finding, cause=cause)


def _list_remarks(faults: Sequence[Finding], remarks: Sequence[Finding]) -> Iterator[Finding]:
    for one in faults:
        if one.cause in _OUR_RIGHTS:
            fact = f"{one.fact}; so the probe does not judge what it holds"
            yield _of_server(msgspec.structs.replace(one, fact=safe_text(fact, 400)), UNUSABLE)
    for one in remarks:
        yield _of_server(one, "server_chain_invalid" if one.cause == _ORDER else UNUSABLE)


def find_server_issuers(
    tls: TlsSettings,
    chain: Sequence[x509.Certificate],
    anchors: Sequence[bytes],
    client_ca_file: str,
    view: FileView = HOST_FILES,
) -> tuple[tuple[str, x509.Certificate], ...]:
    """Return the issuers above cert_file's last certificate that are in files here.

    Args:
        tls: With cert_file, in whose folder they are looked for, and ca_file.
        chain: What is served.
        anchors: DER of what client_ca_file holds.
        client_ca_file: Its path.
        view: The files of the place where the receiver runs.
    """
    held = [(client_ca_file, one) for der in anchors if (one := parse_certificate(der)) is not None]
    if tls.ca_file:
        raw = read_file(NamedFile("ca", tls.ca_file), view=view)
        ders = () if isinstance(raw, Finding) else _read_go_certificates(raw)
        held += [(tls.ca_file, one) for der in ders if (one := parse_certificate(der)) is not None]
    folder_of = tls.cert_file
    return extend_path(chain, held, lambda: read_folder(folder_of, view) if folder_of else ())


def find_chain_rules(
    chain: Sequence[bytes],
    parsed: Sequence[x509.Certificate],
    issuers: Sequence[x509.Certificate],
    at: float,
) -> tuple[PathFault, ...]:
    """Return which rules a chain breaks for Go's clients that trust its topmost issuer.

    Args:
        chain: What is served, as DER.
        parsed: The same, as far as it parses.
        issuers: What is known above it.
        at: Epoch seconds.
    """
    if not chain:
        return ()
    # What is sent and cannot be parsed is Go's to refuse; an anchor there is none to find then.
    anchors = [(*issuers[-1:], find_top(parsed))[0].public_bytes(Encoding.DER)] if parsed else []
    facts = read_der(chain[0])
    reference = choose_reference(facts.sans) or facts.common_name or "localhost"
    sent = (*chain, *(one.public_bytes(Encoding.DER) for one in issuers[:-1]))
    verdict = verify_for_go(PathRequest(sent, AnchorPool(anchors), reference, at))
    return tuple(one for one in verdict.faults if one.kind not in DATE_FAULTS)


def choose_reference(sans: Sequence[str]) -> str:
    """Return a name that a client may use which one of `sans` covers; empty where there is none."""
    for san in sans:
        kind, _, name = san.partition(":")
        if kind == "DNS" and name:
            return f"any{name[1:]}" if name.startswith("*.") else name
        if kind == "IP" and name:
            return name
    return ""


def _find_ca_rules(anchors: Sequence[bytes]) -> Iterator[PathFault]:
    """Yield why Go takes no client's certificate that one of `anchors` issued."""
    for der in anchors:
        one = parse_for_go(der)
        if not isinstance(one, GoCertificate):
            continue
        facts = read_der(der)
        subject = facts.subject.text
        if not may_sign(one):
            is_ca = one.has_basic_constraints and one.is_ca
            value = "its keyUsage lacks keyCertSign" if is_ca else "it is an end entity's"
            yield PathFault(
                kind="not_a_ca", subject=subject, sha256=one.sha256, value=value, limit="a CA"
            )
        elif not allows_usage(one, CLIENT_AUTH):
            value = ", ".join(facts.extended_key_usage or ())
            yield PathFault(
                kind="wrong_usage_above",
                subject=subject,
                sha256=one.sha256,
                value=value,
                limit="clientAuth",
                rule="RFC 5280 §4.2.1.12",
            )


def _count_public(anchors: Sequence[bytes]) -> int:
    if not anchors:
        return 0
    pool = SYSTEM_ROOTS.read_pool()
    return sum(der in pool for der in anchors)


def _read_modified(path: str, view: FileView) -> float:
    try:
        return view.look_at(path).modified if path else 0.0
    except (OSError, ValueError):
        return 0.0


def list_receiver_paths(receiver: Receiver) -> tuple[str, ...]:
    """Return every file that `read_receiver_files` reads by its name."""
    tls = receiver.tls
    if tls is None:
        return ()
    named = (tls.cert_file, tls.key_file, tls.ca_file, receiver.client_ca_file)
    return tuple(file for file in named if file)
