"""The web file of exporter-toolkit's format: what is accepted, what is refused, and where."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probe.config.errors import ConfigurationError
from probe.web.server.web_config import WebConfig
from probe.web.server.web_file import ServerSettings, build_settings, read_document
from tests.support.web_files import CASES, HASH, MTLS, PAIR, Case, ServerPki, mtls, tls, users


@pytest.fixture
def pki(tmp_path: Path) -> ServerPki:
    """Return the files of a server."""
    return ServerPki(tmp_path)


def refusal(file: Path) -> ConfigurationError:
    """Return why `file` is refused."""
    with pytest.raises(ConfigurationError) as raised:
        WebConfig(file)
    return raised.value


def judged(file: Path) -> ServerSettings:
    """Return the settings without loading what they name."""
    return build_settings(read_document(str(file)))


@pytest.mark.parametrize("case", [case for case in CASES if not case.key], ids=str)
def test_a_file_that_means_something_here_is_accepted(case: Case, pki: ServerPki) -> None:
    """Its TLS is on where it names a certificate, and off where it does not."""
    named = isinstance(case.content, dict) and bool(case.content.get("tls_server_config"))

    assert (WebConfig(pki.write(case.content)).ssl_context is not None) == named


@pytest.mark.parametrize("case", [case for case in CASES if case.key], ids=str)
def test_a_file_that_does_not_is_refused_by_its_key(case: Case, pki: ServerPki) -> None:
    """The error names file, line and key."""
    file = pki.write(case.content)

    error = refusal(file)

    assert (error.file, error.line) == (str(file), 2 if case.name == "a key twice" else 1)
    assert error.key == case.key.removeprefix("-")


def test_a_missing_file_is_said_by_its_name(tmp_path: Path) -> None:
    """There is no line then."""
    error = refusal(tmp_path / "web.yml")

    assert (error.file, error.line) == (str(tmp_path / "web.yml"), None)
    assert error.reason == "cannot be read: No such file or directory"


def test_the_line_is_that_of_the_key(pki: ServerPki) -> None:
    """What OpenSSL refuses is found in the file too."""
    text = "tls_server_config:\n  cert_file: server.pem\n  key_file: other-key.pem\n"

    error = refusal(pki.write(text))

    assert (error.line, error.reason) == (3, "is not the certificate's key")


def test_nobody_is_asked_for_a_pass_phrase(pki: ServerPki) -> None:
    """OpenSSL would else wait for one at the terminal."""
    error = refusal(pki.write(tls(key_file="locked-key.pem")))

    assert error.reason == "the key is encrypted, and this server asks for no passphrase"


def test_a_misspelt_value_is_shown_with_what_is_nearest(pki: ServerPki) -> None:
    """So that a mistake is fixed without the manual."""
    error = refusal(pki.write(mtls(client_auth_type="RequireAndVerifyClientCrt")))

    assert error.nearest == "RequireAndVerifyClientCert"


def test_relative_paths_start_from_the_files_folder(
    pki: ServerPki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in exporter-toolkit; absolute ones stay."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    absolute = str(tmp_path / "server-key.pem")

    found = WebConfig(pki.write(tls(key_file=absolute))).settings.tls

    assert found is not None
    assert found.files == (str(tmp_path / "server.pem"), absolute)


def test_a_client_ca_may_stand_in_the_file(pki: ServerPki) -> None:
    """As in exporter-toolkit; a CA is not a secret."""
    given = {**PAIR, "client_auth_type": MTLS["client_auth_type"]}
    text = pki.client_ca.pem.decode()

    config = WebConfig(pki.write({"tls_server_config": {**given, "client_ca": text}}))
    error = refusal(pki.write({"tls_server_config": {**given, "client_ca": "none"}}))

    assert config.ssl_context is not None
    assert len(config.ssl_context.in_force.get_ca_certs()) == 1
    assert error.key == "tls_server_config.client_ca"


def test_only_suites_of_tls_1_3_leave_tls_1_2_without(pki: ServerPki) -> None:
    """As in Go, where such a server has no suite in common with a client of TLS 1.2."""
    some = judged(pki.write(tls(cipher_suites=["TLS_AES_128_GCM_SHA256"]))).tls
    both = judged(pki.write(tls(cipher_suites=["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]))).tls

    assert some is not None
    assert both is not None
    assert (some.cipher_suites, some.min_version) == ((), "TLS13")
    assert (both.cipher_suites, both.min_version) == (("ECDHE-RSA-AES128-GCM-SHA256",), "TLS12")


def test_a_blank_header_is_not_set(pki: ServerPki) -> None:
    """As the format says: unset if blank."""
    content = {"http_server_config": {"headers": {"Content-Security-Policy": ""}}}

    assert judged(pki.write(content)).headers == {}


@pytest.mark.parametrize(
    "content",
    [
        users(prometheus="hunter2hunter2"),
        users(prometheus=31337_31337),
        users(prometheus=["hunter2hunter2"]),
        users(prometheus=HASH, other="hunter2hunter2"),
        {"basic_auth_users": "prometheus:hunter2hunter2"},
        {"basic_auth_users": ["hunter2hunter2"]},
        tls(key="hunter2hunter2"),
        tls(key=31337_31337),
    ],
    ids=range(8),
)
def test_no_error_shows_a_password_or_a_key(content: dict[str, object], pki: ServerPki) -> None:
    """A password that is written in plaintext by mistake is not in the log too."""
    said = str(refusal(pki.write(content)))

    assert "hunter2" not in said
    assert "3133731337" not in said
    assert HASH not in said


def test_settings_do_not_show_hashes(pki: ServerPki) -> None:
    """A value that is printed by accident shows none either."""
    found = judged(pki.write(users(prometheus=HASH)))

    assert found.users == {b"prometheus": HASH.encode()}
    assert HASH not in repr(found)


_LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner)
)
_KEYS = st.sampled_from(
    ("tls_server_config", "http_server_config", "rate_limit", "basic_auth_users", "cert_file",
     "key_file", "client_auth_type", "headers", "interval", "burst", "cipher_suites")
)  # fmt: skip


@pytest.mark.slow
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    content=st.dictionaries(
        _KEYS, _VALUES | st.dictionaries(_KEYS, _VALUES, max_size=4), max_size=4
    )
)
def test_whatever_it_holds_is_settings_or_an_error(
    content: dict[str, object], tmp_path: Path
) -> None:
    """No file makes anything else of it."""
    file = tmp_path / "web.yml"
    file.write_text(json.dumps(content), encoding="utf-8")

    try:
        found = judged(file)
    except ConfigurationError as error:
        assert error.file == str(file)
    else:
        assert isinstance(found, ServerSettings)
