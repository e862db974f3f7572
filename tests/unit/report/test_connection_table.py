"""The table of `listen` grows by rows; a story is printed once, and nothing of a peer is raw."""

import io
import json
from pathlib import Path

from jsonschema import Draft202012Validator
from msgspec.structs import replace

from probe.backend.exporter_session import ExporterSession
from probe.model.diagnosis import Diagnosis
from probe.model.exporter_connection import ExporterConnection, ExportRequest
from probe.report.connection_table import ListeningTable
from probe.report.exporter_connections import encode_connection, encode_connections
from probe.schemas.document_schema import build_output_schema
from tests.support.listening import Client, diagnose, make_files, make_grpc_request, make_settings
from tests.support.loopback_client import CLIENT_CA, OTHER_CA, client_context
from tests.unit.diagnosis.test_diagnose_exporter import HELLO, STRANGER, TRUSTED

FAILED = Diagnosis(
    outcome="failed",
    stage="accept",
    cause="client_ca_untrusted",
    facts=("it was refused",),
    fix=("Add the CA.",),
    party="backend",
)
CONFIRMED = Diagnosis(outcome="confirmed", stage="export")
REQUEST = ExportRequest(
    over="h2", method="POST", path="/v1/traces", signal="traces", items=2, services=("checkout",),
    size=90, content_type="application/grpc", answer="gRPC 0", taken=True,
)  # fmt: skip


def render(*seen: tuple[ExporterConnection, Diagnosis]) -> str:
    """Return what is printed of connections, one after another."""
    stream = io.StringIO()
    table = ListeningTable(stream)
    for one in seen:
        table.add(one)
    return stream.getvalue()


def test_a_failure_has_its_story() -> None:
    """Row, offers, certificate, cause, facts, who acts, and steps."""
    text = render((replace(HELLO, chain=STRANGER, certificate="presented"), FAILED))
    for part in (
        "LOOKS LIKE", "#7", "192.0.2.7:5000", "go-grpc", "CN=exporter", "client_ca_untrusted",
        "issued by CN=another CA", "it was refused", "1. Add the CA.", "the backend's side",
    ):  # fmt: skip
        assert part in text, part


def test_the_same_story_is_printed_once() -> None:
    """An exporter that comes again and again fills no screen."""
    one = replace(HELLO, chain=STRANGER, certificate="presented")
    text = render((one, FAILED), (replace(one, number=8, peer="192.0.2.7:5001"), FAILED))
    assert text.count("1. Add the CA.") == 1
    assert "as #7" in text.splitlines()[-1]
    other = render((one, FAILED), (replace(one, number=8, peer="192.0.2.8:5001"), FAILED))
    assert other.count("1. Add the CA.") == 2


def test_a_connection_that_goes_on_is_summed_up_at_its_end() -> None:
    """Its row comes with the first request, and one line when it is over."""
    begun = replace(
        HELLO, end="open", chain=TRUSTED, certificate="presented", requests=(REQUEST,),
        request_count=1,
    )  # fmt: skip
    ended = replace(
        begun, end="close", request_count=12, items=24, bytes_received=1000, bytes_forwarded=1000,
        bytes_returned=80, forwarded_to="collector:4317", seconds=60.0,
    )  # fmt: skip
    text = render((begun, CONFIRMED), (ended, CONFIRMED))
    assert "2 spans of checkout, 90 bytes; answered gRPC 0" in text
    assert text.splitlines()[-1] == (
        "#7 ended after 60.0 s: 12 requests, 24 items, 1000 bytes; 1000 of them went to "
        "collector:4317, 80 came back"
    )


def test_no_markup_and_no_escape_of_a_peer_is_printed() -> None:
    """Brackets stay brackets; control characters were escaped on their way here."""
    named = replace(HELLO, server_name="[bold]a[/bold]")
    assert "for [bold]a[/bold];" in render((named, FAILED))
    assert "\x1b" not in render((named, FAILED))


def test_nothing_of_a_hostile_exporter_is_raw(tmp_path: Path) -> None:
    """Names, protocols, subjects, paths, user agents: no control character reaches the output."""
    evil = "\x1b]0;x\x07\x1b[2J\u202e\n"
    files = make_files(tmp_path)
    session = ExporterSession(make_settings(files, accept_any=True), 1, f"192.0.2.7{evil}:1")
    stranger = OTHER_CA.issue(f"exporter{evil}")
    client = Client(session, client_context(stranger, "1.3"), alpn=(), name=b"a\x1b[31m\x07\xff")
    head = f"POST /v1/traces/{'%1b'}\x7f HTTP/1.1\r\nHost: a\r\nUser-Agent: a\x9b31m{chr(0x85)}\r\n"
    client.run(f"{head}Content-Type: a/b\x9bc\r\nContent-Length: 0\r\n\r\n".encode("latin-1"))
    seen = session.describe(), diagnose(files, session)
    for text in (render(seen), encode_connection(seen).decode()):
        hidden = [one for one in text if one != "\n" and not one.isprintable()]
        assert hidden == [], text


def test_what_is_printed_is_what_the_schema_says(tmp_path: Path) -> None:
    """A connection of each kind: a document, and a line of jsonl."""
    files = make_files(tmp_path)
    definitions = json.loads(json.dumps(build_output_schema()))
    of_a_line = Draft202012Validator(
        {"$ref": "#/$defs/ListenedConnection", "$defs": definitions["$defs"]}
    )
    connections = []
    for number, issued in enumerate(
        (CLIENT_CA.issue("exporter"), OTHER_CA.issue("exporter"), None)
    ):
        session = ExporterSession(make_settings(files), number + 1, "192.0.2.7:1")
        Client(session, client_context(issued, "1.3")).run(make_grpc_request(b""))
        connections.append((session.describe(), diagnose(files, session)))
    scan = ExporterSession(make_settings(files), 4, "192.0.2.7:1")
    scan.end("close")
    connections.append((scan.describe(), diagnose(files, scan)))
    for one in connections:
        assert list(of_a_line.iter_errors(json.loads(encode_connection(one)))) == []
    document = encode_connections(connections, expected=0, good=1, unreported=0, turned_away=0)
    assert list(Draft202012Validator(definitions).iter_errors(json.loads(document))) == []
