"""Specifies `explain`: what pasted error lines are taken for, in either side's log, and how fast."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.causes.catalogue import CATALOGUE
from probe.exporters.alerts import ALERTS, alert_text
from probe.exporters.explain import MOST, Candidate, explain
from probe.exporters.printed import printed
from probe.exporters.recognition import (
    alert_meanings,
    answer_words,
    families,
    file_words,
    network_words,
    pair_words,
    peer_words,
    verification_words,
)
from probe.exporters.recognition.alert_words import ALERT_NAMES, AlertSeen, alerts
from probe.exporters.recognition.pasted import LONGEST, normal_form, read
from probe.exporters.recognition.sign import Sign
from probe.exporters.recognition.tell_apart import TELL_APART
from probe.exporters.runtime import CURL, RUNTIMES, Runtime
from tests.unit.printed_lines import BACKEND_LINES, EXPORTER_LINES, Line

SLOWEST = 1.0
"""Seconds for the most hostile paste, on a busy machine."""
SIGNS = (
    *verification_words.VERIFICATION_SIGNS,
    *peer_words.PEER_SIGNS,
    *pair_words.PAIR_SIGNS,
    *network_words.NETWORK_SIGNS,
    *answer_words.ANSWER_SIGNS,
    *(
        phrase.sign
        for which in ("client", "ca", "unknown")
        for phrase in file_words.file_phrases(which)
    ),
)


def first(text: str) -> str | None:
    """Return the likeliest cause."""
    candidates = explain(text)
    return candidates[0].cause if candidates else None


def ids(text: str) -> list[str]:
    """Return all candidates' causes, best first."""
    return [candidate.cause for candidate in explain(text)]


@pytest.mark.parametrize("line", EXPORTER_LINES, ids=lambda line: f"{line.runtime}-{line.cause}")
def test_a_line_of_an_exporter(line: Line) -> None:
    """What an exporter's runtime prints leads to the cause that it usually means."""
    assert first(line.text) in {line.cause, *line.or_else}
    assert line.cause in ids(line.text)[:3]


@pytest.mark.parametrize("line", BACKEND_LINES, ids=lambda line: f"{line.runtime}-{line.cause}")
def test_a_line_of_a_backend(line: Line) -> None:
    """The same words in a backend's log are about the other party."""
    assert first(line.text) in {line.cause, *line.or_else}
    assert line.cause in ids(line.text)[:3]


@pytest.mark.parametrize("number", sorted(ALERTS))
@pytest.mark.parametrize("runtime", RUNTIMES, ids=lambda runtime: runtime.id)
def test_an_alert_in_any_runtimes_words(runtime: Runtime, number: int) -> None:
    """Every runtime's spelling of an alert is read as that alert and no other."""
    if runtime is CURL and number == 45:
        assert first(alert_text(runtime, number)) == "client_cert_expired"
        return

    seen = alerts(read(alert_text(runtime, number)))

    assert [alert.number for alert in seen] == [number]


@pytest.mark.parametrize("number", sorted(ALERT_NAMES))
@pytest.mark.parametrize(
    "form",
    [
        "alert {name}", "Received fatal alert: {name}", "AlertReceived({camel})",
        "SSL alert number {number}", "SSL3 alert read:fatal:{words}", "*** Received alert [{number}]",
        "error:0A000{packed}:SSL routines::", "error:14094{packed}:SSL routines:ssl3_read_bytes",
        "error:10000{packed}:SSL routines:OPENSSL_internal:", "|{decimal}:SSL routines",
        "TLSv1.3 (IN), TLS alert, {words} ({curl}):", "reason({reason})",
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

    assert [alert.number for alert in alerts(read(text))] == [number]


def test_words_that_are_no_alert() -> None:
    """A number or a name alone, without a word of an alert, is none."""
    for text in ("port 48", "unknown ca", "error:0A000086:SSL routines", "alertmanager 42"):
        assert alerts(read(text)) == ()


def test_a_sent_alert_judges_the_other_side() -> None:
    """Curl's OUT and OpenSSL's `alert write` are the printing side's own refusal."""
    assert first("* TLSv1.3 (OUT), TLS alert, unknown CA (560):") == "server_ca_untrusted"
    assert first("* TLSv1.3 (IN), TLS alert, unknown CA (560):") == "client_ca_untrusted"
    assert first("SSL3 alert write:fatal:certificate expired") == "server_cert_expired"


@pytest.mark.parametrize(
    ("words", "exporter", "backend"),
    [
        ("certificate signed by unknown authority", "server_ca_untrusted", "client_ca_untrusted"),
        ("certificate has expired", "server_cert_expired", "client_cert_expired"),
        ("certificate is not yet valid", "server_cert_not_yet_valid", "client_cert_not_yet_valid"),
        ("unsuitable certificate purpose", "server_cert_wrong_usage", "client_cert_wrong_usage"),
        ("EE certificate key too weak", "server_cert_weak", "client_cert_weak"),
        ("certificate revoked", "server_cert_revoked", "client_cert_revoked"),
        ("remote error: tls: unknown certificate authority", "client_ca_untrusted", "server_ca_untrusted"),
    ],
)  # fmt: skip
def test_the_same_words_mean_opposite_parties(words: str, exporter: str, backend: str) -> None:
    """Who printed a verdict decides whose certificate it is about."""
    assert first(f'Post "https://gw:4318/v1/traces": {words}') == exporter
    assert first(f"http: TLS handshake error from 10.0.0.9:51000: {words}") == backend


def test_a_verdict_of_nobody_names_both_parties() -> None:
    """Where nothing says who printed it, the exporter's reading leads and the other is named."""
    named = ids("certificate verify failed: self-signed certificate")

    assert named[0] == "server_ca_untrusted"
    assert "client_ca_untrusted" in named[:3]


def test_a_proxy_is_the_client_of_its_upstream() -> None:
    """Nginx's words about its upstream are an exporter's words, though a server prints them."""
    text = "upstream SSL certificate verify error: (20:unable to get local issuer certificate) while SSL handshaking to upstream, client: 10.0.0.1"

    assert first(text) == "server_ca_untrusted"


def test_envoys_far_end_tells_the_side() -> None:
    """A port of the system's choice at the far end belongs to a client."""
    line = "remote address:10.0.0.7:{port},TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end"

    assert first(line.format(port=51034)) == "client_ca_untrusted"
    assert first(line.format(port=4317)) == "server_ca_untrusted"


def test_a_withheld_certificate_is_named() -> None:
    """Go and Java read `certificate required` where the backend's list does not name their CA."""
    candidates = explain("remote error: tls: certificate required")

    assert [candidate.cause for candidate in candidates][:2] == [
        "client_cert_not_sent",
        "client_ca_untrusted",
    ]
    assert "list" in candidates[1].why


def test_dates_in_gos_words() -> None:
    """Go has one sentence for both faults; what stands after it decides."""
    both = "x509: certificate has expired or is not yet valid"

    assert first(f"{both}: current time 2031-01-02T00:00:00Z is after 2031-01-01T00:00:00Z") == "server_cert_expired"  # fmt: skip
    assert first(f"{both}: current time 2030-01-01T00:00:00Z is before 2031-01-01T00:00:00Z") == "server_cert_not_yet_valid"  # fmt: skip
    assert {"server_cert_expired", "server_cert_not_yet_valid", "clock_skew"} <= set(ids(both))


def test_the_reason_is_heard_over_its_envelope() -> None:
    """An alert within `UNAVAILABLE … failed to connect` is the cause, not the envelope."""
    text = (
        "StatusCode.UNAVAILABLE, failed to connect to all addresses; last error: UNKNOWN: "
        "ipv4:10.0.0.1:4317: error:10000412:SSL routines:OPENSSL_internal:SSLV3_ALERT_BAD_CERTIFICATE"
    )

    assert "otlp_unavailable" not in ids(text)
    assert "tcp_refused" not in ids(text)
    assert "client_cert_wrong_usage" in ids(text)
    assert "otlp_unavailable" in ids("StatusCode.UNAVAILABLE")


def test_an_alert_is_not_a_verdict_of_its_own() -> None:
    """`Received alert: certificate expired` is about the exporter's certificate alone."""
    assert "server_cert_expired" not in ids(
        'Post "https://gw:4318": (certificate_expired) Received fatal alert: certificate_expired'
    )


def test_file_faults_name_the_file_that_is_meant() -> None:
    """The words around the fault, or the file's own name, say whether the CA file is at fault."""
    assert first("open /etc/otel/ca.crt: no such file or directory") == "server_ca_file_missing"
    assert first("open /etc/otel/client.key: no such file or directory") == "client_file_missing"
    assert first("open /etc/otel/client.key: permission denied") == "client_file_permission"
    assert first("failed to load CA CertPool: failed to append certs, no start line") == "server_ca_file_malformed"  # fmt: skip


def test_several_lines_are_read_together() -> None:
    """A paste of many lines is answered by the loudest of them."""
    text = "starting\ntimed out, retrying\n  Caused by:\n\tremote error: tls: revoked certificate\ndone\n"

    assert ids(text)[0] == "client_cert_revoked"
    assert "tls_timeout" not in ids(text)


@pytest.mark.parametrize(
    "text",
    ["", " \n\t", "hello", "Everything is ready. Begin running and processing data.", "\x00\x1b[31m",
     "ALPN: server accepted h2", "SSL connection using TLSv1.3 / TLS_AES_128_GCM_SHA256"],
)  # fmt: skip
def test_words_that_say_nothing(text: str) -> None:
    """What is no error, or unknown, gives no candidate rather than a guess."""
    assert explain(text) == ()


def test_what_we_say_that_exporters_print_is_recognised() -> None:
    """Nearly every text on a cause's page leads back to that cause."""
    texts = [
        (cause, one.text.replace("…", "x"))
        for cause in CATALOGUE
        for one in printed(cause)
        if cause != "clock_skew"
    ]
    lost = [(cause, text) for cause, text in texts if cause not in ids(text)]

    assert len(texts) > 200
    assert len(lost) < 0.1 * len(texts), lost


def test_every_cause_named_is_in_the_catalogue() -> None:
    """No sign leads to a cause that has no page, and each that it leads to can be told apart."""
    shapes = [shape.sign for shape in families.FAMILIES]
    of_signs = {
        each.cause for sign in (*SIGNS, *shapes) for each in (*sign.exporter, *sign.backend)
    }
    of_alerts = {
        each.cause
        for number in ALERT_NAMES
        for sent in (True, False)
        for withholds in (True, False)
        for each in alert_meanings.meaning(
            AlertSeen(number, sent), printed_by_backend=False, withholds=withholds
        )
    }

    assert of_signs | of_alerts <= set(CATALOGUE)
    assert set(TELL_APART) == set(CATALOGUE)


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign.why[:40])
def test_a_sign_can_be_heard(sign: Sign) -> None:
    """Each phrase has words in its normal form, and weights are shares."""
    for phrase in sign.phrases:
        assert all(normal_form(part) for part in phrase.split("…")), phrase
    assert all(0 < each.weight <= 1 for each in (*sign.exporter, *sign.backend))


def test_every_alert_means_something() -> None:
    """No alert of the table leaves the reader without a candidate, whichever way it went."""
    for number in ALERT_NAMES:
        for by_backend in (True, False):
            assert alert_meanings.meaning(
                AlertSeen(number, sent=False), printed_by_backend=by_backend, withholds=False
            )


PIECES = st.sampled_from(
    [phrase for sign in SIGNS for phrase in sign.phrases] + ["alert", "remote error:", "\n", "{", "0A000418"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=400), st.lists(PIECES, max_size=30).map(" ".join)))
def test_any_text_gives_sound_candidates(text: str) -> None:
    """Whatever is pasted: no error, known causes, scores from 0 to 1 and falling, no repetition."""
    candidates = explain(text)

    assert len(candidates) <= MOST
    assert len({candidate.cause for candidate in candidates}) == len(candidates)
    assert all(isinstance(candidate, Candidate) for candidate in candidates)
    assert all(candidate.cause in CATALOGUE for candidate in candidates)
    assert all(0 < candidate.score <= 1 for candidate in candidates)
    assert all(candidate.why and candidate.tell_apart for candidate in candidates)
    scores = [candidate.score for candidate in candidates]
    assert scores == sorted(scores, reverse=True)
    assert explain(text) == candidates


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1, max_size=12), PIECES)
def test_hostile_repetition_is_quick(noise: str, piece: str) -> None:
    """A paste made to be slow, longer than is read, takes no time to speak of."""
    text = f"{piece} {noise}" * (LONGEST // (len(piece) + len(noise)) + 1)
    started = time.perf_counter()

    explain(text)

    assert time.perf_counter() - started < SLOWEST


def test_what_lies_beyond_the_cap_is_not_read() -> None:
    """A paste of any length costs as much as the longest that is read."""
    assert explain(" " * LONGEST + "remote error: tls: bad certificate") == ()
    assert explain(" " * (LONGEST - 100) + "remote error: tls: bad certificate") != ()
