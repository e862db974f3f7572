"""Stories of the exporter's own certificate: usage, strength, revocation, expiry, names."""

import msgspec.structs

from probe.model.evidence import Answer, Evidence
from probe.model.finding import Finding
from tests.stories.story import story
from tests.support.certificate_facts import EXPORTER, OTHER_CA, authority, exporter
from tests.support.evidence import (
    answered_attempt,
    attempt,
    complete_handshake,
    held_credentials,
    refused_attempt,
    unconnected_attempt,
    unstarted_attempt,
)

FORBIDDEN = Answer(
    over="h2",
    http_status=403,
    content_type="text/html",
    message="403 Forbidden",
    body_empty=False,
    server="haproxy",
)


@story("accept")
def client_cert_not_sent() -> Evidence:
    """The backend demands a certificate, the exporter has none configured."""
    return refused_attempt(116)


@story("handshake")
def client_cert_not_sent__tls12() -> Evidence:
    """The same in TLS 1.2, where the alert is handshake_failure."""
    return refused_attempt(40, version="1.2")


@story("accept")
def client_cert_not_sent__silent() -> Evidence:
    """A grpc-core backend closes on an exporter without a certificate."""
    return refused_attempt("close", listed=())


@story("export")
def client_cert_not_sent__nginx() -> Evidence:
    """Nginx answers HTTP 400: no required certificate was sent."""
    evidence = refused_attempt("http_400")
    assert evidence.answer is not None
    text = "400 Bad Request No required SSL certificate was sent nginx"
    return msgspec.structs.replace(
        evidence, answer=msgspec.structs.replace(evidence.answer, message=text)
    )


@story("accept")
def client_cert_wrong_usage() -> Evidence:
    """The exporter presents a server's certificate; OpenSSL says unsupported_certificate."""
    return refused_attempt(43, exporter(usage=("serverAuth",)))


@story("accept")
def client_cert_wrong_usage__go() -> Evidence:
    """To the same certificate a Go backend answers bad_certificate."""
    return refused_attempt(42, exporter(usage=("serverAuth",)))


@story("accept")
def client_cert_wrong_usage__key_usage() -> Evidence:
    """The certificate's keyUsage allows keyEncipherment only, and OpenSSL refuses it."""
    return refused_attempt(43, exporter(key_usage=("keyEncipherment",)))


@story(
    "accept",
    certain=False,
    also=("client_ca_untrusted", "client_san_rejected", "client_cert_revoked"),
)
def client_cert_wrong_usage__boringssl() -> Evidence:
    """To that keyUsage BoringSSL answers illegal_parameter."""
    return refused_attempt(47, exporter(key_usage=("keyEncipherment",)))


@story("export", outcome="confirmed", findings=("client_cert_wrong_usage",))
def client_cert_wrong_usage__accepted() -> Evidence:
    """GnuTLS accepts a certificate without clientAuth; most other backends would not."""
    return answered_attempt(credentials=held_credentials(exporter(usage=("serverAuth",))))


@story("accept")
def client_cert_revoked() -> Evidence:
    """The backend has a revocation list that contains the certificate."""
    return refused_attempt(44, EXPORTER)


@story("accept")
def client_cert_weak() -> Evidence:
    """The certificate is signed with SHA-1, and OpenSSL says bad_certificate."""
    return refused_attempt(42, exporter(signature_hash="sha1"))


@story("accept", certain=False, also=("client_san_rejected",))
def client_cert_weak__short_key() -> Evidence:
    """OpenSSL answers bad_certificate to an RSA key of 1024 bits, Go to a name that it refuses."""
    return refused_attempt(42, exporter(key_type="RSA", key_bits=1024))


@story("accept", certain=False, also=("client_ca_untrusted",))
def client_cert_weak__go() -> Evidence:
    """To a SHA-1 signature Go answers unknown_ca, as it does to a reissued CA."""
    return refused_attempt(48, exporter(signature_hash="sha1"))


@story("accept", certain=False, also=("client_ca_untrusted",))
def client_cert_weak__rustls() -> Evidence:
    """To an RSA key of 1024 bits rustls answers decrypt_error, as it does to a reissued CA."""
    return refused_attempt(51, exporter(key_type="RSA", key_bits=1024))


@story("export", outcome="confirmed", findings=("client_cert_weak",))
def client_cert_weak__accepted() -> Evidence:
    """A Go backend takes an RSA key of 1024 bits."""
    return answered_attempt(credentials=held_credentials(exporter(key_type="RSA", key_bits=1024)))


@story("load")
def client_cert_weak__not_loaded() -> Evidence:
    """The exporter's own OpenSSL does not load a certificate with a key of RSA 1024."""
    fault = Finding(
        cause="client_cert_weak",
        role="cert",
        path="/etc/otel/tls.crt",
        fact="/etc/otel/tls.crt holds a certificate that is too weak for curl: ee key too small",
    )
    return unstarted_attempt(fault)


@story("accept")
def client_cert_expired() -> Evidence:
    """The certificate expired three days ago, and the backend says so."""
    return refused_attempt(45, exporter(ends=-3))


@story("accept", also=("client_ca_untrusted",))
def client_cert_expired__and_unknown_ca() -> Evidence:
    """The certificate has expired and its CA is unknown: Go checks the dates first."""
    return refused_attempt(45, exporter(ends=-3), listed=(OTHER_CA,))


@story("accept")
def client_cert_expired__silent() -> Evidence:
    """A backend that sends no alerts closes on a certificate that expired."""
    return refused_attempt("close", exporter(ends=-3), listed=())


@story("export")
def client_cert_expired__nginx() -> Evidence:
    """Nginx answers HTTP 400 to a certificate that expired."""
    return refused_attempt("http_400", exporter(ends=-3))


@story("accept")
def client_cert_expired__intermediate() -> Evidence:
    """The end entity is valid; the intermediate sent with it expired."""
    old = authority("Exporter issuing CA 2", authority("Exporter client CA"), ends=-1)
    return refused_attempt(45, exporter(old), old)


@story("accept", certain=False, also=("clock_skew",))
def client_cert_expired__issuer() -> Evidence:
    """The certificates sent are valid; their root has expired, here and at the backend."""
    old = authority("Exporter client CA", ends=-1)
    return refused_attempt(45, exporter(old), at_hand=(old,))


@story("export", outcome="confirmed", findings=("client_cert_expired",))
def client_cert_expired__accepted() -> Evidence:
    """The certificate has expired, and this backend does not check dates."""
    return answered_attempt(credentials=held_credentials(exporter(ends=-3)))


@story("export", outcome="confirmed", findings=("client_cert_expired",))
def client_cert_expired__soon() -> Evidence:
    """All is well, and the certificate has ten days left."""
    return answered_attempt(credentials=held_credentials(exporter(ends=10)))


@story("export", outcome="confirmed", findings=("client_cert_expired",))
def client_cert_expired__issuer_soon() -> Evidence:
    """The CA that the exporter's certificate rests on, and that is not sent, has ten days left."""
    soon = authority("Exporter client CA", ends=10)
    return answered_attempt(credentials=held_credentials(exporter(soon), at_hand=(soon,)))


@story("export", outcome="confirmed")
def confirmed__an_old_cross_certificate_in_cert_file() -> Evidence:
    """The backend accepts the chain without the certificate in it that ended a month ago."""
    cross = authority("Exporter client CA", authority("Old root", ends=-30), ends=-30)
    return answered_attempt(credentials=held_credentials(EXPORTER, cross, at_hand=()))


@story("connect", cause="tcp_refused", findings=("client_cert_expired",))
def client_cert_expired__and_no_backend() -> Evidence:
    """The certificate expired, but what stops the exporter now is that nothing listens."""
    return unconnected_attempt(
        "refused", "ECONNREFUSED", credentials=held_credentials(exporter(ends=-3))
    )


@story(
    "accept",
    certain=False,
    also=("client_ca_untrusted", "client_cert_revoked"),
)
def client_san_rejected() -> Evidence:
    """The CA is listed and the certificate faultless; the backend says access_denied."""
    return refused_attempt(49, EXPORTER)


@story(
    "accept",
    certain=False,
    also=("client_ca_untrusted", "client_cert_revoked", "clock_skew"),
    findings=("client_cert_expired",),
)
def client_san_rejected__near_its_end() -> Evidence:
    """The same with three days left: a backend whose clock is ahead would send the same alert."""
    return refused_attempt(46, exporter(ends=3))


@story("export", certain=False, also=("otlp_permission_denied",))
def client_san_rejected__proxy() -> Evidence:
    """A proxy that got the certificate answers HTTP 403 before the receiver sees the request."""
    return answered_attempt(FORBIDDEN)


@story("accept", outcome="unconfirmed", certain=False)
def unconfirmed__accept() -> Evidence:
    """The TLS 1.3 handshake is complete on our side, and then nothing arrives: this proves nothing."""
    return attempt("accept", "timeout", handshake=complete_handshake())
