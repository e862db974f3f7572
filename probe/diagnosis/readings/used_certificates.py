"""Which certificates matter: those that a verified path uses. Pure.

An old cross-certificate that a server still sends, or one of a hundred roots that no backend needs,
ends without any harm. Where several paths are verified, the one that lasts longest counts.
"""

from collections.abc import Collection
from dataclasses import dataclass

from probe.diagnosis.readings.backend_decision import find_refusal
from probe.diagnosis.readings.server_verification import get_unverified_handshake
from probe.model.certificate import CertificateFacts, LocatedCertificate, ReceiverFiles
from probe.model.evidence import Evidence, Handshake
from probe.x509.lasting_path import (
    Path,
    choose_lasting,
    list_anchored_paths,
    list_sent_paths,
)
from probe.x509.path import find_issuers
from probe.x509.validity import is_valid

_ACCEPTED = frozenset({"answered", "application_data"})


@dataclass(frozen=True, slots=True)
class ServerPath:
    """The path that decides until when the exporter trusts the backend."""

    sent: tuple[CertificateFacts, ...] = ()
    """What the backend must renew in time, the end entity first."""
    anchors: tuple[CertificateFacts, ...] = ()
    """What the exporter holds of the path; the last is the one that the path ends in."""
    verified: bool = False
    """Whether this attempt verified it; otherwise it is the likeliest one."""


@dataclass(frozen=True, slots=True)
class ClientPath:
    """What a backend needs of the chain that is sent, the end entity first."""

    certificates: tuple[CertificateFacts, ...] = ()
    proven: bool = False
    """Whether the backend showed it: it accepted the chain, or its list names an issuer."""


@dataclass(frozen=True, slots=True)
class ReceiverPaths:
    """What of a receiver's files it serves, and which CAs of them it verifies its clients by."""

    served: tuple[CertificateFacts, ...] = ()
    client_cas: tuple[CertificateFacts, ...] = ()


def find_server_path(evidence: Evidence) -> ServerPath:
    """Return the path that the exporter's trust in the backend rests on, as far as it is known."""
    handshake = evidence.handshake
    if handshake is None or not handshake.server_chain:
        return ServerPath()
    if paths := _read_verified_paths(evidence, handshake):
        return _split(choose_lasting(paths, evidence.at), handshake, anchored=True, verified=True)
    chain = handshake.server_chain
    verified = (
        not evidence.target.insecure_skip_verify and get_unverified_handshake(evidence) is None
    )
    if verified:  # by what does not say which path it took: nothing outside its dates is in it
        chain = (chain[0], *(one for one in chain[1:] if is_valid(one, evidence.at)))
    anchored = choose_lasting(
        list_anchored_paths(chain, evidence.credentials.ca_bundle), evidence.at
    )
    if anchored:
        return _split(anchored, handshake, anchored=True, verified=verified)
    nearest = choose_lasting(
        [(chain[0], one) for one in find_issuers(chain[0], chain[1:])], evidence.at
    )
    return _split(nearest or chain[:1], handshake, anchored=False, verified=verified)


def is_of_file(evidence: Evidence, anchor: CertificateFacts) -> bool:
    """Whether an anchor is of ca_file, and not one of the system's roots.

    Of a large ca_file not every certificate is described.
    """
    held = evidence.credentials
    return not held.system_roots or any(one.sha256 == anchor.sha256 for one in held.ca_bundle)


def find_client_path(evidence: Evidence) -> ClientPath:
    """Return what a backend needs of the client's chain, as far as it is known.

    Its anchors are not: its list of acceptable CAs has their names, and a certificate that is
    expired is not part of a path that it accepted.
    """
    chain, handshake = evidence.credentials.client_chain, evidence.handshake
    if not chain:
        return ClientPath()
    paths = [_drop_root(path) for path in list_sent_paths(chain)]
    listed = {name.digest for name in handshake.acceptable_cas} if handshake else set[str]()
    reached: list[Path] = []
    if listed:
        roots = _list_known_roots(evidence, listed)
        paths += [path[:-1] for path in list_anchored_paths(chain, roots) if len(path) > 1]
        reached = [
            path
            for path in paths
            if any({one.issuer.digest, one.subject.digest} & listed for one in path)
        ]
    path = choose_lasting(reached or paths, evidence.at)
    accepted = (
        evidence.ending.kind in _ACCEPTED
        and handshake is not None
        and handshake.client_certificate_sent
        and find_refusal(evidence) is None
    )
    if accepted:
        path = path[:1] + tuple(one for one in path[1:] if is_valid(one, evidence.at))
    return ClientPath(path, proven=accepted or bool(reached))


def find_receiver_paths(files: ReceiverFiles, at: float) -> ReceiverPaths:
    """Return what a receiver needs of its files on disk.

    Of several CAs of one name the one that lasts longest is used: an old one may stay for a while.
    """
    served = _drop_root(choose_lasting(list_sent_paths(files.chain), at)) if files.chain else ()
    useless = {rule.sha256 for rule in files.client_ca_rules}
    by_name: dict[str, list[Path]] = {}
    for one in files.client_cas:
        if one.sha256 not in useless:
            by_name.setdefault(one.subject.digest, []).append((one,))
    used = tuple(one for group in by_name.values() for one in choose_lasting(group, at))
    return ReceiverPaths(served, used)


def list_issuers_above(evidence: Evidence) -> tuple[LocatedCertificate, ...]:
    """Return the known issuers that a backend needs above what is sent: up to one that it names."""
    handshake = evidence.handshake
    listed = {name.digest for name in handshake.acceptable_cas} if handshake else set[str]()
    if {one.subject.digest for one in find_client_path(evidence).certificates} & listed:
        return ()
    issuers = evidence.credentials.unsent_issuers
    for place, issuer in enumerate(issuers):
        if issuer.certificate.subject.digest in listed:
            return issuers[: place + 1]
    return issuers


def _list_known_roots(evidence: Evidence, listed: Collection[str]) -> list[CertificateFacts]:
    held = evidence.credentials
    known = (
        *held.client_chain,
        *(issuer.certificate for issuer in held.unsent_issuers),
        *held.ca_bundle,
    )
    return [one for one in known if one.subject.digest in listed and one.self_signed]


def _read_verified_paths(evidence: Evidence, handshake: Handshake) -> list[Path]:
    wanted = {digest for path in handshake.verified_paths for digest in path}
    known = {
        one.sha256: one
        for held in (
            handshake.server_chain,
            handshake.used_anchors,
            evidence.credentials.ca_bundle if wanted else (),
        )
        for one in held
        if one.sha256 in wanted
    }
    return [
        tuple(known[digest] for digest in path)
        for path in handshake.verified_paths
        if path and all(digest in known for digest in path)
    ]


def _split(path: Path, handshake: Handshake, *, anchored: bool, verified: bool) -> ServerPath:
    """Divide `path` into the backend's and the exporter's part.

    A copy of the anchor that the backend sends is not used; its own certificate may be the anchor.
    """
    sent = {one.sha256 for one in handshake.server_chain}
    below = path[:-1] if anchored and len(path) > 1 else path
    return ServerPath(
        sent=tuple(one for one in below if one.sha256 in sent),
        anchors=tuple(one for one in below if one.sha256 not in sent)
        + (path[-1:] if anchored else ()),
        verified=verified,
    )


def _drop_root(path: Path) -> Path:
    """Leave out a root above the end entity: a verifier uses its own copy."""
    return path[:-1] if len(path) > 1 and path[-1].self_signed else path
