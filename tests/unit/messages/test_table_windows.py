"""Specifies the rows of Windows and .NET: every number in every form, every event, every language."""

import pytest

from probe.messages.normal_form import normalize_text
from probe.messages.table import Level
from probe.report.message_table import load_message_table
from tests.support.explanations import explain, first

HRESULTS = [
    (0x80090308, "not_tls"),
    (0x8009030D, "client_file_permission"),
    (0x8009030E, "client_file_malformed"),
    (0x80090322, "server_name_mismatch"),
    (0x80090324, "clock_skew"),
    (0x80090325, "server_ca_untrusted"),
    (0x80090326, "no_shared_cipher"),
    (0x80090328, "server_cert_expired"),
    (0x80090331, "no_shared_cipher"),
    (0x80090349, "server_cert_wrong_usage"),
    (0x80090367, "alpn_mismatch"),
    (0x80092010, "server_cert_revoked"),
    (0x80092012, "server_cert_revoked"),
    (0x80092013, "server_cert_revoked"),
    (0x8009310B, "client_file_malformed"),
    (0x800B0101, "server_cert_expired"),
    (0x800B0109, "server_ca_untrusted"),
    (0x800B010A, "server_ca_untrusted"),
    (0x800B010C, "server_cert_revoked"),
    (0x800B010F, "server_name_mismatch"),
    (0x800B0110, "server_cert_wrong_usage"),
    (0x80070005, "client_file_permission"),
    (0x80070056, "client_key_encrypted"),
    (0x80072AF9, "dns_failure"),
    (0x8007274D, "tcp_refused"),
    (0x80072F06, "server_name_mismatch"),
    (0x80072F0C, "client_cert_not_sent"),
    (0x80072F0D, "server_ca_untrusted"),
]
FORMS = [
    "Win32Exception (0x{n:08X}): …",
    "hr = 0x{n:08x}",
    "error 0X{n:08X}",
    "failed with {n:08X}",
    "returned {n:08x}",
    "status={n}",
    "(os error {signed})",
    "Os {{ code: {signed}, kind: Uncategorized }}",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("number", "cause"), HRESULTS, ids=str)
def test_an_hresult_is_known_in_every_form(number: int, cause: str, form: str) -> None:
    """A number says the same whether a program prints it in hexadecimal, unsigned or signed."""
    text = f"of otlp: {form.format(n=number, signed=number - 2**32)}"

    assert first(text) == cause


@pytest.mark.parametrize("number", [0x80004005, 0x80131509, 0x00000000, 0x80090300, 0x8009FFFF])
@pytest.mark.parametrize("form", FORMS)
def test_a_number_that_says_nothing_says_nothing(number: int, form: str) -> None:
    """E_FAIL and the numbers of .NET's exceptions are on every error."""
    text = f"of otlp: {form.format(n=number, signed=number - 2**32)}"

    assert not explain(text)


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (10054, "connection_reset"), (10053, "connection_reset"), (10060, "tcp_timeout"), (10061, "tcp_refused"),
        (10051, "network_unreachable"), (10065, "network_unreachable"), (11001, "dns_failure"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "form",
    [
        "SocketException ({n}): …", "[WinError {n}] …", "(os error {n})", "Os {{ code: {n}, kind: Other }}",
        "socket error {n}", "WSA error {n}", "[Errno {n}] …", "error code {n}",
    ],
)  # fmt: skip
def test_a_number_of_winsock_counts_in_the_forms_of_errors(
    number: int, cause: str, form: str
) -> None:
    """The number decides in a language that nobody here reads."""
    assert first(f"exporting spans: {form.format(n=number)}") == cause


@pytest.mark.parametrize("text", ["otlp worker 10061 started", "listening on port 10060 for otlp"])
def test_a_number_alone_is_no_error(text: str) -> None:
    """Processes and ports have such numbers, too."""
    assert not explain(text)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("A fatal alert was received from the remote endpoint. The TLS protocol defined fatal alert code is 48.", "client_ca_untrusted"),
        ("A fatal alert was received from the remote endpoint. The TLS protocol defined fatal alert code is 45.", "client_cert_expired"),
        ("The following fatal alert was received: 70.", "protocol_version_mismatch"),
        ("A fatal alert was generated and sent to the remote endpoint. The TLS protocol defined fatal error code is 48. The Windows SChannel error state is 552.", "server_ca_untrusted"),
        ("The TLS protocol defined fatal error code is 10. The Windows SChannel error state is 1203.", "not_tls"),
        ("The TLS protocol defined fatal error code is 40. The Windows SChannel error state is 1205.", "no_shared_cipher"),
        ("Es wurde eine schwerwiegende Warnung vom Remoteendpunkt empfangen. Die schwerwiegende Warnung hat folgenden für das TLS-Protokoll definierten Code: 48.", "client_ca_untrusted"),
        ("Es wurde eine schwerwiegende Warnung generiert und an den Remoteendpunkt gesendet. Dies kann dazu führen, dass die Verbindung beendet wird. Die schwerwiegende Warnung hat folgenden für das TLS-Protokoll definierten Code: 45.", "server_cert_expired"),
        ("Une alerte irrécupérable a été reçue du point de terminaison distant. Le code d'alerte irrécupérable défini du protocole TLS est 48.", "client_ca_untrusted"),
        ("Schannel 36887 预警代码 TLS 48", "client_ca_untrusted"),
        ("Event ID 36874 Schannel", "no_shared_cipher"),
        ("Ereignis-ID: 36882, Quelle: Schannel", "server_ca_untrusted"),
        ("Quelle: Schannel, Ereignis-ID: 36884", "server_name_mismatch"),
        ("The remote server has requested TLS client authentication, but no suitable client certificate could be found.", "client_cert_not_sent"),
        ("A fatal error occurred when attempting to access the TLS client credential private key. The error code returned from the cryptographic module is 0x8009030D.", "client_file_permission"),
        ("A fatal error occurred while creating a TLS client credential. The internal error state is 10013.", "client_file_permission"),
        ("The certificate received from the remote client application has not validated correctly. The error code is 0x80090325.", "client_ca_untrusted"),
        ("The certificate received from the remote server has not validated correctly. The error code is 0x80090325.", "server_ca_untrusted"),
    ],
)  # fmt: skip
def test_an_event_of_schannel(text: str, cause: str) -> None:
    """An event counts by its text, and in other languages by its number and its alert."""
    assert first(text) == cause


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        ("PartialChain", "server_ca_untrusted"), ("UntrustedRoot", "server_ca_untrusted"), ("NotTimeValid", "server_cert_expired"),
        ("Revoked", "server_cert_revoked"), ("NotValidForUsage", "server_cert_wrong_usage"), ("HasWeakSignature", "server_cert_weak"),
        ("RevocationStatusUnknown, OfflineRevocation", "server_cert_revoked"), ("PartialChain, RevocationStatusUnknown, OfflineRevocation", "server_ca_untrusted"),
        ("UntrustedRoot, OfflineRevocation", "server_ca_untrusted"),
    ],
)  # fmt: skip
def test_a_status_of_a_chain(status: str, cause: str) -> None:
    """What is unknown of revocation follows from what else is wrong with the path."""
    text = f"The remote certificate is invalid because of errors in the certificate chain: {status}"

    assert first(text) == cause


@pytest.mark.parametrize(
    ("text", "exporter", "backend"),
    [
        ("The remote certificate is invalid because of errors in the certificate chain: UntrustedRoot", "server_ca_untrusted", "client_ca_untrusted"),
        ("Cannot determine the frame size or a corrupted frame was received.", "not_tls", "tls_off"),
        ("The handshake failed due to an unexpected packet format.", "not_tls", "tls_off"),
    ],
)  # fmt: skip
def test_kestrel_is_the_backend(text: str, exporter: str, backend: str) -> None:
    """One text of SslStream is about the other party where Kestrel prints it."""
    assert first(f"System.Net.Http.HttpRequestException: … ---> {text}") == exporter
    assert first(f"Kestrel: Failed to authenticate HTTPS connection. {text}") == backend


LANGUAGES = sorted(
    {
        (row.text, row.meaning.name)
        for row in load_message_table().rows
        if row.file == "windows_languages" and row.meaning is not None and row.alert is None
    }
)


@pytest.mark.parametrize(("text", "meaning"), LANGUAGES)
def test_a_text_in_another_language(text: str, meaning: str) -> None:
    """Every text of Windows in another language is found, within a sentence, too."""
    table = load_message_table()
    printed = text.replace("…", "x")
    expected = table.meanings[meaning]

    for paste in (f"SSL: {printed}.", f"--> SSL ({printed.lower()})"):
        named = {each.cause for each in explain(paste)}
        assert named & {*expected.server, *expected.client}, paste
    assert expected.level > Level.CONTEXT


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("UNGÜLTIG", ["ungultig"]),
        ("l\u2019hôte n'est", ["lhote", "nest"]),
        ("远程证书无效", ["远", "程", "证", "书", "无", "效"]),
        ("Code=-1202证书", ["code", "1202", "证", "书"]),
    ],
)
def test_letters_of_every_script_are_compared(text: str, words: list[str]) -> None:
    """Accents do not count; Chinese and Japanese, which have no blanks, are read by character."""
    assert normalize_text(text) == words
