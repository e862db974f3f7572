"""What OpenSSL found wrong with the backend's certification path: pure."""

from enum import IntEnum

from probe.model.certificate import CertificateFacts
from probe.model.evidence import Evidence, Handshake, VerifyError
from probe.x509 import validity


class VerifyCode(IntEnum):
    """The X509_V_ERR codes (openssl/x509_vfy.h) that name something else than a missing anchor."""

    NOT_YET_VALID = 9
    EXPIRED = 10
    REVOKED = 23
    INVALID_PURPOSE = 26


def get_unverified_handshake(evidence: Evidence) -> Handshake | None:
    """Return the handshake where an exporter would have stopped over the server's certificate."""
    handshake = evidence.handshake
    if handshake is None or not handshake.server_chain:
        return None
    if handshake.server_verified or evidence.target.insecure_skip_verify:
        return None
    return handshake


def find_judged_certificate(
    evidence: Evidence, handshake: Handshake, error: VerifyError
) -> CertificateFacts | None:
    """Return the certificate that an error about dates refers to: sent, or an anchor of ours.

    The path that OpenSSL built may leave out or reorder what was sent, so the one at its depth
    comes first and then whichever is outside its dates in the same way.
    """
    sent = handshake.server_chain
    candidates = (*sent[error.depth : error.depth + 1], *evidence.credentials.ca_bundle, *sent)
    early = error.code == VerifyCode.NOT_YET_VALID
    find = validity.find_not_yet_valid if early else validity.find_expired
    return find(candidates, evidence.at)
