"""What exporters print: the tables say what real clients said, and say it of every cause."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import Cause
from probe.model.runtime import (
    COLLECTOR,
    CURL,
    DOTNET,
    GO,
    GO_GRPC,
    GO_HTTP,
    JAVA,
    JAVA_OKHTTP,
    NODE_GRPC,
    NODE_HTTP,
    PYTHON_GRPC,
    PYTHON_HTTP,
    RUNTIMES,
    RUST,
    Runtime,
)
from probe.model.tls_alerts import TlsAlert
from probe.report.message_table import load_printed_texts, load_refusal_texts
from probe.report.printed_texts import MOST_TEXTS, PrintedText, parse_printed
from tests.support.every_row import every_row

CORPORA: Final = Path(__file__).parents[2] / "corpora"
RECORDED: Final[dict[Runtime, str]] = {
    COLLECTOR: "grpc-go",
    **dict.fromkeys(GO, "go net/http"),
    **dict.fromkeys(JAVA, "java HttpsURLConnection"),
    PYTHON_GRPC: "python grpcio",
    PYTHON_HTTP: "python ssl",
    NODE_GRPC: "node https",
    NODE_HTTP: "node https",
    **dict.fromkeys(RUST, "uv rustls"),
    CURL: "curl openssl",
}
"""The client of the recorded alerts that has each runtime's TLS library."""
LIKE: Final[dict[str, str]] = {
    COLLECTOR.id: r"go |grpc-go|otel collector",
    **{each.id: r"go |grpc-go|otel collector" for each in GO},
    **{each.id: r"java|grpc-java" for each in JAVA},
    PYTHON_GRPC.id: r"python (grpcio|otlp exporter \(grpc\))|curl \(BoringSSL\)",
    PYTHON_HTTP.id: r"python (ssl|requests|otlp exporter \(http\))",
    NODE_GRPC.id: r"node",
    NODE_HTTP.id: r"node",
    **{each.id: r"uv|rust|tonic|reqwest" for each in RUST},
    DOTNET.id: r"\.net|openssl|curl",
    CURL.id: r"curl|openssl|http response|python ssl",
}
"""Whose recorded lines have the words of each runtime (curl and .NET: of OpenSSL)."""
RECORDINGS: Final = "recorded from real exporters: tests/corpora"
"""How the `source` of a file begins whose texts the corpora hold, where a row has no other."""
OWN_TEMPLATES: Final = re.compile(
    r"rpc error: code = \w+ desc|responded with HTTP [Ss]tatus [Cc]ode \d|gRPC status code \d"
    r"|Server (is UNAVAILABLE|responded with UNIMPLEMENTED)|StatusCode\.|\d+ [A-Z_]+: …"
    r"|The requested URL returned error"
    r"|code: \d+, reason: |OTLPExporterError: "
)
"""Derived from a status by an exporter's template (answer_words)."""

NEEDED: Final = {
    COLLECTOR.id,
    GO_GRPC.id,
    GO_HTTP.id,
    JAVA_OKHTTP.id,
    PYTHON_GRPC.id,
    PYTHON_HTTP.id,
    NODE_HTTP.id,
    CURL.id,
}


def texts_of(cause: Cause) -> tuple[PrintedText, ...]:
    """Return what exporters print for `cause`."""
    return load_printed_texts().list_texts(cause.id, cause.alerts)


def has(pattern: str, line: str) -> bool:
    """Whether the pieces of `pattern` stand in `line` in their order."""
    return re.search(".*?".join(map(re.escape, pattern.split("…"))), line, re.DOTALL) is not None


@cache
def recorded_alerts() -> dict[str, dict[str, str]]:
    """Return the recorded strings by alert number and client."""
    found: dict[str, dict[str, str]] = json.loads(
        (CORPORA / "alert_strings_by_runtime.json").read_text(encoding="utf-8")
    )
    return found


@cache
def corpus() -> list[dict[str, str]]:
    """Return the recorded lines of clients."""
    text = (CORPORA / "error_corpus.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("runtime", RECORDED, ids=lambda runtime: runtime.id)
def test_the_words_for_an_alert_are_the_recorded_ones(runtime: Runtime) -> None:
    """Each of the 21 alerts stands in what the real client printed for it, word by word."""
    said = {
        number: load_refusal_texts().get_alert_text(runtime, int(number))
        for number in recorded_alerts()
    }
    # curl has other words for the alert that the backend's certificate_expired is.
    own = "curl: (60) SSL certificate verification failed"

    assert all(said.values())
    assert [
        (text, recorded_alerts()[number][RECORDED[runtime]])
        for number, text in said.items()
        if text not in recorded_alerts()[number][RECORDED[runtime]] and text != own
    ] == []


def test_the_words_of_a_cause_were_recorded_or_read_in_a_source() -> None:
    """Nothing is invented: a text stands in the corpus or the alerts, or names its source."""
    lines = [(row["runtime"], row["message"]) for row in corpus()]
    lines += [
        (who, said) for strings in recorded_alerts().values() for who, said in strings.items()
    ]
    unknown = {
        (runtime, one.text)
        for one in load_printed_texts().rows
        for runtime in one.exporters
        if (one.source.startswith(RECORDINGS) or not one.source)
        and one.alert is None
        and not OWN_TEMPLATES.search(one.text)
        and not any(has(one.text, said) for who, said in lines if re.match(LIKE[runtime], who))
    }

    assert unknown == set()


@every_row(cause=CATALOGUE.values())
def test_every_cause_has_words_or_a_reason(cause: Cause) -> None:
    """What a user reads leads to the cause's page; where there is nothing, it is said why."""
    assert bool(texts_of(cause)) != bool(cause.not_printed), cause.id


@every_row(
    cause=[
        cause
        for cause in CATALOGUE.values()
        if (cause.documented_cause or cause.family in {"server_identity", "negotiation"})
        and not cause.not_printed
    ]
)
def test_the_causes_of_tls_have_words_of_every_runtime(cause: Cause) -> None:
    """The Collector, Go, Java, both of Python, Node and curl: .NET only where it is known."""
    missing = NEEDED - {one.runtime_id for one in texts_of(cause)}

    assert missing == {runtime.id for runtime in cause.harmless_to} & NEEDED, cause.id


@every_row(cause=CATALOGUE.values())
def test_a_text_is_short_and_of_one_runtime(cause: Cause) -> None:
    """It stands in a list: one line, no port, no path, and no text twice."""
    ids = {runtime.id for runtime in RUNTIMES}

    assert len(set(texts_of(cause))) == len(texts_of(cause))
    for one in texts_of(cause):
        assert isinstance(one, PrintedText)
        assert one.runtime_id in ids
        assert 0 < len(one.text) <= 160
        assert one.text.isprintable()
        assert not re.search(r":\d{4,5}\b|/etc/|/v1/", one.text)


def test_what_withholds_a_certificate_prints_that_one_is_required() -> None:
    """Go's and Java's users read something else than what is wrong, OpenSSL's read unknown_ca."""
    texts = {(one.runtime_id, one.text) for one in texts_of(CATALOGUE["client_ca_untrusted"])}

    assert ("go-grpc", "remote error: tls: certificate required") in texts
    assert ("collector", "remote error: tls: certificate required") not in texts
    assert ("java-okhttp", "Received fatal alert: certificate_required") in texts
    assert ("curl", "SSL routines::tlsv13 alert certificate required") not in texts
    assert ("curl", "SSL routines::tlsv1 alert unknown ca") in texts


def test_causes_have_only_alerts_whose_words_are_known() -> None:
    """Every exporter but .NET has words for each alert that a cause may have."""
    numbers = {number for cause in CATALOGUE.values() for number in cause.alerts}

    assert all(
        load_refusal_texts().get_alert_text(runtime, number)
        for runtime in RUNTIMES
        for number in numbers
    )


def test_what_is_not_known_is_empty() -> None:
    """An alert, a runtime or a cause without words gives none."""
    texts = load_refusal_texts()

    assert texts.get_alert_text(CURL, TlsAlert.USER_CANCELED) == ""
    assert texts.get_refusal_text(DOTNET, "close") == ""
    assert texts.get_refusal_text(DOTNET, "http") == ""
    assert load_printed_texts().list_texts("no_such_cause") == ()


def test_the_comparison_reads_the_rows_of_the_pages() -> None:
    """The one file that a service reads has the same words as the whole table."""
    for runtime in RUNTIMES:
        for refusal in ("close", "http"):
            assert load_refusal_texts().get_refusal_text(
                runtime, refusal
            ) == load_printed_texts().get_refusal_text(runtime, refusal)
        assert load_refusal_texts().get_alert_text(
            runtime, 42
        ) == load_printed_texts().get_alert_text(runtime, 42)


MEANINGS: Final = """
[refused]
why = "nothing listens"
level = "reason"
causes = ["tcp_refused"]
[ended]
why = "the connection ended"
level = "ended"
causes = ["connection_reset", "client_ca_untrusted"]
"""


def test_a_page_shows_a_row_where_its_meaning_has_the_cause() -> None:
    """`pages` says otherwise, `show = false` hides, and an ending is where it fits best."""
    rows = """
[[text]]
print = ["connection {refused|rejected}"]
means = "refused"
by = ["curl"]
[[text]]
print = ["connection refused by peer"]
means = "refused"
by = ["curl"]
show = false
[[text]]
print = ["it ended so"]
means = "ended"
by = ["curl"]
[[text]]
print = ["it ended otherwise"]
means = "ended"
by = ["curl"]
pages = ["client_ca_untrusted"]
[[text]]
print = ["nobody's"]
means = "refused"
"""
    texts = parse_printed({"meanings": MEANINGS, "some": rows})

    def of(cause: str) -> list[str]:
        return [each.text for each in texts.list_texts(cause)]

    assert of("tcp_refused") == ["connection refused", "connection rejected"]
    assert of("connection_reset") == ["it ended so"]
    assert of("client_ca_untrusted") == ["it ended otherwise"]


def test_a_page_repeats_no_piece_and_has_an_end() -> None:
    """Of two texts, of which one holds the other, the whole one is shown; and few in all."""
    many = ", ".join(f'"connection number {at:02} refused"' for at in range(30))
    rows = f"""
[[text]]
print = ["refused", "connection refused", {many}]
means = "refused"
by = ["curl"]
"""
    found = parse_printed({"meanings": MEANINGS, "some": rows}).list_texts("tcp_refused")

    assert len(found) == MOST_TEXTS
    assert found[0].text == "connection refused"
