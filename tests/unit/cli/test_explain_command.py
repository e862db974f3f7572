"""`mtls-probe explain`: candidates for words, and the page of a cause."""

import json

import pytest
from click.testing import CliRunner

from probe.cli.explain_command import explain as command
from probe.diagnosis.catalogue import CATALOGUE


def run(*arguments: str, stdin: str | bytes | None = None) -> tuple[int, str, str]:
    """Run the command and return its exit code, standard output and standard error."""
    done = CliRunner().invoke(command, arguments, input=stdin, standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.return_value, done.stdout, done.stderr


def test_the_command_lists_candidates() -> None:
    """Best first, each with its score, why, and how to tell it apart; exit 0."""
    code, out, _ = run("remote error: tls: bad certificate")

    assert code == 0
    assert "any of these 6" in out
    assert out.index("client_cert_wrong_usage") < out.index("Possible, too") < out.index("server_")
    assert "tell apart" in out
    assert "mtls-probe check --pid PID" in out


def test_words_need_no_quotes_and_may_begin_with_a_dash() -> None:
    """Several arguments are one text; a dash at its beginning is not an option."""
    for words in (("remote", "error:", "tls:", "bad", "certificate"),
                  ("--- remote error: tls: bad certificate",),
                  ("-handshake failed: remote error: tls: bad certificate",)):  # fmt: skip
        code, out, _ = run(*words)
        assert code == 0
        assert "client_cert_wrong_usage" in out


def test_a_dash_alone_reads_stdin() -> None:
    """A whole log may be piped in, whatever bytes it holds."""
    code, out, _ = run("-", stdin=b"\xff\xfe\n remote error: tls: revoked certificate\n")

    assert code == 0
    assert "client_cert_revoked" in out


def test_candidates_as_json() -> None:
    """The document has the schema and the candidates, and nothing of what was pasted."""
    code, out, _ = run("--output", "json", "remote error: tls: unknown certificate authority pw=x9")
    document = json.loads(out)

    assert code == 0
    assert document["schema"] == "mtls-probe/1"
    assert set(document["candidates"][0]) == {"cause", "score", "why", "tell_apart"}
    assert document["undecided"] == 2
    assert document["exporter"] is None
    assert document["candidates"][0]["cause"] == "client_ca_untrusted"
    assert "x9" not in out


def test_the_exporter_that_printed_it_gets_its_own_advice() -> None:
    """A frame shows who printed the text, and the names of its settings follow."""
    text = (
        "noise\n2026-01-01T00:00:00Z noise\n2026-01-01T00:00:01Z javax.net.ssl.SSLHandshakeException: "
        "Received fatal alert: certificate_required\n\tat okhttp3.internal.connection.X.y(X.kt:1)"
    )
    document = json.loads(run("--output", "json", "-", stdin=text)[1])
    shown = run("-", stdin=text)[1]

    assert document["exporter"] == "java-okhttp"
    assert document["line"] == 3
    assert any("drops the client certificate" in each for each in document["advice"])
    assert "from line 3" in shown
    assert "Printed by: Java SDK and agent, OkHttp" in shown
    assert all(each in shown for each in document["advice"])


def test_one_cause_is_no_group() -> None:
    """Where the text decides, no check is needed to do so."""
    _, out, _ = run("remote error: tls: revoked certificate")

    assert "any of these" not in out
    assert "--pid" not in out


def test_unknown_words_exit_1_and_say_what_to_do() -> None:
    """Where nothing fits, the reader learns what to paste and what to run."""
    code, out, err = run("the quick brown fox")

    assert (code, out) == (1, "")
    assert "mtls-probe check" in err
    assert json.loads(run("--output", "json", "the quick brown fox")[1])["candidates"] == []


def test_a_cause_has_its_page() -> None:
    """An id prints the cause's page, as text or as JSON, in either case and with hyphens too."""
    code, out, _ = run("client_ca_untrusted")
    assert code == 0
    assert CATALOGUE["client_ca_untrusted"].title in out
    assert run("client-ca-untrusted")[1] == out

    document = json.loads(run("clock_skew", "--output", "json")[1])
    assert document["schema"] == "mtls-probe/1"
    assert document["cause"]["id"] == "clock_skew"
    assert document["cause"]["fix"] == list(CATALOGUE["clock_skew"].fix)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("client_ca_untrustd", "client_ca_untrusted"), ("clock_scew", "clock_skew"),
     ("connection_resett", "connection_reset"), ("dns_failur\x1b", "dns_failure")],
)  # fmt: skip
def test_a_mistyped_cause_names_the_nearest(typed: str, meant: str) -> None:
    """One word that is nearly a cause is a mistake on the command line: exit 2."""
    done = CliRunner().invoke(command, [typed])

    assert done.exit_code == 2
    assert meant in done.stderr
    assert "\x1b" not in done.stderr


def test_an_alerts_name_is_no_mistyped_cause() -> None:
    """`CERT_HAS_EXPIRED` and `ECONNREFUSED` are errors in one word."""
    assert run("CERT_HAS_EXPIRED")[0] == 0
    assert run("ECONNREFUSED")[0] == 0


def test_no_text_is_a_mistake() -> None:
    """Nothing on the command line, or on stdin, is a mistake: exit 2."""
    assert CliRunner().invoke(command, []).exit_code == 2
    assert CliRunner().invoke(command, ["-"], input=" \n").exit_code == 2
