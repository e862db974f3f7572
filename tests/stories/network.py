"""Stories of bytes that do not arrive, and of the probe's own failure."""

import msgspec.structs

from probe.model.evidence import ConnectTry, Ending, EndingKind, Evidence, NetworkView, Stage
from tests.stories.story import story
from tests.support.evidence import (
    answered_attempt,
    attempt,
    complete_handshake,
    partial_handshake,
    target,
    unconnected_attempt,
)

SILENT = (
    "not_tls",
    "no_shared_cipher",
    "protocol_version_mismatch",
    "no_shared_group",
    "no_shared_signature_algorithm",
)


@story("resolve")
def dns_failure() -> Evidence:
    """The endpoint's name has a typing error."""
    return attempt("resolve", "dns", detail="EAI_NONAME", addresses=(), connects=())


@story("connect")
def tcp_refused() -> Evidence:
    """The Collector is not running."""
    return unconnected_attempt("refused", "ECONNREFUSED")


@story("connect")
def tcp_refused__ipv4_last() -> Evidence:
    """IPv6 has no route and IPv4 is refused: the IPv4 error decides."""
    tries = (
        ConnectTry(address="2001:db8::10", error="ENETUNREACH"),
        ConnectTry(address="192.0.2.10", error="ECONNREFUSED"),
    )
    return unconnected_attempt("refused", "ECONNREFUSED", connects=tries)


@story("connect")
def tcp_timeout() -> Evidence:
    """A NetworkPolicy drops the connection attempts."""
    return unconnected_attempt("timeout", "ETIMEDOUT")


@story("connect")
def network_unreachable() -> Evidence:
    """There is no route to the backend's network."""
    return unconnected_attempt("unreachable", "EHOSTUNREACH")


@story("handshake", certain=False, also=SILENT)
def connection_reset() -> Evidence:
    """A firewall resets the connection during the handshake."""
    return attempt("handshake", "reset", handshake=partial_handshake())


@story("export", certain=False, also=("otlp_protocol_mismatch",))
def connection_reset__after_the_handshake() -> Evidence:
    """The backend asks for no certificate, and crashes on the request."""
    shake = complete_handshake(client_certificate_requested=False, client_certificate_sent=False)
    return attempt("export", "reset", handshake=shake)


@story("handshake", certain=False, also=SILENT)
def connection_closed() -> Evidence:
    """A load balancer closes at the ClientHello, as grpc-core does when it cannot agree."""
    return attempt("handshake", "close", handshake=partial_handshake())


@story("export", certain=False, also=("otlp_protocol_mismatch",))
def connection_closed__after_the_handshake() -> Evidence:
    """The backend asks for no certificate, and closes instead of answering."""
    shake = complete_handshake(client_certificate_requested=False, client_certificate_sent=False)
    return attempt("export", "close", handshake=shake)


@story("handshake")
def tls_timeout() -> Evidence:
    """The port accepts connections, and nothing answers the ClientHello."""
    return attempt("handshake", "timeout", handshake=partial_handshake())


@story("handshake")
def tls_timeout__endless() -> Evidence:
    """The peer sends handshake records without end."""
    return attempt("handshake", "budget", handshake=partial_handshake(), detail="1024 TLS records")


def proxied(stage: Stage, kind: EndingKind, detail: str, status: int = 0) -> Evidence:
    """Return an attempt that ended before its proxy's tunnel was open."""
    seen = attempt(stage, kind, target=target(proxy="proxy:3128"))
    ending = Ending(stage=stage, kind=kind, detail=detail, http_status=status)
    tries = (ConnectTry(address="192.0.2.99", error="" if kind == "proxy" else detail),)
    return msgspec.structs.replace(
        seen, ending=ending, connects=tries if stage == "connect" else (), peer_address=""
    )


@story("connect")
def proxy_failure() -> Evidence:
    """The proxy answers 403 to CONNECT."""
    return proxied("connect", "proxy", "HTTP/1.1 403 Forbidden", 403)


@story("connect")
def proxy_failure__credentials() -> Evidence:
    """The proxy wants a user name and a password."""
    return proxied("connect", "proxy", "HTTP/1.1 407 Proxy Authentication Required", 407)


@story(
    "connect",
    certain=False,
    also=("tcp_refused", "tcp_timeout", "dns_failure", "network_unreachable"),
)
def proxy_failure__bad_gateway() -> Evidence:
    """The proxy can't connect to the backend, and does not say why."""
    return proxied("connect", "proxy", "HTTP/1.1 502 Bad Gateway", 502)


@story("connect")
def proxy_failure__refused() -> Evidence:
    """Nothing listens on the proxy's port; the backend's port is unknown."""
    return proxied("connect", "refused", "ECONNREFUSED")


@story("connect")
def proxy_failure__silent() -> Evidence:
    """The proxy's address does not answer."""
    return proxied("connect", "timeout", "ETIMEDOUT")


@story("resolve")
def proxy_failure__no_such_name() -> Evidence:
    """The proxy's name has a typing error."""
    return proxied("resolve", "dns", "EAI_NONAME")


@story("export", outcome="unconfirmed", certain=False)
def unconfirmed() -> Evidence:
    """The handshake is finished and the request sent, and the backend never answers."""
    return attempt("export", "timeout", handshake=complete_handshake())


@story("accept", outcome="confirmed")
def confirmed__depth_tls() -> Evidence:
    """At depth tls the backend's SETTINGS arrive and no refusal follows."""
    return attempt(
        "accept", "application_data", handshake=complete_handshake(), target=target(depth="tls")
    )


@story("connect")
def probe_fault() -> Evidence:
    """The probe has no file descriptor left: this says nothing about the backend."""
    return unconnected_attempt("probe_fault", "EMFILE")


@story("export", outcome="confirmed", findings=("network_not_entered",))
def network_not_entered() -> Evidence:
    """The exporter runs in a container, and the probe next to it has no capabilities."""
    view = NetworkView(process="process 4242 (otelcol)", network="closed", right="CAP_SYS_ADMIN")
    return answered_attempt(network=view)


@story("connect", certain=False, findings=("network_not_entered",))
def tcp_refused__from_another_network() -> Evidence:
    """What was refused here may be reached from there: both are said."""
    view = NetworkView(process="process 4242 (otelcol)", network="closed", right="CAP_SYS_PTRACE")
    return unconnected_attempt("refused", "ECONNREFUSED", network=view)


@story("resolve")
def dns_failure__of_a_container() -> Evidence:
    """The container's own resolv.conf has the wrong name server: that one is named."""
    view = NetworkView(
        process="process 4242 (otelcol)",
        network="entered",
        look_up="files",
        name_servers=("10.96.0.10",),
    )
    return attempt("resolve", "dns", detail="EAI_AGAIN", addresses=(), connects=(), network=view)
