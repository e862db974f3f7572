"""Stories of two sides that cannot agree, and of ports that speak another protocol."""

from typing import Any

from probe.model.evidence import Alert, Answer, Ending, Evidence, Experiment, Offer
from probe.model.finding import Finding
from tests.stories.story import story
from tests.support.certificate_facts import AT, EXPORTER
from tests.support.evidence import (
    HOST,
    TAKEN,
    alert,
    answered_attempt,
    answered_http_attempt,
    attempt,
    complete_handshake,
    http_target,
    partial_handshake,
    refused_attempt,
    target,
    with_control,
)

NOTHING_IN_COMMON = (
    "no_shared_cipher",
    "protocol_version_mismatch",
    "no_shared_group",
    "no_shared_signature_algorithm",
)


def _ask_in_http(answer: Answer) -> Experiment:
    """Return the experiment that asked in OTLP/HTTP and got `answer`."""
    return Experiment(
        varied="other_protocol",
        at=AT,
        ending=Ending(stage="export", kind="answered"),
        handshake=complete_handshake(),
        answer=answer,
    )


@story("handshake")
def protocol_version_mismatch() -> Evidence:
    """The exporter speaks TLS 1.2 only, the backend TLS 1.3 only."""
    offer = Offer(min_version="1.2", max_version="1.2", alpn=("h2",), server_name=HOST)
    return attempt("handshake", "alert", handshake=partial_handshake(alert(70), offer=offer))


@story("handshake")
def protocol_version_mismatch__ours() -> Evidence:
    """The backend answers with TLS 1.2, the exporter's min_version is 1.3: our side says so."""
    offer = Offer(min_version="1.3", max_version="1.3", alpn=("h2",), server_name=HOST)
    return attempt("handshake", "tls", handshake=partial_handshake(alert(70, "sent"), offer=offer))


@story("handshake")
def no_shared_cipher() -> Evidence:
    """The backend answers insufficient_security to the cipher suites offered."""
    return attempt("handshake", "alert", handshake=partial_handshake(alert(71)))


@story("handshake", cause="handshake_rejected", certain=False, also=NOTHING_IN_COMMON)
def no_shared_group__not_tried() -> Evidence:
    """The exporter offers X448 only, and experiments are off: handshake_failure has four possible causes."""
    offer = Offer(min_version="1.3", max_version="1.3", groups=("X448",), server_name=HOST)
    return attempt("handshake", "alert", handshake=partial_handshake(alert(40), offer=offer))


@story("handshake", cause="handshake_rejected", certain=False, also=("no_shared_group",))
def no_shared_group__jsse() -> Evidence:
    """Without a common group a Java backend says unexpected_message in TLS 1.3."""
    return attempt("handshake", "alert", handshake=partial_handshake(alert(10)))


@story("accept")
def no_shared_signature_algorithm() -> Evidence:
    """The backend accepts no signatures of the exporter's key, so it got no certificate."""
    return refused_attempt(116, EXPORTER)


@story("handshake")
def alpn_mismatch() -> Evidence:
    """The port serves HTTP/1.1 only and says no_application_protocol to gRPC."""
    return attempt("handshake", "alert", handshake=partial_handshake(alert(120)))


@story("handshake")
def alpn_mismatch__none_chosen() -> Evidence:
    """A TLS terminator without ALPN finishes the handshake and chooses no protocol."""
    return attempt("handshake", "alpn", handshake=complete_handshake(alpn=""))


@story("handshake", certain=False, also=NOTHING_IN_COMMON)
def handshake_rejected() -> Evidence:
    """The backend sends handshake_failure before any certificate was sent."""
    return attempt("handshake", "alert", handshake=partial_handshake(alert(40)))


@story("handshake")
def not_tls() -> Evidence:
    """The receiver has no TLS: a gRPC server answers with HTTP/2 SETTINGS in plaintext."""
    return attempt(
        "handshake", "not_tls", handshake=partial_handshake(first_bytes="000006040000000000")
    )


@story("handshake")
def not_tls__http() -> Evidence:
    """An HTTP server without TLS answers 400."""
    first = b"HTTP/1.1 400 Bad Request\r\n".hex()
    return attempt("handshake", "not_tls", handshake=partial_handshake(first_bytes=first))


@story("export")
def otlp_protocol_mismatch() -> Evidence:
    """An exporter speaks gRPC to port 4318, where OTLP/HTTP does not have that path."""
    missing = Answer(over="h2", http_status=404, content_type="text/plain", body_empty=False)
    return with_control(answered_attempt(missing), _ask_in_http(Answer(over="h2", http_status=200)))


@story("export", certain=False, also=("otlp_not_served",))
def otlp_protocol_mismatch__or_no_route() -> Evidence:
    """Nginx answers gRPC with its 404 page: before OTLP/HTTP, or without a location for gRPC."""
    page = Answer(over="h2", http_status=404, content_type="text/html", body_empty=False)
    return answered_attempt(page)


@story("export")
def otlp_not_served__no_route() -> Evidence:
    """Nginx has no location for gRPC, and its 404 page for OTLP/HTTP's path, too."""
    page = Answer(over="h2", http_status=404, content_type="text/html", body_empty=False)
    return with_control(answered_attempt(page), _ask_in_http(page))


@story("export")
def otlp_protocol_mismatch__http_to_grpc() -> Evidence:
    """OTLP/HTTP is spoken to port 4317, where gRPC calls the path unimplemented."""
    answer = Answer(over="h2", http_status=200, content_type="application/grpc", grpc_status=12)
    return answered_http_attempt(answer)


@story("handshake", certain=False, also=("server_name_unrecognized",))
def backend_fault() -> Evidence:
    """The backend says internal_error: it has no certificate to show, for this name or at all."""
    return attempt("handshake", "alert", handshake=partial_handshake(alert(80)))


@story("handshake")
def backend_fault__garbled() -> Evidence:
    """The backend sends bytes that are not valid TLS, and our side ends with decode_error."""
    return attempt("handshake", "tls", handshake=partial_handshake(alert(50, "sent")))


@story("export", outcome="confirmed", findings=("tls_off",))
def tls_off() -> Evidence:
    """The exporter's endpoint is http://, and the backend accepts its plaintext."""
    settings = target(plaintext=True, endpoint=f"http://{HOST}:4317")
    return answered_attempt(TAKEN, target=settings, handshake=None)


def in_plaintext(**fields: Any) -> Evidence:
    """Return an attempt of an exporter whose endpoint is http://, to a port that wants TLS."""
    settings = target(plaintext=True, endpoint=f"http://{HOST}:4317")
    known: dict[str, Any] = {"target": settings, "handshake": None}
    return attempt("export", fields.pop("kind", "close"), **known | fields)


@story("export")
def tls_off__go_says_so() -> Evidence:
    """A Go server's TLS port answers the plaintext request with HTTP 400 and the reason."""
    answer = Answer(
        over="http/1.1",
        http_status=400,
        message="Client sent an HTTP request to an HTTPS server.",
        body_empty=False,
    )
    return in_plaintext(kind="answered", answer=answer)


@story("export")
def tls_off__alert() -> Evidence:
    """A Java server's TLS port answers the plaintext request with an alert record."""
    return in_plaintext(kind="garbage", first_bytes="1503030002020a")


@story("export")
def tls_off__shown_by_a_handshake() -> Evidence:
    """A Collector's TLS port closes without a reason, and takes part in a TLS handshake."""
    tried = Experiment(
        varied="tls",
        at=AT,
        ending=Ending(stage="handshake", kind="completed"),
        handshake=complete_handshake(client_certificate_sent=False),
    )
    return with_control(in_plaintext(), tried)


@story(
    "export",
    cause="connection_closed",
    certain=False,
    also=("tls_off", "otlp_protocol_mismatch"),
    findings=("tls_off",),
)
def tls_off__not_tried() -> Evidence:
    """The port closes after plaintext, and experiments are off: three causes remain."""
    return in_plaintext()


@story("export", findings=("tls_off",))
def otlp_protocol_mismatch__settings() -> Evidence:
    """OTLP/HTTP without TLS is sent to 4317, where gRPC answers in HTTP/2 only."""
    settings = target(plaintext=True, endpoint=f"http://{HOST}:4317", protocol="http/protobuf")
    return attempt(
        "export", "garbage", target=settings, handshake=None, first_bytes="000006040000000000"
    )


@story("export")
def otlp_protocol_mismatch__stream_reset() -> Evidence:
    """Port 4317 of a C++ server resets the stream of an OTLP/HTTP request, and answers gRPC."""
    answer = Answer(over="h2", http_status=200, content_type="application/grpc", grpc_status=0)
    tried = Experiment(
        varied="other_protocol",
        at=AT,
        ending=Ending(stage="export", kind="answered"),
        handshake=complete_handshake(),
        answer=answer,
    )
    closed = attempt(
        "export",
        "close",
        target=http_target(),
        handshake=complete_handshake(),
        detail="RST_STREAM, error code 2",
    )
    return with_control(closed, tried)


@story("export", outcome="confirmed", findings=("exporter_setting_ignored",))
def exporter_setting_ignored() -> Evidence:
    """The export is confirmed, and insecure: true with a CA does not switch TLS off."""
    remark = Finding(
        cause="exporter_setting_ignored",
        role="setting",
        path="/etc/otelcol/config.yaml",
        fact="insecure: true has no effect with ca_file: the exporter uses TLS",
        fix=("Remove insecure: true.",),
    )
    return answered_attempt(target=target(remarks=(remark,)))


@story("export")
def client_cert_by_renegotiation() -> Evidence:
    """Apache asks for the certificate once it has read the request; Go answers no_renegotiation."""
    refused = Alert(direction="sent", level="warning", number=100, name="no_renegotiation")
    handshake = complete_handshake(
        "1.2",
        alpn="http/1.1",
        alerts=(refused,),
        client_certificate_requested=False,
        client_certificate_sent=False,
        acceptable_cas=(),
    )
    return attempt("export", "tls", handshake=handshake, target=http_target())
