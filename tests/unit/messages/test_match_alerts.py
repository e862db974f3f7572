"""Alerts of TLS in pasted lines: found in any runtime's words, and taken for what they mean."""

from probe.messages.patterns import alert_meanings
from probe.messages.patterns.alert_patterns import ALERT_NAMES, PrintedAlert, find_alerts
from probe.messages.patterns.pasted import read_paste
from probe.messages.printed_alerts import PRINTED_ALERTS, get_alert_text
from probe.model.runtime import CURL, RUNTIMES, Runtime
from tests.support.every_row import every_row
from tests.support.explanations import first, ids


@every_row(runtime=RUNTIMES, number=sorted(PRINTED_ALERTS))
def test_an_alert_in_any_runtimes_words(runtime: Runtime, number: int) -> None:
    """Every runtime's spelling of an alert is read as that alert and no other."""
    if runtime is CURL and number == 45:
        assert first(get_alert_text(runtime, number)) == "client_cert_expired"
        return

    seen = find_alerts(read_paste(get_alert_text(runtime, number)))

    assert [alert.number for alert in seen] == [number]


@every_row(
    number=sorted(ALERT_NAMES),
    form=[
        "alert {name}", "Received fatal alert: {name}", "AlertReceived({camel})",
        "SSL alert number {number}", "SSL3 alert read:fatal:{words}", "*** Received alert [{number}]",
        "error:0A000{packed}:SSL routines::", "error:14094{packed}:SSL routines:ssl3_read_bytes",
        "error:10000{packed}:SSL routines:OPENSSL_internal:", "|{decimal}:SSL routines",
        "TLS error: {decimal}:SSL routines:OPENSSL_internal", "alert {number}",
        "TLSv1.3 (IN), TLS alert, {words} ({curl}):", "lib(20)::reason({reason})",
        "[SSL routines:OPENSSL_internal:reason({reason})]", "remote error: tls: alert({number})",
        "Info: 192.0.2.1:4317 0/000000000A000{packed}/0/0/0", "Alert[2|{number}] - was received",
        "The TLS protocol defined fatal alert code is {number}.",
        "is a fatal alert message (msg {number})", "got an alert message, type: [2:{number}]",
    ],
)  # fmt: skip
def test_an_alert_by_name_or_number(form: str, number: int) -> None:
    """The alert is found by its structure: a name after `alert`, or a number in any packing."""
    name = ALERT_NAMES[number][0]
    text = form.format(
        name=name,
        words=name.replace("_", " "),
        camel="".join(part.capitalize() for part in name.split("_")),
        number=number,
        packed=f"{1000 + number:03x}",
        decimal=0x10000000 + 1000 + number,
        curl=512 + number,
        reason=1000 + number,
    )

    assert [alert.number for alert in find_alerts(read_paste(text))] == [number]


def test_words_that_are_no_alert() -> None:
    """A number or a name alone, without the word "alert", is not an alert."""
    for text in ("port 48", "unknown ca", "error:0A000086:SSL routines", "alertmanager 42"):
        assert find_alerts(read_paste(text)) == ()


@every_row(
    number=sorted(ALERT_NAMES),
    form=[
        "export failed (request 100{packed}): {reset}", "otelcol[100{packed}]: {reset}",
        "trace_id=10000{packed} span_id=0A000{packed}", "id 14094{packed}: deadline exceeded",
        "0A000{packed}", "pid 10000{packed}", "build 0a000{packed} of the exporter",
        "reason({reason})", "job/10000{packed}/", "|{decimal}", "record {decimal}: {reset}",
        "alert {number} of 120 is firing", "prometheus alert number {number} resolved: {reset}",
        "received alert {number} from alertmanager: {reset}",
    ],
)  # fmt: skip
def test_a_bare_number_is_not_an_alert(form: str, number: int) -> None:
    """Digits of a request, a process, a trace or a rule are not read as an alert."""
    text = form.format(
        packed=f"{1000 + number:03x}",
        number=number,
        reason=1000 + number,
        decimal=0x10000000 + 1000 + number,
        reset="connection reset by peer",
    )

    assert find_alerts(read_paste(text)) == ()


def test_a_sent_alert_judges_the_other_side() -> None:
    """Curl's OUT and OpenSSL's `alert write` are the printing side's own refusal."""
    assert first("* TLSv1.3 (OUT), TLS alert, unknown CA (560):") == "server_ca_untrusted"
    assert first("* TLSv1.3 (IN), TLS alert, unknown CA (560):") == "client_ca_untrusted"
    assert first("SSL3 alert write:fatal:certificate expired") == "server_cert_expired"


def test_an_alert_is_not_a_verdict_of_its_own() -> None:
    """`Received alert: certificate expired` is about the exporter's certificate alone."""
    assert "server_cert_expired" not in ids(
        'Post "https://gw:4318": (certificate_expired) Received fatal alert: certificate_expired'
    )


def test_every_alert_means_something() -> None:
    """No alert of the table leaves the reader without a candidate, whichever way it went."""
    for number in ALERT_NAMES:
        for by_backend in (True, False):
            assert alert_meanings.read_alert(
                PrintedAlert(number, sent=False), printed_by_backend=by_backend, withholds=False
            )
