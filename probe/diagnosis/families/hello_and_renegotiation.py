"""Two ways in which a handshake's own form is too much for one side: its size, or a second one."""

from functools import partial
from typing import Final

from probe.diagnosis.cause import NEGOTIATION_ENDINGS, Cause, Match, Rank, Strength
from probe.diagnosis.fixes.negotiation_fixes import shrink_hello
from probe.diagnosis.readings.experiment_results import get_improvement
from probe.diagnosis.readings.late_request import (
    demands_http1,
    refused_renegotiation,
    wants_post_handshake_auth,
)
from probe.diagnosis.readings.otlp_answers import describe_answer
from probe.model.evidence import Evidence, Offer
from probe.model.runtime import CURL, JAVA_OKHTTP, NODE, PYTHON_HTTP
from probe.model.tls_names import is_hybrid

_RENEGOTIATES: Final = (PYTHON_HTTP, *NODE, CURL, JAVA_OKHTTP)


def _match_large_hello(evidence: Evidence) -> Match | None:
    improved, handshake = get_improvement(evidence, "classic_groups"), evidence.handshake
    if improved is None or improved.handshake is None or handshake is None:
        return None
    if get_improvement(evidence, "every_group") is not None:
        return None  # which is as large
    version, group = improved.handshake.version, improved.handshake.group
    chosen = f", group {group}" if group else ""
    return Match(
        Strength.NAMED,
        (
            "with classic groups alone offered, the handshake continues: the backend chose TLS "
            f"{version}{chosen}",
            f"{_describe_shares(handshake.offer)}: the ClientHello is larger than one TCP segment "
            "(1460 bytes), and something on the way, or the backend itself, does not take it",
        ),
        fix=shrink_hello(evidence.target),
    )


def _describe_shares(offer: Offer) -> str:
    hybrids = [share for share in offer.key_shares if is_hybrid(share)]
    return f"the exporter sends a key of {', '.join(hybrids) or 'X25519MLKEM768'} (1216 bytes)"


def _match_late_request(evidence: Evidence) -> Match | None:
    """Match a backend that asks for the certificate only once it has read the request."""
    handshake, answer = evidence.handshake, evidence.answer
    if handshake is None:
        return None
    if answer is not None and wants_post_handshake_auth(evidence):
        fact = (
            "the backend wants to ask for the client certificate once it has read the request (TLS "
            "1.3 post-handshake authentication), which the exporter does not offer"
        )
        return Match(Strength.NAMED, (describe_answer(answer), fact))
    if demands_http1(evidence):
        return _match_demand(evidence)
    if not refused_renegotiation(handshake):
        return None
    facts = [
        "after the handshake the backend asked for another one (HelloRequest, TLS 1.2 "
        "renegotiation), and the exporter's side answered no_renegotiation (100)"
    ]
    if not handshake.client_certificate_requested:
        facts.append(
            "the first handshake asked for no client certificate: the backend wants it in the second"
        )
    return Match(Strength.NAMED, tuple(facts))


def _match_demand(evidence: Evidence) -> Match:
    fact = (
        "the backend demands HTTP/1.1 for this request (HTTP/2 error 13, HTTP_1_1_REQUIRED), as "
        "servers do that ask for the client certificate only then: HTTP/2 forbids them to"
    )
    ended = "connection_reset" if evidence.ending.kind == "reset" else "connection_closed"
    return Match(
        Strength.NAMED,
        (fact, "the handshake asked for no client certificate"),
        possible=(ended,),
        decides="the same request over HTTP/1.1, or the backend's log",
    )


_declare: Final = partial(Cause, family="negotiation")

CAUSES: Final = (
    _declare(
        id="client_hello_too_large",
        title="The ClientHello is too large for something on the way",
        party="network",
        rank=Rank.HANDSHAKE_FORM,
        meaning=(
            "An exporter that offers the hybrid group X25519MLKEM768 (Go since 1.24, grpcio) "
            "sends its key of 1216 bytes at once, so that the ClientHello takes two TCP segments. A "
            "load balancer, a firewall or an old TLS server that reads only the first one drops it, "
            "resets the connection or answers with an alert."
        ),
        evidence=(
            "The same handshake with classic groups alone (X25519, P-256) succeeds, repeatedly, "
            "where the exporter's own does not."
        ),
        fix=(
            "Update what does not take it: the load balancer, firewall or proxy on the way to "
            "{endpoint}, or the backend's own TLS library.",
            "Until then, set curve_preferences: [X25519, P256, P384, P521] in the exporter's tls "
            "settings, and restart it; for an SDK in Go, set GODEBUG=tlsmlkem=0 in its environment.",
        ),
        tell_apart=(
            "A small ClientHello passes and, with OpenSSL 3.5 or newer, a large one (-groups "
            "X25519MLKEM768) does not: openssl s_client -connect ENDPOINT -groups X25519 </dev/null"
        ),
        citations=("RFC 8446 §4.2.8", "draft-ietf-tls-ecdhe-mlkem", "Go 1.24 release notes"),
        not_printed="exporters print what any timeout, reset or alert of a handshake prints",
        applies=NEGOTIATION_ENDINGS,
        match=_match_large_hello,
    ),
    _declare(
        id="client_cert_by_renegotiation",
        title="The backend asks for the client certificate after the handshake",
        party="backend",
        rank=Rank.HANDSHAKE_FORM,
        meaning=(
            "The backend's first handshake asks for no certificate; once it has read the request "
            "it asks for one (TLS 1.2 by renegotiation, TLS 1.3 by post-handshake authentication), "
            "as Apache httpd does where it verifies clients within a Location only, and IIS by "
            "default. Go's TLS knows neither, and HTTP/2 forbids both."
        ),
        evidence=(
            "A HelloRequest after the handshake, answered with no_renegotiation (100); HTTP 403 "
            "that names post-handshake authentication; or HTTP/2's HTTP_1_1_REQUIRED (13). The "
            "handshake itself had no CertificateRequest."
        ),
        fix=(
            "On the backend of {endpoint}, ask for the client certificate in the first handshake: "
            "Apache httpd: move mod_ssl's VerifyClient directive from Location or Directory to the "
            "VirtualHost; IIS: "
            "netsh http add sslcert … clientcertnegotiation=enable.",
            "{reload_backend}",
            "To see it asked for at once, under Acceptable client certificate CA names: openssl s_client "
            "-connect {host}:{port} -tls1_2 </dev/null",
        ),
        tell_apart=(
            "A request of curl's gets an answer, and that of an exporter in Go does not; the "
            "handshake alone has no request for a certificate: openssl s_client -connect ENDPOINT "
            "-tls1_2 </dev/null"
        ),
        citations=(
            "RFC 5246 §7.4.1.1",
            "RFC 8446 §4.6.2",
            "RFC 9113 §9.2.1",
            "crypto/tls Config.Renegotiation",
        ),
        harmless_to=_RENEGOTIATES,
        applies=frozenset({"tls", "alert", "close", "reset", "answered"}),
        match=_match_late_request,
    ),
)
