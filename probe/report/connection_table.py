"""What `listen` prints for people: a table that grows with each connection, and stories below it.

All text has passed `safe_text`.
"""

import sys
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, TextIO

from rich.text import Text

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import PARTIES
from probe.model.diagnosis import Diagnosis
from probe.model.exporter_connection import ExporterConnection, ExportRequest
from probe.report.console import break_sentence, make_console
from probe.report.exporter_connections import Seen
from probe.report.outcome import EXPORTER_NAMES, TERMINAL_COLOURS, find_mood
from probe.text.time_format import format_time, rfc3339

_INDENT: Final = 16
_PEER: Final = 22
_EXPORTER: Final = 26
_TLS: Final = 5
_CERTIFICATE: Final = 30
_NOUNS: Final = {
    "traces": "span", "metrics": "data point", "logs": "log record", "profiles": "profile",
}  # fmt: skip
_MOST_STORIES: Final = 256
"""Stories that are remembered, so that each is printed once."""


class ListeningTable:
    """A table that grows by a row for each connection, with the story below where one is due."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to `stream`, by default standard output."""
        self._console = make_console(stream or sys.stdout)
        self._has_head = False
        self._open: dict[int, Seen] = {}
        self._stories: OrderedDict[object, int] = OrderedDict()

    def add(self, seen: Seen) -> None:
        """Print what is new of a connection."""
        connection, diagnosis = seen
        before = self._open.pop(connection.number, None)
        if connection.end == "open":
            self._open[connection.number] = seen
        if before is not None and before[1].outcome == diagnosis.outcome:
            self._print_end(connection)
            return
        text = Text()
        if not self._has_head:
            self._has_head = True
            text.append(_head(), style="bold")
        _append_row(text, connection, diagnosis)
        like = _make_key(connection, diagnosis)
        first = self._stories.setdefault(like, connection.number)
        if len(self._stories) > _MOST_STORIES:
            self._stories.popitem(last=False)
        if first != connection.number:
            text.append(f"  as #{first}")
        else:
            self._append_story(text, connection, diagnosis)
        self._console.print(text, soft_wrap=True)

    def _append_story(
        self, text: Text, connection: ExporterConnection, diagnosis: Diagnosis
    ) -> None:
        before = ""
        for title, sentence in _tell(connection, diagnosis):
            label = "" if title == before else title
            before = title
            for line in break_sentence(sentence, self._console, _INDENT):
                text.append(f"\n  {label:<{_INDENT - 2}}", style="bold")
                text.append(line)
                label = ""

    def _print_end(self, connection: ExporterConnection) -> None:
        requests = (
            f"{connection.request_count} request{'' if connection.request_count == 1 else 's'}"
        )
        line = (
            f"#{connection.number} ended after {connection.seconds:.1f} s: {requests}, "
            f"{connection.items} items, {connection.bytes_received} bytes"
        )
        if connection.forwarded_to:
            line += (
                f"; {connection.bytes_forwarded} of them went to {connection.forwarded_to}, "
                f"{connection.bytes_returned} came back"
            )
        self._console.print(Text(line, style="dim"), soft_wrap=True)


def _make_key(connection: ExporterConnection, diagnosis: Diagnosis) -> object:
    """Return what is the same of connections whose story is the same; numbers in facts differ."""
    return (
        connection.peer.rpartition(":")[0],
        (diagnosis.outcome, diagnosis.cause, diagnosis.certain, len(diagnosis.facts)),
        (connection.server_name, connection.alpn, connection.offer, connection.first_bytes),
        tuple(one.sha256 for one in connection.chain),
        connection.alerts,
        tuple((one.path, one.services, one.answer) for one in connection.requests),
    )


def _head() -> str:
    return (
        f"{'#':<5}{'TIME':<10}{'PEER':<{_PEER}} {'LOOKS LIKE':<{_EXPORTER}} {'TLS':<{_TLS}} "
        f"{'CLIENT CERTIFICATE':<{_CERTIFICATE}} OUTCOME\n"
    )


def _append_row(text: Text, connection: ExporterConnection, diagnosis: Diagnosis) -> None:
    certificate = {"presented": "", "none": "none", "not_reached": "-"}[connection.certificate]
    if connection.chain:
        certificate = connection.chain[0].subject.text or "(empty subject)"
    elif connection.certificate == "presented":
        certificate = "cannot be read"
    outcome = diagnosis.cause or diagnosis.outcome
    if diagnosis.cause and not diagnosis.certain:
        outcome += " (not certain)"
    text.append(
        f"{f'#{connection.number}':<5}{format_time(connection.at)[11:19]:<10}"
        f"{_cut(connection.peer, _PEER)} {_cut(_name_lookalike(connection), _EXPORTER)} "
        f"{connection.version or '-':<{_TLS}} {_cut(certificate, _CERTIFICATE)} "
    )
    mood = find_mood(diagnosis.outcome, expected=diagnosis.outcome == "confirmed")
    text.append(outcome, style=TERMINAL_COLOURS[mood])


def _cut(text: str, width: int) -> str:
    return f"{text if len(text) <= width else f'{text[: width - 1]}…':<{width}}"


def _name_lookalike(connection: ExporterConnection) -> str:
    if connection.offer is None:
        return "-"
    if not connection.looks_near:
        return "none that was measured"
    return ", ".join(connection.looks_like)


def _tell(connection: ExporterConnection, diagnosis: Diagnosis) -> Iterator[tuple[str, str]]:
    """Yield the sentences below a row, each with its label."""
    yield from _tell_hello(connection)
    for certificate in connection.chain:
        valid = f"{rfc3339(certificate.not_before)} to {rfc3339(certificate.not_after)}"
        yield (
            "presented",
            f"{certificate.subject.text}, issued by {certificate.issuer.text}, {valid}",
        )
    for request in connection.requests[:3]:
        yield "request", _describe_request(request)
    if diagnosis.outcome != "confirmed":
        if diagnosis.cause is not None:
            known = CATALOGUE[diagnosis.cause]
            yield "what happened", f"{known.title} ({diagnosis.cause})"
        for fact in diagnosis.facts:
            yield "seen", fact
        if diagnosis.would_decide:
            yield "to decide", diagnosis.would_decide
        if diagnosis.also:
            yield "also", ", ".join(diagnosis.also)
        if diagnosis.party is not None:
            yield "who acts", PARTIES[diagnosis.party]
        for number, step in enumerate(diagnosis.fix, 1):
            yield "fix", f"{number}. {step}"
    for finding in diagnosis.findings:
        yield "note", f"{finding.fact} ({finding.cause})"


def _tell_hello(connection: ExporterConnection) -> Iterator[tuple[str, str]]:
    offer = connection.offer
    if offer is None:
        return
    name = connection.server_name or "no server name"
    alpn = ", ".join(connection.alpn) or "none"
    yield (
        "ClientHello",
        f"for {name}; TLS {offer.min_version} to {offer.max_version}; ALPN {alpn}; "
        f"{len(offer.ciphers)} cipher suites, {len(offer.groups)} groups, "
        f"{len(offer.signature_schemes)} signature schemes; {connection.hello_size} bytes",
    )
    names = ", ".join(EXPORTER_NAMES.get(one, one) for one in connection.looks_like)
    if not connection.differences:
        said = f"exactly as measured of: {names}"
    else:
        count = f"{connection.differences} of {connection.values} values differ"
        nearest = (
            "it looks like" if connection.looks_near else "like none that was measured; nearest"
        )
        said = f"{nearest}: {names} ({count})"
    yield "ClientHello", said


def _describe_request(request: ExportRequest) -> str:
    services = f" of {', '.join(request.services)}" if request.services else ""
    counted = f"not counted: {request.uncounted}" if request.uncounted else ""
    if request.items is not None:
        noun = _NOUNS[request.signal]
        counted = f"{request.items} {noun}{'' if request.items == 1 else 's'}{services}"
    kind = "gRPC" if request.content_type.startswith("application/grpc") else "HTTP"
    what = f"{request.signal or 'no signal of OTLP'} over {kind} ({request.method} {request.path})"
    agent = f", from {request.user_agent}" if request.user_agent else ""
    answer = f"; answered {request.answer}" if request.answer else "; not answered"
    return f"{what}: {counted or 'nothing counted'}, {request.size} bytes{agent}{answer}"
