"""What JavaScript prints around an error says nothing, and its clients' ties hold."""

from probe.messages.explain import explain
from probe.report.message_table import load_message_table

TABLE = load_message_table()


def causes(text: str) -> list[str]:
    """Return the causes with the highest score."""
    explanation = explain(text, TABLE)
    return [each.cause for each in explanation.candidates[: explanation.tied]]


def test_buns_excerpt_of_the_source_says_nothing() -> None:
    """Source lines with numbers come from bun; their words choose no file."""
    error = "ENOENT: no such file or directory, open 'nofile.crt'\n   code: \"ENOENT\""
    excerpt = " 7 | try {\n 8 |   const options = { ca: readFileSync(ca), rootCertificates };\n"
    assert causes(excerpt + error) == causes(error)
    assert "client_file_missing" in causes(error)


def test_fields_without_a_value_say_nothing() -> None:
    """An object that was printed whole lists settings that are not set."""
    error = "RequestError: connect ECONNREFUSED 127.0.0.1:4318"
    options = "\n  https: { certificateAuthority: undefined },\n  errorCodes: [ 'ENOTFOUND', 'EAI_AGAIN' ]"
    assert causes(error + options) == causes(error) == ["tcp_refused"]


def test_a_file_that_was_not_read_goes_before_the_backends_refusal() -> None:
    """The Node SDK goes on without the pair, and the backend then asks for it."""
    refused = "Error: tlsv13 alert certificate required: SSL alert number 116"
    assert causes(f"Failed to read client certificate chain file\n{refused}") == [
        "client_file_missing",
        "client_file_permission",
    ]
    assert "client_cert_not_sent" in causes(refused)


def test_what_undici_never_read_is_a_refusal_by_any_reason() -> None:
    """A socket that was closed before a byte came holds no alert."""
    text = (
        "SocketError: other side closed\n  code: 'UND_ERR_SOCKET', bytesWritten: 237, bytesRead: 0"
    )
    assert "client_cert_not_yet_valid" in causes(text)
