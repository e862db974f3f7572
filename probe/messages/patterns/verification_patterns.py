"""Patterns of a certificate's verification: the words of each TLS library.

OpenSSL's X509_V_ERR texts (with Node, CPython, nginx, HAProxy, Envoy, grpc-core), Go crypto/x509,
JSSE, rustls and webpki, GnuTLS, mbedTLS, .NET with Schannel and SecureTransport, NSS. A verdict
printed by an exporter is about the backend's certificate, printed by a backend about the client's.
"""

from typing import Final

from probe.messages.patterns.pattern import Pattern, Specificity, build_pattern, weigh_causes

UNTRUSTED: Final = Pattern(
    "no path from the other side's certificate to a CA that this side trusts",
    (
        "certificate signed by unknown authority", "unable to get local issuer certificate",
        "unable to get issuer certificate", "unable to get issuer cert",
        "unable to get issuer cert locally", "unable to verify the first certificate",
        "unable to verify leaf signature", "certificate signature failure",
        "certificate not trusted", "cert untrusted", "cert rejected", "authority and subject key identifier mismatch",
        "PKIX path building failed", "unable to find valid certification path",
        "path does not chain with any of the trust anchors", "no trusted certificate found",
        "certificate signature validation failed", "signature check failed", "unknown cert authority",
        "have a known issuer", "unknown issuer", "signature of the certificate cannot be verified",
        "UnknownIssuer", "InvalidCertificateSignature", "certificate issuer is unknown", "signer not found", "not correctly signed by the trusted CA",
        "ASN no signer error to confirm failure", "unknown CA certificate", "UntrustedRoot",
        "PartialChain", "issued by an authority that is not trusted", "not trusted by the trust",
        "root certificate which is not trusted", "SEC_E_UNTRUSTED_ROOT", "0x80090325",
        "CERT_E_UNTRUSTEDROOT", "0x800b0109", "CERT_E_CHAINING", "0x800b010a",
        "ERR_CERT_AUTHORITY_INVALID", "SEC_ERROR_UNKNOWN_ISSUER", "SEC_ERROR_UNTRUSTED_ISSUER",
        "issuer is not recognized", "issuer certificate is unknown", "CA chain cannot be verified",
        "path too long", "parent certificate cannot sign this kind of certificate", "certificate is untrusted",
        "No root certificates",
    ),
    weigh_causes(server_ca_untrusted=0.95, server_chain_incomplete=0.7, server_ca_file_malformed=0.25),
    weigh_causes(client_ca_untrusted=0.95, client_chain_incomplete=0.7, client_cert_rejected=0.3),
)  # fmt: skip
INVALID_CHAIN: Final = Pattern(
    "a certificate of the path breaks a rule: not a CA, path length, names, a critical extension",
    (
        "invalid CA certificate", "invalid CA", "path length constraint exceeded",
        "certificate is not authorized to sign other certificates",
        "not authorized to sign for this name", "not authorized for an extended key usage",
        "too many intermediates for path length constraint", "issuer has name constraints",
        "permitted subtree violation", "excluded subtree violation", "PathLenConstraintViolated",
        "basic constraints check failed", "name constraints check failed",
        "unrecognized critical extension", "unhandled critical extension", "EndEntityUsedAsCa",
        "UnhandledCriticalExtension", "NameConstraintViolation", "keyusage does not include certificate signing",
    ),
    weigh_causes(server_chain_invalid=0.95, server_ca_untrusted=0.6, server_chain_incomplete=0.4),
    weigh_causes(client_ca_untrusted=0.95, client_chain_incomplete=0.7, client_cert_rejected=0.3),
)  # fmt: skip
SERVER_UNREADABLE: Final = build_pattern(
    "the exporter's parser refuses a certificate that the backend sent",
    (
        "failed to parse certificate from server", "Failed to parse server certificates",
        "server's certificate contains an unsupported type of public key",
        "server sent certificate containing RSA key larger",
    ),
    server_cert_unreadable=0.95,
)  # fmt: skip
SELF_SIGNED: Final = Pattern(
    "the path ends in a self-signed certificate that this side does not trust",
    (
        "self signed certificate", "self signed cert in chain", "depth zero self signed cert",
        "self signed certificate in certificate chain", "selfsigned_peer", "selfsigned peer",
    ),
    weigh_causes(server_ca_untrusted=0.95, server_chain_incomplete=0.3),
    weigh_causes(client_ca_untrusted=0.95, client_cert_rejected=0.3),
)  # fmt: skip
EXPIRED: Final = Pattern(
    "the other side's certificate is past its notAfter by this side's clock",
    (
        "certificate has expired", "cert has expired", "certificate is expired",
        "certificate expired", "CertificateExpiredException", "certificate has expired or is not yet valid … is after",
        "certificate has expired or is not yet valid … is expired",
        "certificate has expired on", "certificate chain uses expired certificate",
        "certificate validity has expired", "cert expired", "SEC_E_CERT_EXPIRED", "0x80090328",
        "CERT_E_EXPIRED", "0x800b0101", "ERR_CERT_DATE_INVALID", "SEC_ERROR_EXPIRED_CERTIFICATE",
        "certificate_expired PKIX path validation failed", "CertExpired", "NotAfter",
        "invalid peer certificate Expired", "is expired", "certificate was expired",
        "SEC_ERROR_EXPIRED_ISSUER_CERTIFICATE", "certificate of … has expired",
    ),
    weigh_causes(server_cert_expired=0.95, clock_skew=0.7),
    weigh_causes(client_cert_expired=0.95, clock_skew=0.7),
)  # fmt: skip
NOT_YET_VALID: Final = Pattern(
    "the other side's certificate is before its notBefore by this side's clock",
    (
        "certificate is not yet valid", "cert not yet valid", "certificate not yet valid",
        "certificate not valid yet", "CertificateNotYetValidException", "NotValidYet",
        "certificate has expired or is not yet valid … is before", "CertNotValidYet", "not yet activated",
        "is not yet active", "certificate chain uses not yet valid certificate", "NotBefore",
        "bad_certificate PKIX path validation failed … validity check failed",
        "certificate validity starts in the future", "certificate is not valid before",
        "certificate not valid before", "not yet been activated",
    ),
    weigh_causes(server_cert_not_yet_valid=0.95, clock_skew=0.85),
    weigh_causes(client_cert_not_yet_valid=0.95, clock_skew=0.85),
)  # fmt: skip
DATES: Final = Pattern(
    "the other side's certificate is outside its dates by this side's clock",
    (
        "certificate has expired or is not yet valid", "NotTimeValid", "validity check failed",
        "not within its validity period", "certificate date is invalid", "time validity",
    ),
    weigh_causes(server_cert_expired=0.8, server_cert_not_yet_valid=0.6, clock_skew=0.6),
    weigh_causes(client_cert_expired=0.8, client_cert_not_yet_valid=0.6, clock_skew=0.6),
    Specificity.BROAD,
)  # fmt: skip
WRONG_USAGE: Final = Pattern(
    "extendedKeyUsage or keyUsage of the other side's certificate does not allow its role",
    (
        "certificate specifies an incompatible key usage", "unsuitable certificate purpose",
        "unsupported certificate purpose", "invalid purpose", "invalid certificate purpose",
        "Extended key usage does not permit", "KeyUsage does not allow",
        "KEY_USAGE_BIT_INCORRECT", "key usage does not", "RequiredEkuNotFound",
        "InvalidPurpose", "CaUsedAsEndEntity", "CERT_E_WRONG_USAGE", "0x800b0110",
        "not valid for the requested usage", "NotValidForUsage", "inadequate key usage",
        "SEC_ERROR_INADEQUATE_CERT_TYPE", "SEC_ERROR_INADEQUATE_KEY_USAGE", "invalid key usage",
        "The usage does not match the extendedKeyUsage", "key usage violation", "wrong key usage",
        "does not have the required key usage", "invalid extended key usage",
    ),
    weigh_causes(server_cert_wrong_usage=0.95),
    weigh_causes(client_cert_wrong_usage=0.95),
)  # fmt: skip
WEAK: Final = Pattern(
    "a key or a signature in the other side's path is weaker than this side's policy allows",
    (
        "certificate key too weak", "signature digest algorithm too weak", "insecure algorithm",
        "algorithm constraints check failed", "does not conform to algorithm constraints",
        "constraints check failed on", "certificate chain uses insecure algorithm",
        "UnsupportedSignatureAlgorithm", "ERR_CERT_WEAK_SIGNATURE_ALGORITHM", "HasWeakSignature",
        "ERR_CERT_WEAK_KEY", "uses a broken signature algorithm", "insecure signature",
        "SEC_ERROR_CERT_SIGNATURE_ALGORITHM_DISABLED", "key is too weak", "bad cert weak",
    ),
    weigh_causes(server_cert_weak=0.95, client_cert_weak=0.3),
    weigh_causes(client_cert_weak=0.95, server_cert_weak=0.3),
)  # fmt: skip
REVOKED: Final = Pattern(
    "the other side's certificate is on a revocation list",
    (
        "certificate revoked", "cert revoked", "certificate is revoked", "certificate was revoked",
        "CertificateRevokedException", "certificate has been revoked", "CRYPT_E_REVOKED",
        "0x80092010", "CERT_E_REVOKED", "0x800b010c", "ERR_CERT_REVOKED",
        "SEC_ERROR_REVOKED_CERTIFICATE", "certificate chain revoked", "OCSP response … revoked",
    ),
    weigh_causes(server_cert_revoked=0.95),
    weigh_causes(client_cert_revoked=0.95),
)  # fmt: skip
REVOCATION_UNKNOWN: Final = Pattern(
    "this side asks for proof that the certificate is not revoked, and has none",
    (
        "unable to get certificate CRL", "CRL has expired", "CRL is not yet valid",
        "CRYPT_E_REVOCATION_OFFLINE", "0x80092013", "CRYPT_E_NO_REVOCATION_CHECK", "0x80092012",
        "RevocationStatusUnknown", "OfflineRevocation", "UnknownRevocationStatus",
        "Could not determine revocation status", "unable to check revocation",
        "Unable to determine revocation status", "ExpiredRevocationList", "unable to get CRL",
    ),
    weigh_causes(server_cert_revoked=0.8, server_ca_untrusted=0.4, proxy_failure=0.3),
    weigh_causes(client_cert_revoked=0.8, client_ca_untrusted=0.6),
)  # fmt: skip
NAME: Final = Pattern(
    "the certificate is for another name than the one that was asked for",
    (
        "certificate is valid for … not", "certificate is not valid for any names",
        "is not valid for any names but wanted to match", "doesn't contain any IP SANs",
        "certificate relies on legacy Common Name field", "Hostname mismatch", "host name mismatch",
        "IP address mismatch", "Hostname/IP does not match certificate's altnames",
        "Hostname/IP doesn't match certificate's altnames", "ERR_TLS_CERT_ALTNAME_INVALID",
        "no alternative certificate subject name matches", "No subject alternative names",
        "No subject alternative DNS name matching", "No name matching … found",
        "certificate subject name … does not match", "Hostname Verification Check failed",
        "NotValidForName", "certificate not valid for name", "RemoteCertificateNameMismatch",
        "CERT_E_CN_NO_MATCH", "0x800b010f", "SEC_E_WRONG_PRINCIPAL", "0x80090322",
        "hostname … doesn't match", "certificate for … doesn't match", "ERR_CERT_COMMON_NAME_INVALID",
        "certificate's owner does not match", "name in the certificate does not match",
        "target principal name is incorrect", "SSL_ERROR_BAD_CERT_DOMAIN", "hostname … not verified",
        "CN does not match", "does not match target host name", "subjectAltName does not match",
        "common name doesn't match", "common name does not match", "hostname_check_failed",
        "Hostname verification failed", "does not match the server name", "unable to match the name",
        "certificate does not match … upstream", "upstream SSL certificate does not match",
        "certificate … does not match host", "name does not match", "no matching subject alternative",
        "email address mismatch", "CertNotValidForName", "Peer name … is not in peer certificate",
    ),
    weigh_causes(server_name_mismatch=0.95, server_name_unrecognized=0.2),
    weigh_causes(client_san_rejected=0.8, server_name_mismatch=0.7),
)  # fmt: skip
CLIENT_NAME: Final = Pattern(
    "the backend allows only some client names",
    (
        "verify SAN list", "SAN matcher", "subject alt name … not allowed", "RBAC access denied",
        "client certificate name not allowed", "client CN … not allowed", "CommonName is not authorized",
        "certificate CN … not authorized", "rbac_access_denied_matched_policy",
        "client certificate … not authorized", "hash of the certificate is not", "common name … not allowed",
        "peer's certificate … is not in the allowed", "ACL denied",
    ),
    weigh_causes(client_san_rejected=0.85, server_name_mismatch=0.6, otlp_permission_denied=0.3),
    weigh_causes(client_san_rejected=0.95, client_cert_rejected=0.4),
)  # fmt: skip
PINNED: Final = Pattern(
    "Envoy pins hashes of certificates or keys, and this one is not among them",
    ("cert hash and spki", "certificate hash list", "NO_CERTIFICATE_MATCHES_HASH", "hash of the certificate"),
    weigh_causes(client_cert_rejected=0.7, client_san_rejected=0.65, server_ca_untrusted=0.6),
    weigh_causes(client_cert_rejected=0.85, client_san_rejected=0.8),
)  # fmt: skip
UNREADABLE: Final = Pattern(
    "a certificate could not be parsed: the other side's, or an anchor in the CA file",
    ("WebPKIError", "bad certificate format", "BadDER", "invalid peer certificate BadEncoding", "peer certificate … BadEncoding",
     "UnsupportedCertVersion"),
    weigh_causes(server_cert_unreadable=0.8, server_ca_file_malformed=0.75, server_ca_untrusted=0.7, server_cert_weak=0.3),
    weigh_causes(client_file_malformed=0.75, client_ca_untrusted=0.7, client_cert_rejected=0.3),
)  # fmt: skip
TAKEN_FOR_OWN: Final = Pattern(
    "curl takes the peer's alert certificate_expired for a failed verification of its own",
    (
        "60 SSL certificate verification failed",
        "60 SSL certificate problem: Invalid certificate verification context",
    ),
    weigh_causes(client_cert_expired=0.9, clock_skew=0.7, client_cert_not_yet_valid=0.6),
    weigh_causes(client_cert_expired=0.9, clock_skew=0.7, client_cert_not_yet_valid=0.6),
)
UNSPECIFIC: Final = Pattern(
    "the other side's certificate did not verify, and the line does not say why",
    (
        "certificate verify failed", "certificate verification failed", "verify cert failed",
        "SSL certificate problem", "tls failed to verify certificate", "failed to verify certificate",
        "General OpenSslEngine problem", "remote certificate is invalid", "certificate unknown",
        "RemoteCertificateChainErrors", "peer certificate cannot be authenticated",
        "invalid peer certificate", "certificate rejected", "certificate verify result",
        "SSL peer certificate or SSH remote key was not OK", "bad certificate", "certificate invalid",
        "X509 certificate verification failed", "error in the certificate verification",
        "Error in the certificate", "certificate is invalid", "certificate validation failed",
        "PKIX path validation failed", "0x2700", "server certificate verification failed",
        "General SSLEngine problem", "peer certificate rejected", "untrusted certificate",
        "0x80090327", "unknown error occurred while processing the certificate", "not trusted",
    ),
    weigh_causes(
        server_ca_untrusted=0.7, server_name_mismatch=0.6, server_cert_expired=0.55,
        server_chain_incomplete=0.5, server_cert_not_yet_valid=0.35, server_cert_wrong_usage=0.3,
    ),
    weigh_causes(
        client_ca_untrusted=0.7, client_cert_expired=0.6, client_cert_wrong_usage=0.5,
        client_chain_incomplete=0.5, client_cert_not_yet_valid=0.35, client_cert_rejected=0.3,
    ),
    Specificity.ANSWERED,
)  # fmt: skip

HAPROXY: Final = Pattern(
    "HAProxy says so of any certificate that it refuses: unknown CA, dates, usage",
    ("client certificate not trusted",),
    weigh_causes(client_ca_untrusted=0.9, client_cert_expired=0.7, client_cert_wrong_usage=0.6),
    weigh_causes(
        client_ca_untrusted=0.9, client_cert_expired=0.7, client_cert_wrong_usage=0.6,
        client_chain_incomplete=0.5, client_cert_not_yet_valid=0.4, client_cert_rejected=0.3,
    ),
)  # fmt: skip
OWN_EXPIRED: Final = build_pattern(
    "the line says whose certificate is past its notAfter: the exporter's",
    (
        "client certificate has expired",
        "client certificate is expired",
        "client certificate expired",
        "client cert has expired",
        "client cert expired",
        "expired client certificate",
    ),
    client_cert_expired=1.0,
    clock_skew=0.7,
)
OWN_NOT_YET_VALID: Final = build_pattern(
    "the line says whose certificate is before its notBefore: the exporter's",
    (
        "client certificate is not yet valid",
        "client certificate not yet valid",
        "client certificate is used before",
    ),
    client_cert_not_yet_valid=1.0,
    clock_skew=0.85,
)

VERIFICATION_PATTERNS: Final = (
    HAPROXY, OWN_EXPIRED, OWN_NOT_YET_VALID,
    SERVER_UNREADABLE, INVALID_CHAIN, UNTRUSTED, SELF_SIGNED, EXPIRED, NOT_YET_VALID, DATES, WRONG_USAGE, WEAK, REVOKED,
    REVOCATION_UNKNOWN, NAME, CLIENT_NAME, PINNED, UNREADABLE, TAKEN_FOR_OWN, UNSPECIFIC,
)  # fmt: skip

X509_V_ERR: Final[dict[int, Pattern]] = {
    **dict.fromkeys((2, 7, 20, 21, 22, 27, 28, 30, 31), UNTRUSTED),
    **dict.fromkeys((24, 25, 32, 34, 42, 43, 47, 48, 79), INVALID_CHAIN),
    18: SELF_SIGNED,
    19: SELF_SIGNED,
    9: NOT_YET_VALID,
    10: EXPIRED,
    23: REVOKED,
    **dict.fromkeys((3, 11, 12, 33), REVOCATION_UNKNOWN),
    26: WRONG_USAGE,
    **dict.fromkeys((62, 63, 64), NAME),
    **dict.fromkeys((66, 67, 68), WEAK),
}
"""By the number in `verify error:num=20` and `Verify return code: 20` (x509_vfy.h)."""
