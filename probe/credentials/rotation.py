"""What has changed in a target's files since they were first read: pure.

An exporter that reads its files once, at its start, still has what they held then.
"""

from typing import Final, Literal

from probe.model.certificate import CertificateFacts, CredentialFacts, Rotation
from probe.model.target import TlsSettings
from probe.text.safe_text import safe_text

_ROLES: Final[tuple[Literal["cert", "ca"], ...]] = ("cert", "ca")


def rotations(
    first: CredentialFacts,
    now: CredentialFacts,
    tls: TlsSettings,
    at: float,
    earlier: tuple[Rotation, ...],
) -> tuple[Rotation, ...]:
    """Return what differs between `first` and `now`, each with when it was seen to.

    Args:
        first: what the files held when they were first read.
        now: what they hold.
        tls: the settings that name the files.
        at: when they were read, epoch seconds.
        earlier: what was returned for the reading before.
    """
    known = {rotation.role: rotation for rotation in earlier}
    found = []
    for role in _ROLES:
        path = tls.cert_file if role == "cert" else tls.ca_file
        before, after = _held(first, role), _held(now, role)
        if path and before and _identity(before) != _identity(after):
            since = known[role].at if role in known else at
            found.append(Rotation(role=role, path=safe_text(path), at=since, before=before))
    return tuple(found)


def _held(facts: CredentialFacts, role: str) -> tuple[CertificateFacts, ...]:
    return facts.client_chain if role == "cert" else facts.ca_bundle


def _identity(certificates: tuple[CertificateFacts, ...]) -> list[str]:
    return [certificate.sha256 for certificate in certificates]
