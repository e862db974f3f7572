"""What the requests of an exporter to `listen` mean where none was answered with success. Pure."""

from dataclasses import dataclass

from probe.diagnosis.readings.otlp_answers import CAUSE_BY_GRPC, CAUSE_BY_HTTP, NOT_SERVED
from probe.model.exporter_connection import ExporterConnection, ExportRequest


@dataclass(frozen=True, slots=True)
class RequestReading:
    """A cause with its facts; without a cause nothing is wrong that could be named."""

    facts: tuple[str, ...]
    cause: str = ""
    also: tuple[str, ...] = ()
    decides: str = ""


def read_unanswered(connection: ExporterConnection) -> RequestReading | None:
    """Read a connection of which no request was answered; None: none was begun."""
    end, detail = connection.end, connection.detail
    if end == "no_backend":
        fact = f"{connection.forwarded_to} cannot be used: {detail}"
        return RequestReading((fact,), "otlp_unavailable")
    if end == "limit":
        return RequestReading((detail,))
    if end == "refused" and detail:
        fact = f"the handshake was complete, and then {detail}"
        return RequestReading((fact,), "otlp_protocol_mismatch")
    if not connection.request_began:
        return None
    if end == "open":
        return RequestReading(("no request was answered yet",))
    who = {"timeout": "nothing more came", "reset": "the exporter reset the connection"}
    fact = who.get(end, "the exporter ended the connection")
    if connection.requests:
        fact += f" before {connection.forwarded_to or 'this backend'} answered its request"
    else:
        fact += f" within a request: {connection.bytes_received} bytes came"
    return RequestReading((fact,))


def read_refused(connection: ExporterConnection) -> RequestReading:
    """Read a connection whose requests were answered, none of them with success."""
    first = connection.requests[0]
    fact = f"{first.method} {first.path} ({first.content_type or 'no media type'}) was answered "
    fact += first.answer or "not at all"
    if not first.signal:
        return RequestReading((fact, "that path is none of OTLP's"), "otlp_not_served")
    if first.over == "http/1.1" and first.content_type.startswith("application/grpc"):
        return RequestReading((fact, "gRPC needs HTTP/2"), "otlp_protocol_mismatch")
    if first.answer in {"HTTP 405", "HTTP 415"}:
        return RequestReading((fact,), "otlp_protocol_mismatch")
    if not connection.forwarded_to and first.uncounted:
        refused = f"a Collector refuses its body: {first.uncounted}"
        return RequestReading((fact, refused), "otlp_rejected")
    if cause := _name_cause(first):
        return RequestReading((fact,), cause)
    return RequestReading(
        (fact,),
        "otlp_rejected",
        also=("otlp_unavailable", "otlp_throttled", "otlp_permission_denied"),
        decides=f"the log of {connection.forwarded_to or 'the backend'}",
    )


def _name_cause(request: ExportRequest) -> str:
    """Return what the status of an answer means by itself; empty where it leaves that open."""
    kind, _, number = request.answer.partition(" ")
    if not (number.isascii() and number.isdigit()):
        return ""
    if kind == "gRPC":
        return CAUSE_BY_GRPC.get(int(number), "")
    return "otlp_not_served" if int(number) in NOT_SERVED else CAUSE_BY_HTTP.get(int(number), "")
