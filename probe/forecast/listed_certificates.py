"""The certificates in use of one attempt: whose each is, in which file, who renews it and how.

Pure. What counts is what a verified path uses, as for the metrics: an old certificate that a server
still sends ends without any harm.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from probe.diagnosis.fixes.client_fixes import renew_client_certificate, renew_issuer
from probe.diagnosis.fixes.server_fixes import renew_anchor, renew_server_certificate
from probe.diagnosis.fixes.steps import Fix, fill_steps
from probe.diagnosis.readings.used_certificates import (
    find_client_path,
    find_receiver_paths,
    find_server_path,
    is_of_file,
    list_issuers_above,
)
from probe.forecast.entry import Kind
from probe.model.certificate import CertificateFacts
from probe.model.diagnosis import Party
from probe.model.evidence import Evidence
from probe.text.safe_text import safe_text
from probe.x509.validity import ends_within


@dataclass(frozen=True, slots=True)
class UsedCertificate:
    """One certificate that something rests on."""

    kind: Kind
    what: str
    """Whose it is and in which file."""
    certificate: CertificateFacts
    party: Party
    where: str
    """The file, or the backend."""
    position: int
    proven: bool
    """Whether the attempt proved that it is used."""
    fix: Fix


def list_used_certificates(evidence: Evidence, until: float = inf) -> Iterator[UsedCertificate]:
    """Yield the certificates of both sides that the attempt rested on, as far as it is known.

    Without those that end after `until`: to word their steps costs most.
    """
    within = until - evidence.at
    yield from _list_client(evidence, within)
    yield from _list_server(evidence, within)


def list_receiver_certificates(evidence: Evidence, until: float = inf) -> Iterator[UsedCertificate]:
    """Yield what a receiver's files hold that it serves, and verifies its clients by."""
    within = until - evidence.at
    files = evidence.credentials.receiver
    if files is None:
        return
    paths = find_receiver_paths(files, evidence.at)
    for one in paths.served:
        if not ends_within(one, evidence.at, within):
            continue
        what = f"the certificate that receiver {files.name} serves, in {files.cert_file}"
        _, fix = renew_server_certificate(evidence, files.chain.index(one), one)
        position = files.chain.index(one)
        yield _make(
            evidence, "receiver_certificate", what, one, files.cert_file, position, False, "backend", fix
        )  # fmt: skip
    for one in paths.client_cas:
        if not ends_within(one, evidence.at, within):
            continue
        what = f"the CA that receiver {files.name} verifies clients by, in {files.client_ca_file}"
        fix = (
            "Put the renewed certificate of this CA in {client_ca_file}, and issue the certificates "
            "of the clients again where it has another key.",
            "{reload_client_ca}",
        )
        position = files.client_cas.index(one)
        yield _make(
            evidence, "receiver_client_ca", what, one, files.client_ca_file, position, False, "backend", fix
        )  # fmt: skip


def _list_client(evidence: Evidence, within: float) -> Iterator[UsedCertificate]:
    target, chain = evidence.target, evidence.credentials.client_chain
    path = find_client_path(evidence)
    file = target.cert_file or "cert_file"
    for one in path.certificates:
        if not ends_within(one, evidence.at, within):
            continue
        position = chain.index(one)
        kind: Kind = "client_intermediate" if position else "client_certificate"
        what, fix = f"the client certificate in {file}", renew_client_certificate(evidence, one)
        yield _make(evidence, kind, what, one, file, position, path.proven, "exporter", fix)
    for number, issuer in enumerate(list_issuers_above(evidence)):
        if not ends_within(issuer.certificate, evidence.at, within):
            continue
        what = f"the CA in {issuer.path}, which the client certificate rests on"
        one, fix = issuer.certificate, renew_issuer(issuer)
        place = len(path.certificates) + number
        yield _make(evidence, "client_ca", what, one, issuer.path, place, False, "backend", fix)


def _list_server(evidence: Evidence, within: float) -> Iterator[UsedCertificate]:
    target, handshake = evidence.target, evidence.handshake
    path = find_server_path(evidence)
    chain = [one.sha256 for one in handshake.server_chain] if handshake else []
    endpoint = safe_text(target.endpoint)
    for one in path.sent:
        if not ends_within(one, evidence.at, within):
            continue
        position = chain.index(one.sha256)
        kind: Kind = "server_intermediate" if position else "server_certificate"
        what = f"the certificate that {endpoint} sends"
        party, fix = renew_server_certificate(evidence, position, one)
        yield _make(evidence, kind, what, one, endpoint, position, path.verified, party, fix)
    for number, one in enumerate(path.anchors, len(path.sent)):
        if not ends_within(one, evidence.at, within):
            continue
        of_file = is_of_file(evidence, one)
        file = target.ca_file or "ca_file"
        what = f"the CA in {file}" if of_file else "a CA of the system's roots"
        fix = renew_anchor(one if of_file else None)
        where = file if of_file else "the system's roots"
        yield _make(
            evidence, "trust_anchor", what, one, where, number, path.verified, "exporter", fix
        )


def _make(
    evidence: Evidence,
    kind: Kind,
    what: str,
    certificate: CertificateFacts,
    where: str,
    position: int,
    proven: bool,
    party: Party,
    fix: Fix,
) -> UsedCertificate:
    steps = fill_steps(fix, evidence.target, evidence.credentials.served)
    return UsedCertificate(kind, what, certificate, party, where, position, proven, steps)
