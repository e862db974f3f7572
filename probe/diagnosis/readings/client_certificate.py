"""What is wrong with the certificates that we send, as far as the evidence shows: pure.

What is expired or not yet valid is judged at `Evidence.at`, never by a clock read here.
"""

from typing import Final

from probe.exporters.withholding import names_issuer_of, withholds_certificate
from probe.model.certificate import CertificateFacts, LocatedCertificate
from probe.model.evidence import Evidence
from probe.model.tls_alerts import TlsAlert
from probe.text.time_format import DAY
from probe.x509 import usages
from probe.x509.lasting_path import list_sent_paths
from probe.x509.strength import is_uncommon_key
from probe.x509.validity import is_expired, is_near_edge, is_not_yet_valid

EDGE: Final = 7 * DAY
"""How near a validity's edge must be for a clock that differs to be a candidate."""

DATE_ALERTS: Final = frozenset({TlsAlert.BAD_CERTIFICATE, TlsAlert.CERTIFICATE_EXPIRED})
"""What backends send for a certificate outside its validity: bad_certificate is OpenSSL's."""

UNSPECIFIC_ALERTS: Final = frozenset({TlsAlert.CERTIFICATE_UNKNOWN, TlsAlert.ACCESS_DENIED, None})
"""What backends send for any fault of a certificate; None is an end without an alert."""


def is_issuer_listed(evidence: Evidence) -> bool | None:
    """Whether the acceptable-CA list names an issuer of the chain we send; None without a list."""
    handshake = evidence.handshake
    chain = evidence.credentials.client_chain
    if handshake is None or not handshake.acceptable_cas or not chain:
        return None
    return names_issuer_of(chain, handshake.acceptable_cas)


def is_withheld(evidence: Evidence) -> bool:
    """Whether the target's exporter would not have sent the certificate that the probe sent."""
    handshake = evidence.handshake
    if handshake is None or not handshake.client_certificate_sent:
        return False
    return withholds_certificate(
        evidence.target.exporter, evidence.credentials.client_chain, handshake.acceptable_cas
    )


def get_linked_chain(evidence: Evidence) -> tuple[CertificateFacts, ...]:
    """Return what is sent as far as issuers link it to the end entity, without strays."""
    chain = evidence.credentials.client_chain
    return max(list_sent_paths(chain), key=len) if chain else ()


def is_path_listed(evidence: Evidence) -> bool | None:
    """Whether the list names an issuer of what links to our end entity; None without a list.

    A stray in cert_file has an issuer too, which leads nobody to the end entity.
    """
    handshake = evidence.handshake
    if handshake is None or not handshake.acceptable_cas or not evidence.credentials.client_chain:
        return None
    listed = {name.digest for name in handshake.acceptable_cas}
    paths = list_sent_paths(evidence.credentials.client_chain)
    return any(one.issuer.digest in listed for path in paths for one in path)


def find_expired_issuer(evidence: Evidence) -> LocatedCertificate | None:
    """Return the first issuer available, beyond what we send, whose notAfter is past."""
    issuers = evidence.credentials.unsent_issuers
    return next((each for each in issuers if is_expired(each.certificate, evidence.at)), None)


def find_early_issuer(evidence: Evidence) -> LocatedCertificate | None:
    """Return the first issuer available, beyond what we send, that is not valid yet."""
    issuers = evidence.credentials.unsent_issuers
    return next((each for each in issuers if is_not_yet_valid(each.certificate, evidence.at)), None)


def describe_usage_fault(evidence: Evidence) -> str:
    """Say why the end entity's extendedKeyUsage is not for clients; empty if it is."""
    chain = evidence.credentials.client_chain
    return usages.describe_usage_fault(chain[0], "clientAuth") if chain else ""


def describe_key_usage_fault(evidence: Evidence) -> str:
    """Say why the end entity may not sign a handshake by its keyUsage; empty if it may."""
    chain = evidence.credentials.client_chain
    return usages.describe_key_usage_fault(chain[0]) if chain else ""


def may_lack_intermediate(evidence: Evidence) -> bool:
    """Whether the chain we send may lack an issuer: what is available ends below a root."""
    chain, beyond = get_linked_chain(evidence), evidence.credentials.unsent_issuers
    if not chain:
        return False
    return not (beyond[-1].certificate if beyond else chain[-1]).self_signed


def has_uncommon_key(evidence: Evidence) -> bool:
    """Whether our key is of a kind (Ed25519, P-521) that not every backend takes signatures of."""
    chain = evidence.credentials.client_chain
    return bool(chain) and is_uncommon_key(chain[0])


def is_near_validity_edge(evidence: Evidence) -> bool:
    """Whether a certificate we send began or ends within seven days of the attempt."""
    return any(is_near_edge(one, evidence.at, EDGE) for one in evidence.credentials.client_chain)
