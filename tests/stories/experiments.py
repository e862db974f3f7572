"""Stories with several possible causes, and what further handshakes with one thing varied show."""

from typing import Any, Final

import msgspec.structs

from probe.model.evidence import (
    Answer,
    Ending,
    EndingKind,
    Evidence,
    Experiment,
    Offer,
    Stage,
    Varied,
)
from tests.stories.story import story
from tests.support.certificate_facts import AT, EXPORTER
from tests.support.evidence import (
    HOST,
    alert,
    attempt,
    complete_handshake,
    partial_handshake,
    refused_attempt,
    with_control,
)

OVER_HTTP = Answer(over="http/1.1", http_status=200, content_type="application/x-protobuf")
RSA_SUITES = ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",)
TRIED: tuple[Varied, ...] = ("every_version", "every_cipher", "every_group", "no_alpn", "tls_1.2")


def tried(
    varied: Varied, kind: EndingKind, stage: Stage = "handshake", **fields: Any
) -> Experiment:
    """Return an experiment of the same minute that ended by `kind`."""
    return Experiment(varied=varied, at=AT, ending=Ending(stage=stage, kind=kind), **fields)


def went_on(varied: Varied, **fields: Any) -> Experiment:
    """Return an experiment whose handshake finished."""
    return tried(varied, "completed", handshake=complete_handshake(**fields))


def all_refused(number: int) -> tuple[Experiment, ...]:
    """Return every negotiation experiment, each ended by the same alert."""
    return tuple(tried(one, "alert", handshake=partial_handshake(alert(number))) for one in TRIED)


def all_closed() -> tuple[Experiment, ...]:
    """Return every negotiation experiment, each closed without an alert."""
    return tuple(tried(one, "close", handshake=partial_handshake()) for one in TRIED)


def with_another_outcome(evidence: Evidence, *experiments: Experiment) -> Evidence:
    """Return `evidence` with a round in which the unvaried handshake simply went on."""
    return msgspec.structs.replace(evidence, experiments=(went_on("unvaried"), *experiments))


@story("handshake")
def no_shared_group() -> Evidence:
    """curve_preferences has only X448; with every group offered the backend chooses X25519."""
    offer = Offer(min_version="1.2", max_version="1.3", groups=("X448",), server_name=HOST)
    experiments = (*all_refused(40)[:2], went_on("every_group"), *all_refused(40)[3:])
    shake = partial_handshake(alert(40), offer=offer)
    return with_control(attempt("handshake", "alert", handshake=shake), *experiments)


@story("handshake")
def no_shared_cipher__by_experiment() -> Evidence:
    """cipher_suites has only RSA suites, the backend's key is EC: with every cipher it succeeds."""
    experiments = (*all_refused(40)[:1], went_on("every_cipher", version="1.2"))
    offer = Offer(min_version="1.2", max_version="1.3", ciphers=RSA_SUITES, server_name=HOST)
    shake = partial_handshake(alert(40), offer=offer)
    return with_control(attempt("handshake", "alert", handshake=shake), *experiments)


@story("handshake")
def no_shared_cipher__silent() -> Evidence:
    """The same with a grpc-core backend, which closes without an alert."""
    experiments = (*all_closed()[:1], went_on("every_cipher", version="1.2"), *all_closed()[2:])
    offer = Offer(min_version="1.2", max_version="1.3", ciphers=RSA_SUITES, server_name=HOST)
    shake = partial_handshake(offer=offer)
    return with_control(attempt("handshake", "close", handshake=shake), *experiments)


@story("handshake")
def no_shared_cipher__next_to_a_newer_version() -> Evidence:
    """max_version is 1.2 and the suites do not fit: TLS 1.3 would work, and so would other suites."""
    experiments = (
        went_on("every_version"),
        went_on("every_cipher", version="1.2"),
        *all_refused(40)[2:],
    )
    offer = Offer(min_version="1.2", max_version="1.2", ciphers=RSA_SUITES, server_name=HOST)
    shake = partial_handshake(alert(40), offer=offer)
    return with_control(attempt("handshake", "alert", handshake=shake), *experiments)


@story("handshake")
def protocol_version_mismatch__silent() -> Evidence:
    """The exporter's min_version is 1.3; a grpc-core backend of TLS 1.2 closes without an alert."""
    offer = Offer(min_version="1.3", max_version="1.3", alpn=("h2",), server_name=HOST)
    experiments = (went_on("every_version", version="1.2"), *all_closed()[1:4])
    shake = partial_handshake(offer=offer)
    return with_control(attempt("handshake", "close", handshake=shake), *experiments)


@story("handshake", certain=False, also=("protocol_version_mismatch",))
def tls_timeout__large_hello() -> Evidence:
    """With TLS 1.2 the handshake succeeds: a random stall, or a path that drops large ClientHellos."""
    experiments = (tried("plaintext", "timeout"), went_on("tls_1.2", version="1.2"))
    return with_control(
        attempt("handshake", "timeout", handshake=partial_handshake()), *experiments
    )


@story("handshake")
def tls_timeout__repeated() -> Evidence:
    """The same handshake went on a second later, and so did the one with TLS 1.2: a stall."""
    experiments = (tried("plaintext", "alert"), went_on("tls_1.2", version="1.2"))
    return with_another_outcome(
        attempt("handshake", "timeout", handshake=partial_handshake()), *experiments
    )


@story(
    "handshake",
    certain=False,
    also=(
        "not_tls",
        "no_shared_cipher",
        "protocol_version_mismatch",
        "no_shared_group",
        "no_shared_signature_algorithm",
    ),
)
def connection_closed__now_and_then() -> Evidence:
    """An overloaded backend closes some connections: a varied handshake that went on proves nothing."""
    experiments = (*all_closed()[:1], went_on("every_cipher", version="1.2"), *all_closed()[2:])
    return with_another_outcome(
        attempt("handshake", "close", handshake=partial_handshake()), *experiments
    )


@story(
    "handshake",
    certain=False,
    also=(
        "no_shared_cipher",
        "protocol_version_mismatch",
        "no_shared_group",
        "no_shared_signature_algorithm",
    ),
)
def handshake_rejected__another_alert() -> Evidence:
    """The repeated handshake ended with another alert: the backend's state has changed."""
    again = tried("unvaried", "alert", handshake=partial_handshake(alert(80)))
    evidence = attempt("handshake", "alert", handshake=partial_handshake(alert(40)))
    return msgspec.structs.replace(evidence, experiments=(again, *all_refused(40)))


@story(
    "handshake",
    certain=False,
    also=("not_tls", "no_shared_cipher", "no_shared_signature_algorithm"),
)
def connection_closed__a_cipher_once_in_two() -> Evidence:
    """The handshake with every cipher went on once, and failed when repeated: no proof."""
    greeted = tried("plaintext", "close")
    evidence = attempt("handshake", "close", handshake=partial_handshake())
    first = (*all_closed()[:1], went_on("every_cipher", version="1.2"), *all_closed()[2:], greeted)
    again = Experiment(
        varied="unvaried", at=AT, ending=evidence.ending, handshake=partial_handshake()
    )
    return with_control(
        evidence, *first, again, tried("every_cipher", "close", handshake=partial_handshake())
    )


@story("handshake")
def not_tls__greeted() -> Evidence:
    """A gRPC server without TLS closes on a ClientHello; it answers plaintext with SETTINGS."""
    greeted = tried("plaintext", "not_tls", first_bytes="000012040000000000")
    return with_control(
        attempt("handshake", "close", handshake=partial_handshake()), *all_closed(), greeted
    )


@story("handshake", also=("otlp_protocol_mismatch",))
def alpn_mismatch__other_protocol() -> Evidence:
    """A port without h2 gets gRPC; it accepts the same Export over OTLP/HTTP."""
    other = tried(
        "other_protocol", "answered", "export", handshake=complete_handshake(), answer=OVER_HTTP
    )
    return with_control(attempt("handshake", "alpn", handshake=complete_handshake(alpn="")), other)


@story(
    "handshake",
    certain=False,
    also=("not_tls", "no_shared_cipher", "no_shared_signature_algorithm"),
)
def connection_closed__everything_tried() -> Evidence:
    """A load balancer closes whatever is offered, and after plaintext as well."""
    greeted = tried("plaintext", "close")
    return with_control(
        attempt("handshake", "close", handshake=partial_handshake()), *all_closed(), greeted
    )


@story("handshake", certain=False, also=("no_shared_cipher", "no_shared_signature_algorithm"))
def handshake_rejected__everything_tried() -> Evidence:
    """The backend allows only ECDSA suites, and its key is RSA: it refuses whatever is offered."""
    shake = partial_handshake(alert(40))
    return with_control(attempt("handshake", "alert", handshake=shake), *all_refused(40))


@story("handshake", certain=False, also=("no_shared_signature_algorithm",))
def handshake_rejected__tls13_alone() -> Evidence:
    """The same from a backend with TLS 1.3 only, whose suites work with any key: suites are not the cause."""
    below = tried("tls_1.2", "alert", handshake=partial_handshake(alert(70)))
    experiments = (*all_refused(40)[:-1], below)
    return with_control(
        attempt("handshake", "alert", handshake=partial_handshake(alert(40))), *experiments
    )


@story("handshake", certain=False, also=("no_shared_cipher",))
def protocol_version_mismatch__or_suites_without_a_key() -> Evidence:
    """max_version is 1.2, and an RSA backend allows only ECDSA suites there; TLS 1.3 would work."""
    offer = Offer(min_version="1.2", max_version="1.2", alpn=("h2",), server_name=HOST)
    experiments = (went_on("every_version"), *all_refused(40)[1:])
    shake = partial_handshake(alert(40), offer=offer)
    return with_control(attempt("handshake", "alert", handshake=shake), *experiments)


@story(
    "accept",
    certain=False,
    also=(
        "client_ca_untrusted",
        "client_san_rejected",
        "client_cert_revoked",
        "connection_closed",
    ),
)
def client_cert_rejected__closed_without_one_too() -> Evidence:
    """A silent backend closes with and without a client certificate: it may be the network."""
    closed = tried("no_client_certificate", "close", "accept", handshake=complete_handshake())
    evidence = refused_attempt("close", EXPORTER)
    return with_control(evidence, closed)


@story(
    "accept",
    certain=False,
    also=("client_ca_untrusted", "client_san_rejected", "client_cert_revoked"),
)
def client_cert_rejected__only_with_one() -> Evidence:
    """A silent backend answers certificate_required without one: so it refuses the certificate."""
    without = complete_handshake(client_certificate_sent=False, alerts=(alert(116),))
    asked = tried("no_client_certificate", "alert", "accept", handshake=without)
    return with_control(refused_attempt("close", EXPORTER), asked)


HYBRID: Final = Offer(
    min_version="1.2",
    max_version="1.3",
    ciphers=("TLS_AES_128_GCM_SHA256",),
    groups=("X25519MLKEM768", "x25519"),
    key_shares=("X25519MLKEM768", "x25519"),
    signature_schemes=("ecdsa_secp256r1_sha256",),
    server_name=HOST,
)


@story("handshake")
def client_hello_too_large() -> Evidence:
    """A firewall resets a ClientHello of two segments; with classic groups alone it goes on."""
    smaller = went_on("classic_groups")
    evidence = attempt("handshake", "reset", handshake=partial_handshake(offer=HYBRID))
    return with_control(evidence, *all_closed(), smaller)


@story("handshake")
def client_hello_too_large__dropped() -> Evidence:
    """A load balancer drops it in silence: four times nothing, and each time the smaller one goes on."""
    evidence = attempt("handshake", "timeout", handshake=partial_handshake(offer=HYBRID))
    again = Experiment(
        varied="unvaried",
        at=AT,
        ending=evidence.ending,
        handshake=evidence.handshake,
        duration=0.5,
    )
    smaller = msgspec.structs.replace(went_on("classic_groups"), duration=0.01)
    return msgspec.structs.replace(evidence, experiments=(again, smaller) * 4)


@story("handshake", certain=False, also=("client_hello_too_large",))
def tls_timeout__dropped_once() -> Evidence:
    """The same once: a stall now and then would look like that."""
    evidence = attempt("handshake", "timeout", handshake=partial_handshake(offer=HYBRID))
    again = Experiment(
        varied="unvaried", at=AT, ending=evidence.ending, handshake=evidence.handshake, duration=0.5
    )
    return msgspec.structs.replace(evidence, experiments=(again, went_on("classic_groups")))


@story("handshake")
def no_shared_signature_algorithm__of_the_backend() -> Evidence:
    """The key of the backend is Ed448: with every signature scheme offered it continues."""
    evidence = attempt("handshake", "alert", handshake=partial_handshake(alert(40), offer=HYBRID))
    return with_control(evidence, *all_refused(40), went_on("every_signature"))


@story("handshake")
def no_shared_cipher__of_no_exporter_in_go() -> Evidence:
    """The backend has only RSA key exchange, which Go leaves out; no setting narrows the offer."""
    chosen = went_on("every_cipher", version="1.2", cipher="AES128-GCM-SHA256")
    evidence = attempt("handshake", "alert", handshake=partial_handshake(alert(40), offer=HYBRID))
    return with_control(evidence, *all_refused(40)[:1], chosen)
