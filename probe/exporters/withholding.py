"""Which exporters send no client certificate where the backend's list does not name its issuer.

A CertificateRequest may name the CAs that are accepted (RFC 8446 §4.2.4, RFC 5246 §7.4.4). Go's
crypto/tls chooses among its Certificates by that list (CertificateRequestInfo.SupportsCertificate:
the issuer of any certificate of the chain), JSSE's SunX509 key manager too (getAliases). The
Collector's configtls gives GetClientCertificate instead, whose certificate is sent whatever the
list says, as OpenSSL, BoringSSL, Node and rustls send theirs.
"""

from collections.abc import Iterable
from typing import Final

from probe.model.certificate import CertificateFacts, Name
from probe.model.runtime import GO, JAVA, Runtime

WITHHOLDING: Final[tuple[Runtime, ...]] = (*GO, *JAVA)

_IDS: Final = frozenset(runtime.id for runtime in WITHHOLDING)


def names_issuer_of(chain: Iterable[CertificateFacts], acceptable: Iterable[Name]) -> bool:
    """Return whether the list names the issuer of a certificate in `chain`."""
    listed = {name.digest for name in acceptable}
    return any(certificate.issuer.digest in listed for certificate in chain)


def withholds_certificate(
    runtime: str, chain: tuple[CertificateFacts, ...], acceptable: tuple[Name, ...]
) -> bool:
    """Return whether an exporter of `runtime` sends nothing of `chain` to such a backend.

    An empty list names nobody and accepts anybody.
    """
    return (
        runtime in _IDS
        and bool(chain)
        and bool(acceptable)
        and not names_issuer_of(chain, acceptable)
    )
