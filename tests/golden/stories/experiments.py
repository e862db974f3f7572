"""Stories that one handshake leaves open, and what further ones with one thing varied show."""

from typing import Any

import msgspec.structs

from probe.evidence import Answer, Ending, EndingKind, Evidence, Experiment, Offer, Stage, Varied
from tests.golden.attempts import HOST, alert, attempt, begun, refused, shaken
from tests.golden.case import case
from tests.golden.certificates import AT, EXPORTER

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
    return tried(varied, "completed", handshake=shaken(**fields))


def all_refused(number: int) -> tuple[Experiment, ...]:
    """Return every negotiation experiment, each ended by the same alert."""
    return tuple(tried(one, "alert", handshake=begun(alert(number))) for one in TRIED)


def all_closed() -> tuple[Experiment, ...]:
    """Return every negotiation experiment, each ended without a word."""
    return tuple(tried(one, "close", handshake=begun()) for one in TRIED)


def with_experiments(evidence: Evidence, *experiments: Experiment) -> Evidence:
    """Return `evidence` with what experiments showed."""
    return msgspec.structs.replace(evidence, experiments=experiments)


@case("handshake")
def no_shared_group() -> Evidence:
    """curve_preferences names X448 alone; with every group offered the backend takes X25519."""
    offer = Offer(min_version="1.2", max_version="1.3", groups=("X448",), server_name=HOST)
    experiments = (*all_refused(40)[:2], went_on("every_group"), *all_refused(40)[3:])
    shake = begun(alert(40), offer=offer)
    return attempt("handshake", "alert", handshake=shake, experiments=experiments)


@case("handshake")
def no_shared_cipher__by_experiment() -> Evidence:
    """cipher_suites names RSA suites alone, the backend's key is EC: every cipher offered, it goes on."""
    experiments = (*all_refused(40)[:1], went_on("every_cipher", version="1.2"))
    offer = Offer(min_version="1.2", max_version="1.3", ciphers=RSA_SUITES, server_name=HOST)
    shake = begun(alert(40), offer=offer)
    return attempt("handshake", "alert", handshake=shake, experiments=experiments)


@case("handshake")
def no_shared_cipher__silent() -> Evidence:
    """The same with a grpc-core backend, which closes without an alert."""
    experiments = (*all_closed()[:1], went_on("every_cipher", version="1.2"), *all_closed()[2:])
    offer = Offer(min_version="1.2", max_version="1.3", ciphers=RSA_SUITES, server_name=HOST)
    return attempt("handshake", "close", handshake=begun(offer=offer), experiments=experiments)


@case("handshake")
def no_shared_cipher__beside_a_newer_version() -> Evidence:
    """max_version is 1.2 and the suites do not fit: at TLS 1.3 it would go, and so it would with others."""
    experiments = (
        went_on("every_version"),
        went_on("every_cipher", version="1.2"),
        *all_refused(40)[2:],
    )
    offer = Offer(min_version="1.2", max_version="1.2", ciphers=RSA_SUITES, server_name=HOST)
    shake = begun(alert(40), offer=offer)
    return attempt("handshake", "alert", handshake=shake, experiments=experiments)


@case("handshake")
def protocol_version_mismatch__silent() -> Evidence:
    """The exporter's min_version is 1.3; a grpc-core backend of TLS 1.2 closes without an alert."""
    offer = Offer(min_version="1.3", max_version="1.3", alpn=("h2",), server_name=HOST)
    experiments = (went_on("every_version", version="1.2"), *all_closed()[1:4])
    shake = begun(offer=offer)
    return attempt("handshake", "close", handshake=shake, experiments=experiments)


@case("handshake")
def protocol_version_mismatch__large_hello() -> Evidence:
    """A path that drops the large ClientHello of TLS 1.3: capped at TLS 1.2 the handshake goes on."""
    experiments = (tried("plaintext", "timeout"), went_on("tls_1.2", version="1.2"))
    return attempt("handshake", "timeout", handshake=begun(), experiments=experiments)


@case("handshake")
def not_tls__greeted() -> Evidence:
    """A gRPC server in clear closes on a ClientHello; greeted in clear it answers with SETTINGS."""
    greeted = tried("plaintext", "not_tls", first_bytes="000012040000000000")
    return attempt("handshake", "close", handshake=begun(), experiments=(*all_closed(), greeted))


@case("handshake", also=("otlp_protocol_mismatch",))
def alpn_mismatch__other_protocol() -> Evidence:
    """GRPC is spoken to a port without h2, which takes the same Export over OTLP/HTTP."""
    other = tried("other_protocol", "answered", "export", handshake=shaken(), answer=OVER_HTTP)
    return attempt("handshake", "alpn", handshake=shaken(alpn=""), experiments=(other,))


@case(
    "handshake",
    certain=False,
    also=("not_tls", "no_shared_cipher", "no_shared_signature_algorithm"),
)
def connection_closed__everything_tried() -> Evidence:
    """A load balancer closes whatever is offered, and a greeting in clear as well."""
    greeted = tried("plaintext", "close")
    return attempt("handshake", "close", handshake=begun(), experiments=(*all_closed(), greeted))


@case("handshake", certain=False, also=("no_shared_cipher", "no_shared_signature_algorithm"))
def handshake_rejected__everything_tried() -> Evidence:
    """The backend allows suites for ECDSA alone, and its key is RSA: it refuses whatever is offered."""
    shake = begun(alert(40))
    return attempt("handshake", "alert", handshake=shake, experiments=all_refused(40))


@case("handshake", certain=False, also=("no_shared_signature_algorithm",))
def handshake_rejected__tls13_alone() -> Evidence:
    """The same of a backend of TLS 1.3 alone, whose suites go with any key: the suites are not it."""
    below = tried("tls_1.2", "alert", handshake=begun(alert(70)))
    experiments = (*all_refused(40)[:-1], below)
    return attempt("handshake", "alert", handshake=begun(alert(40)), experiments=experiments)


@case("handshake", certain=False, also=("protocol_version_mismatch",))
def no_shared_cipher__of_the_backends_own() -> Evidence:
    """max_version is 1.2, where an RSA backend allows ECDSA suites alone; at TLS 1.3 it would go."""
    offer = Offer(min_version="1.2", max_version="1.2", alpn=("h2",), server_name=HOST)
    experiments = (went_on("every_version"), *all_refused(40)[1:])
    shake = begun(alert(40), offer=offer)
    return attempt("handshake", "alert", handshake=shake, experiments=experiments)


@case(
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
    closed = tried("no_client_certificate", "close", "accept", handshake=shaken())
    evidence = refused("close", EXPORTER)
    return with_experiments(evidence, closed)


@case(
    "accept",
    certain=False,
    also=("client_ca_untrusted", "client_san_rejected", "client_cert_revoked"),
)
def client_cert_rejected__only_with_one() -> Evidence:
    """A silent backend says certificate_required without one: it is the certificate it refuses."""
    without = shaken(client_certificate_sent=False, alerts=(alert(116),))
    asked = tried("no_client_certificate", "alert", "accept", handshake=without)
    return with_experiments(refused("close", EXPORTER), asked)
