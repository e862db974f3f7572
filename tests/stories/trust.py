"""Stories of backends that do not trust the exporter's CA (documented cause 1), or do not say why they refuse."""

from typing import Any

import msgspec.structs

from probe.model.evidence import Ending, Evidence, Experiment, Recheck
from probe.model.path_fault import PathFault, PathFaultKind
from tests.stories.story import story
from tests.support.certificate_facts import AT, CLIENT_CA, EXPORTER, ISSUING_CA, OTHER_CA, exporter
from tests.support.evidence import (
    By,
    alert,
    answered_attempt,
    complete_handshake,
    held_credentials,
    refused_attempt,
    target,
    with_control,
)

SILENCE = ("client_ca_untrusted", "client_san_rejected", "client_cert_revoked")


@story("accept")
def client_ca_untrusted() -> Evidence:
    """The backend's client CA file holds another team's CA, and it says unknown_ca."""
    return refused_attempt(48, EXPORTER, listed=(OTHER_CA,))


def accepted_unlisted(exporter: str, *, refuses: bool) -> Evidence:
    """Return an accepted attempt whose certificate the backend's list does not name.

    One experiment was made without the certificate, which the backend may refuse.
    """
    seen = answered_attempt(
        target=target(exporter=exporter),
        handshake=complete_handshake(acceptable_cas=(OTHER_CA.subject,)),
    )
    alerts = (alert(116),) if refuses else ()
    without = Experiment(
        varied="no_client_certificate",
        at=AT,
        ending=Ending(stage="accept", kind="alert" if refuses else "application_data"),
        handshake=complete_handshake(client_certificate_sent=False, alerts=alerts),
    )
    return with_control(seen, without)


@story("export")
def client_ca_untrusted__withheld() -> Evidence:
    """The backend takes the probe's certificate; an SDK in Go sends none, and is refused."""
    return accepted_unlisted("go-grpc", refuses=True)


@story("export", outcome="confirmed")
def confirmed__withheld_and_not_missed() -> Evidence:
    """The same SDK, and a backend that takes clients without a certificate too."""
    return accepted_unlisted("go-grpc", refuses=False)


@story("export", outcome="confirmed")
def confirmed__sent_all_the_same() -> Evidence:
    """A Collector sends its certificate whatever the list says, so nothing is wrong."""
    return accepted_unlisted("collector", refuses=True)


@story("handshake")
def client_ca_untrusted__tls12() -> Evidence:
    """The same within a TLS 1.2 handshake."""
    return refused_attempt(48, EXPORTER, listed=(OTHER_CA,), version="1.2")


@story("accept")
def client_ca_untrusted__jsse() -> Evidence:
    """A Java backend says certificate_unknown, and its list names another CA."""
    return refused_attempt(46, EXPORTER, listed=(OTHER_CA,))


@story("accept")
def client_ca_untrusted__node() -> Evidence:
    """A Node backend closes without an alert, and its list names another CA."""
    return refused_attempt("close", EXPORTER, listed=(OTHER_CA,))


@story("export")
def client_ca_untrusted__nginx() -> Evidence:
    """Nginx finishes the handshake, then answers HTTP 400; its list names another CA."""
    return refused_attempt("http_400", EXPORTER, listed=(OTHER_CA,))


@story("accept")
def client_ca_untrusted__reissued() -> Evidence:
    """The CA was reissued under its old name with another key: listed, and yet unknown."""
    return refused_attempt(48, EXPORTER)


@story("accept")
def client_ca_untrusted__reissued_rustls() -> Evidence:
    """To a reissued CA rustls answers decrypt_error, although the exporter's pair fits."""
    return refused_attempt(51, EXPORTER)


@story("accept", also=("client_cert_wrong_usage",))
def client_ca_untrusted__certificate_of_a_server() -> Evidence:
    """The exporter presents a server's certificate, issued by the servers' own CA."""
    return refused_attempt(48, exporter(OTHER_CA, usage=("serverAuth",)), at_hand=(OTHER_CA,))


@story("accept")
def client_ca_untrusted__self_signed() -> Evidence:
    """The exporter presents a self-signed certificate."""
    return refused_attempt(48, exporter(None), at_hand=())


@story("accept", certain=False, also=("client_chain_incomplete",))
def client_ca_untrusted__lone() -> Evidence:
    """A single certificate whose issuer is neither listed nor available: is the CA or a link missing?"""
    lone = exporter(ISSUING_CA, aia_issuers=("http://pki.example.com/issuing.crt",))
    return refused_attempt(48, lone, at_hand=())


@story("accept", also=("client_cert_expired",))
def client_ca_untrusted__and_expired() -> Evidence:
    """The CA is unknown and the certificate has expired: OpenSSL checks the CA first."""
    return refused_attempt(48, exporter(ends=-3), listed=(OTHER_CA,))


@story("accept", certain=False, also=SILENCE)
def client_cert_rejected() -> Evidence:
    """A C++ gRPC backend closes without an alert and sends no CAs; the files have no fault."""
    return refused_attempt("close", EXPORTER, listed=())


@story("accept", certain=False, also=(*SILENCE, "clock_skew"))
def client_cert_rejected__new_certificate() -> Evidence:
    """The same, with a certificate issued an hour ago: the backend's clock may be behind."""
    return refused_attempt("close", exporter(begins=-1 / 24), listed=())


@story("accept", certain=False, also=(*SILENCE, "client_chain_incomplete"))
def client_cert_rejected__lone() -> Evidence:
    """The same, with a single certificate whose issuer is not available."""
    return refused_attempt("close", exporter(ISSUING_CA), listed=(), at_hand=())


@story("accept", certain=False, also=(*SILENCE, "backend_fault"))
def client_cert_rejected__internal_error() -> Evidence:
    """The backend says internal_error once it has the certificate."""
    return refused_attempt(80, EXPORTER)


@story("accept")
def client_ca_untrusted__asked_again() -> Evidence:
    """A close in TLS 1.3; tried again with TLS 1.2, the backend sends unknown_ca."""
    first = refused_attempt("close", EXPORTER, listed=())
    again = refused_attempt(48, EXPORTER, listed=(), version="1.2")
    assert again.handshake is not None
    return msgspec.structs.replace(
        first, recheck=Recheck(handshake=again.handshake, ending=again.ending)
    )


@story("accept", certain=False, also=(*SILENCE, "no_shared_signature_algorithm"))
def client_cert_rejected__ed25519() -> Evidence:
    """The exporter's key is Ed25519, and the backend says unsupported_certificate."""
    return refused_attempt(
        43, exporter(key_type="Ed25519", signature_hash=""), at_hand=(CLIENT_CA,)
    )


def _below_issuing_ca(
    by: By,
    *,
    broken: tuple[PathFault, ...] = (),
    disputed: tuple[PathFault, ...] = (),
    **fields: Any,
) -> Evidence:
    """Return a refusal of a chain with an intermediate that breaks these rules."""
    leaf = exporter(ISSUING_CA)
    held = held_credentials(leaf, ISSUING_CA, broken_rules=broken, disputed_rules=disputed)
    return refused_attempt(by, leaf, ISSUING_CA, credentials=held, **fields)


def _fault(kind: PathFaultKind, value: str, limit: str) -> PathFault:
    return PathFault(
        kind=kind,
        subject=ISSUING_CA.subject.text,
        sha256=ISSUING_CA.sha256,
        position=1,
        value=value,
        limit=limit,
        rule="RFC 5280 §6.1.4",
    )


NOT_A_CA = _fault("not_a_ca", "basicConstraints CA:FALSE", "CA:TRUE")
OTHER_NAMES = _fault("name_constraint", "DNS name checkout.example.com", "permitted other.example")
FOR_SERVERS = _fault("wrong_usage_above", "serverAuth", "clientAuth")
NO_SIGNING = _fault("not_a_ca", "its keyUsage lacks keyCertSign", "keyCertSign")


@story("accept")
def client_cert_rejected__intermediate_is_no_ca() -> Evidence:
    """The intermediate in cert_file is not a CA; Go and OpenSSL say unknown_ca of it too."""
    return _below_issuing_ca(48, broken=(NOT_A_CA,))


@story("accept")
def client_cert_rejected__name_constraint() -> Evidence:
    """The intermediate's name constraints do not allow the exporter's name: Go says bad_certificate."""
    return _below_issuing_ca(42, broken=(OTHER_NAMES,))


@story("accept")
def client_cert_rejected__name_constraint_silent() -> Evidence:
    """The same with a backend that closes without an alert."""
    return _below_issuing_ca("close", broken=(OTHER_NAMES,), listed=())


@story("accept", also=("client_cert_rejected",))
def client_ca_untrusted__and_a_broken_rule() -> Evidence:
    """The backend knows another CA alone; with the right one, a name constraint would still refuse."""
    return _below_issuing_ca(48, broken=(OTHER_NAMES,), listed=(OTHER_CA,))


@story("accept", certain=False, also=SILENCE)
def client_cert_rejected__rule_of_some() -> Evidence:
    """The intermediate's keyUsage lacks keyCertSign: rustls takes that, OpenSSL says unknown_ca."""
    return _below_issuing_ca(48, disputed=(NO_SIGNING,))


@story("accept")
def client_cert_wrong_usage__above() -> Evidence:
    """The intermediate allows certificates of servers alone: unsupported_certificate."""
    return _below_issuing_ca(43, disputed=(FOR_SERVERS,))


@story("export", outcome="confirmed", findings=("client_cert_rejected",))
def client_cert_rejected__accepted() -> Evidence:
    """A backend that does not verify accepts a chain that no verifier takes."""
    leaf = exporter(ISSUING_CA)
    held = held_credentials(leaf, ISSUING_CA, broken_rules=(NOT_A_CA,))
    return answered_attempt(credentials=held)
