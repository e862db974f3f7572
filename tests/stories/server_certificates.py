"""Stories of the backend's own certificate: name, trust, dates, usage, strength, revocation."""

import msgspec.structs

from probe.model.evidence import Evidence, NameCheck
from tests.stories.story import story
from tests.support.certificate_facts import (
    BACKEND,
    EXPORTER,
    OTHER_CA,
    SERVER_CA,
    authority,
    backend,
    exporter,
)
from tests.support.evidence import (
    HOST,
    alert,
    answered_attempt,
    attempt,
    complete_handshake,
    held_credentials,
    partial_handshake,
    target,
    unverified_attempt,
)

INTERMEDIATE = authority("Backend issuing CA", SERVER_CA)


@story("handshake")
def server_name_mismatch() -> Evidence:
    """The backend's certificate names otel-gateway, the exporter calls collector."""
    return unverified_attempt(backend(sans=("DNS:otel-gateway.example.com",)))


@story("handshake")
def server_name_mismatch__common_name() -> Evidence:
    """The right name is in the CN only, and there are no SANs."""
    check = NameCheck(reference=HOST, matched=False, common_name=HOST)
    return unverified_attempt(backend(sans=()), shake={"name_check": check})


@story("handshake", also=("server_ca_untrusted",))
def server_name_mismatch__and_untrusted() -> Evidence:
    """Another service answers: its name is wrong, and its certificate is self-signed."""
    return unverified_attempt(backend(None, sans=("DNS:localhost",)), faults=(("no_anchor", 0),))


@story("handshake")
def server_name_unrecognized() -> Evidence:
    """An ingress without a route for the name sends unrecognized_name."""
    return attempt("handshake", "alert", handshake=partial_handshake(alert(112)))


@story("handshake")
def server_ca_untrusted() -> Evidence:
    """The backend sends its chain up to a root that ca_file does not hold."""
    return unverified_attempt(backend(OTHER_CA), OTHER_CA, faults=(("no_anchor", 1),))


@story("handshake", certain=False, also=("server_chain_incomplete",))
def server_ca_untrusted__lone() -> Evidence:
    """The backend sends one certificate of an unknown issuer."""
    return unverified_attempt(backend(INTERMEDIATE), faults=(("no_anchor", 0),))


@story("handshake")
def server_ca_untrusted__reissued() -> Evidence:
    """A CA of the issuer's name is in ca_file, with another key."""
    return unverified_attempt(BACKEND, faults=(("bad_signature", 0),))


@story("handshake")
def server_ca_untrusted__in_tls12() -> Evidence:
    """TLS 1.2: the backend's certificate does not verify, and its alert comes before we stop."""
    wrong = unverified_attempt(backend(OTHER_CA), OTHER_CA, faults=(("no_anchor", 1),)).handshake
    assert wrong is not None
    cut_short = msgspec.structs.replace(
        wrong,
        version="1.2",
        complete=False,
        alerts=(alert(40),),
        client_certificate_requested=False,
        client_certificate_sent=False,
    )
    return attempt("handshake", "alert", handshake=cut_short)


@story("handshake")
def server_chain_incomplete() -> Evidence:
    """The backend leaves out an intermediate, which is in the exporter's own chain."""
    return unverified_attempt(
        backend(INTERMEDIATE),
        faults=(("no_anchor", 0),),
        credentials=held_credentials(exporter(INTERMEDIATE), INTERMEDIATE, at_hand=()),
    )


@story("handshake")
def server_cert_expired() -> Evidence:
    """The backend's certificate expired yesterday."""
    return unverified_attempt(backend(ends=-1), faults=(("expired", 0),))


@story("handshake")
def server_cert_expired__anchor() -> Evidence:
    """The backend's certificate is valid; the CA in ca_file expired."""
    old = authority("Backend CA", ends=-1)
    return unverified_attempt(
        BACKEND, faults=(("expired", 1),), credentials=held_credentials(EXPORTER, ca_bundle=(old,))
    )


@story("export", outcome="confirmed", findings=("server_cert_expired",))
def server_cert_expired__soon() -> Evidence:
    """The export is confirmed, and the backend's certificate has a week left."""
    return answered_attempt(handshake=complete_handshake(server_chain=(backend(ends=7),)))


@story("export", outcome="confirmed", findings=("server_cert_expired",))
def server_cert_expired__not_verified() -> Evidence:
    """The target says insecure_skip_verify, so that an expired certificate passes."""
    return answered_attempt(
        target=target(insecure_skip_verify=True),
        handshake=complete_handshake(server_chain=(backend(ends=-1),)),
    )


@story("export", outcome="confirmed", findings=("server_cert_expired", "server_cert_expired"))
def server_cert_expired__soon_with_its_ca() -> Evidence:
    """The backend's certificate has a week left, and so has the CA in ca_file that it rests on."""
    ca = authority("Backend CA", ends=7)
    return answered_attempt(
        credentials=held_credentials(EXPORTER, ca_bundle=(OTHER_CA, ca)),
        handshake=complete_handshake(server_chain=(backend(ends=7),)),
    )


@story("export", outcome="confirmed", findings=("server_cert_expired",))
def server_cert_expired__root_of_the_system_soon() -> Evidence:
    """The public CA that the backend's certificate rests on has three weeks left."""
    root = authority("Public CA", ends=21)
    leaf = backend(root)
    return answered_attempt(
        target=target(ca_file=""),
        credentials=held_credentials(EXPORTER, ca_bundle=(), system_roots=True),
        handshake=complete_handshake(
            server_chain=(leaf,),
            verified_paths=((leaf.sha256, root.sha256),),
            used_anchors=(root,),
        ),
    )


@story("export", outcome="confirmed")
def confirmed__certificates_that_nothing_rests_on() -> Evidence:
    """The server sends an expired cross-certificate too, and ca_file holds CAs that ended or will."""
    old, soon = authority("Old root", ends=-30), authority("Another root", ends=3)
    cross = authority("Backend CA", old, ends=-30)
    return answered_attempt(
        credentials=held_credentials(EXPORTER, ca_bundle=(old, soon, SERVER_CA)),
        handshake=complete_handshake(server_chain=(BACKEND, cross)),
    )


@story("handshake")
def server_cert_wrong_usage() -> Evidence:
    """The backend presents a client's certificate."""
    return unverified_attempt(backend(usage=("clientAuth",)), faults=(("wrong_usage", 0),))


@story("handshake")
def server_chain_invalid() -> Evidence:
    """The backend's certificate was issued by another end entity's."""
    issuer = backend(SERVER_CA, sans=("DNS:another.example.com",))
    return unverified_attempt(BACKEND, issuer, faults=(("not_a_ca", 1),))


@story("handshake")
def server_chain_invalid__anchor() -> Evidence:
    """The CA in ca_file allows no CA below it, and the backend sends one."""
    return unverified_attempt(backend(INTERMEDIATE), INTERMEDIATE, faults=(("path_length", 2),))


@story("handshake", also=("server_name_mismatch",))
def server_chain_invalid__and_another_name() -> Evidence:
    """The exporter reports the rule that is broken; the name would stop it as well."""
    elsewhere = backend(INTERMEDIATE, sans=("DNS:localhost",))
    seen = unverified_attempt(elsewhere, INTERMEDIATE, faults=(("critical_extension", 1),))
    assert seen.handshake is not None
    first = tuple(reversed(seen.handshake.path_faults))
    shake = msgspec.structs.replace(seen.handshake, path_faults=first)
    return msgspec.structs.replace(seen, handshake=shake)


@story("handshake")
def server_cert_unreadable() -> Evidence:
    """The backend's certificate has a negative serial number, which Go's parser refuses."""
    return unverified_attempt(BACKEND, faults=(("unreadable", 0),), shake={"complete": False})


@story("handshake")
def server_cert_unreadable__an_intermediate() -> Evidence:
    """It is an intermediate that Go's parser refuses: its CA issues it again, no key changes."""
    sent = (BACKEND, INTERMEDIATE)
    return unverified_attempt(*sent, faults=(("unreadable", 1),), shake={"complete": False})


@story("handshake")
def server_cert_weak() -> Evidence:
    """The backend's certificate is signed with SHA-1, which Go exporters refuse."""
    return unverified_attempt(backend(signature_hash="sha1"))


@story("export", outcome="confirmed", findings=("server_cert_weak",))
def server_cert_weak__accepted() -> Evidence:
    """The backend's RSA key has 1024 bits: Go accepts it, OpenSSL at its default level does not."""
    return answered_attempt(
        handshake=complete_handshake(server_chain=(backend(key_type="RSA", key_bits=1024),))
    )


@story("handshake")
def server_cert_revoked() -> Evidence:
    """The backend staples an OCSP answer that its certificate was revoked, and we stop."""
    return unverified_attempt(BACKEND, shake={"stapled_status": "revoked"})


@story("export", outcome="confirmed", findings=("server_cert_revoked",))
def server_cert_revoked__ignored() -> Evidence:
    """The same stapled answer, with exporters that do not read it, such as Go's."""
    return answered_attempt(handshake=complete_handshake(stapled_status="revoked"))


@story("handshake", cause="unexplained", certain=False)
def unexplained() -> Evidence:
    """A handshake finishes without a certificate of the server, which no cause covers."""
    return unverified_attempt()
