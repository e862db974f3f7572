"""What may be quoted of a value in the wrong place, and what stands for the rest."""

import base64
import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from probe.model.target import ClockSource
from probe.text.description import (
    MOST_EXCEPTIONS,
    NAME_MAX,
    PATH_MAX,
    NotAPathError,
    describe_bug,
    describe_key,
    describe_path,
    describe_text,
    describe_url_path,
    describe_value,
    is_description,
    is_plausible_path,
    refuse_non_path,
    remove_quotes,
)
from tests.support.every_row import every_row
from tests.support.pki import key_pem

KEY: Final = ec.derive_private_key(int.from_bytes(sha256(b"a key").digest()), ec.SECP256R1())
"""The same in every run, since names of tests are made of it."""
PEM: Final = key_pem(KEY).decode()
BODY: Final = "".join(PEM.splitlines()[1:-1])
RSA_LINE: Final = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
JWT: Final = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwcm9iZSJ9.c2lnbmF0dXJlLW9mLWl0"
JWK: Final = json.dumps({"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQ"})

NO_PATHS: Final = {
    "PEM": (PEM, "PEM text, "),
    "PEM without the last line break": (PEM.strip(), "PEM text, "),
    "PEM folded by YAML": (PEM.replace("\n", " "), "PEM text, "),
    "PEM with escaped line breaks": (PEM.replace("\n", r"\n"), "PEM text with escaped line breaks"),
    "base64 of PEM": (base64.b64encode(PEM.encode()).decode(), "base64 of PEM text, "),
    "base64 of PEM in lines": (base64.encodebytes(PEM.encode()).decode(), "base64 of PEM text, "),
    "base64 of DER": (BODY, "base64 of DER, "),
    "the first line of a key": (BODY[:64], "base64 of DER, 64 characters"),
    "the first line of an RSA key": (RSA_LINE, "base64 of DER, 64 characters"),
    "a JWT": (JWT, "a JWT, "),
    "a JSON Web Key": (JWK, "a JSON Web Key, "),
    "a token of a known kind": ("glsa_0123456789abcdefABCDEF", "a token, 27 characters"),
    "a URL": ("https://vault:8200/v1/pki?token=s3cret-s3cret", "a URL with a query, "),
    "a URL with a password": ("https://me:s3cret-s3cret@vault/x", "a URL with a user name, "),
    "an env file": ("KEY=s3cret-s3cret\nB=2\n", "text like an env file, 22 characters in 2 lines"),
    "two lines": ("s3cret-s3cret\nmore", "text, 18 characters in 2 lines"),
    "a name too long for a directory": (f"/etc/{'a' * (NAME_MAX + 1)}", "a path, "),
    "a path too long for Linux": ("/a" * (PATH_MAX // 2), "a path, "),
    "a NUL": ("/etc/\0s3cret", "a path, "),
}
PATHS: Final = (
    "/etc/otel/tls.key",
    "tls.key",
    "./-dash.pem",
    "certs/my app/tls key.pem",
    "C:\\certs\\tls.key",
    "/run/secrets/tls_key_prod_2024a1b2c3",
    "sk-production.pem",
    "/etc/app=1/tls.key",
    "/etc/My CERT=1/tls key.pem",
    "name=value.pem",
    "a\x1b[31m.pem",
    "tls_key_prod_2024a1b2c3",
    f"/etc/{'a' * NAME_MAX}",
    "/proc/self/fd/63",
    "schlüssel.pem",
    "~/tls.key",
)


@pytest.mark.parametrize(("text", "shown"), NO_PATHS.values(), ids=NO_PATHS)
def test_what_cannot_be_a_path_is_described(text: str, shown: str) -> None:
    """Its kind and length stand in its place, and nothing of it."""
    assert not is_plausible_path(text)
    assert describe_text(text).startswith(shown)
    assert is_description(describe_path(text))
    assert describe_path(describe_path(text)) == describe_path(text)
    with pytest.raises(NotAPathError) as raised:
        refuse_non_path(text)
    assert str(raised.value.strerror).startswith(f"this is {shown}")
    assert raised.value.filename is None
    assert text not in repr(raised.value)


@pytest.mark.parametrize("text", PATHS)
def test_what_may_be_a_path_stays(text: str) -> None:
    """A name that an exporter could open is opened here too, however odd it is."""
    assert is_plausible_path(text)
    assert describe_path(text) == text
    refuse_non_path(text)


@pytest.mark.parametrize(
    ("text", "allowed", "key"),
    [
        ("htttp", (), ""),
        ("http/json", ("grpc",), "protocol"),
        ("http/protobf", ("http/protobuf",), ""),
        ("1.25", (), ""),
        ("86400000", (), ""),
        ("30seconds", (), ""),
        ("5 minutes", (), ""),
        ("TLS_RSA_WITH_RC4_128_SHA", (), ""),
        ("ECDHE-RSA-AES128-SHA", (), ""),
        ("collector.example.com", (), "targets[0].endpoint"),
        ("collector.example.com:x", (), "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("https://collector.example.com", (), "exporters.otlp.endpoint"),
        ("ftp://collector.example.com:21/", (), "targets[0].endpoint"),
        ("/etc/otel/missing.yaml", (), ""),
        ("missing-file.yaml", (), "sources[0].collector"),
    ],
)
def test_what_is_no_secret_is_quoted(text: str, allowed: tuple[str, ...], key: str) -> None:
    """Who mistypes a protocol or forgets a port sees what was written."""
    assert describe_value(text, allowed, key) == text


@every_row(
    key=["", "targets[0].endpoint", "targets[0].tls", "a.collector.headers"],
    text=[
        *(text for text, _ in NO_PATHS.values()),
        "hunter2hunter2",
        "correct-horse-battery",
        "1234567890123456",
        "Bearer abcdefgh",
        "collector.example.com:4317?token=s3cret",
        "https://collector.example.com/s3cret-s3cret",
        "https://me:s3cret@collector.example.com",
        "abcdef0123456789abcdef0123456789",
        JWT.replace(".", "-"),
    ],
)
def test_what_may_be_a_secret_is_described(text: str, key: str) -> None:
    """Whatever the key, only kind and length are shown."""
    shown = describe_value(text, ("grpc", "http/protobuf"), key)

    assert shown.endswith("(not shown)")
    assert not any(text[at : at + 8] in shown for at in range(len(text) - 7)) or text[:2] == "/a"


@pytest.mark.parametrize(
    "key",
    ["endpoint", "otlp_grpc/backend-2", "server_name_override", "OTEL_EXPORTER", "camelCase",
     "k8s.pod.name", "__scheme__", "x-scope-orgid", "sigv4auth/prod", "TLS13"],
)  # fmt: skip
def test_keys_are_quoted(key: str) -> None:
    """A key of words is shown as it stands."""
    assert describe_key(key) == key


@pytest.mark.parametrize(
    "key",
    ["hunter2secret", "glsa_0123456789abcdef", "correct horse battery", PEM, JWT, "KEY=value-value",
     "Bearer abcdefgh", "abcdef0123456789abcdef0123456789", "9f8e7d6c5b4a"],
)  # fmt: skip
def test_secrets_in_the_place_of_keys_are_described(key: str) -> None:
    """In a swapped mapping the key is the secret."""
    assert is_description(describe_key(key))


@given(st.binary(min_size=15, max_size=60), st.sampled_from(["", "targets[0].endpoint"]))
def test_no_random_token_is_quoted(raw: bytes, key: str) -> None:
    """A token of random bytes is shown neither as a value nor as a key."""
    for text in (base64.urlsafe_b64encode(raw).decode(), raw.hex()):
        if sum(map(str.isdigit, text)) > 1:
            assert text not in describe_value(text, ("grpc", "http/protobuf"), key)
            assert text not in describe_key(text) or len(set(raw)) < 8


def test_a_library_quotes_nothing() -> None:
    """YAML's and msgspec's own words stay; what they quote of a file does not."""
    said = (
        "found undefined alias 'hunter2'; expected '<block end>', but found \"x\" in `$.a`, `str`"
    )
    assert remove_quotes(said) == (
        "found undefined alias …; expected '<block end>', but found … in `$.a`, `str`"
    )


def test_a_token_in_the_path_of_a_url_is_not_shown() -> None:
    """Of a list's or a clock's URL; words, numbers and versions are."""
    assert describe_url_path("/api/hunter2-Sw0rdfish-Zz9/targets") == "/api/…/targets"
    assert describe_url_path(f"/{JWT}") == "/…"
    for path in (
        "",
        "/",
        "/status",
        "/api/v1/targets/42",
        "/collectors.json",
        "/prometheus/sd-eu-1",
    ):
        assert describe_url_path(path) == path
    assert ClockSource("http", "http://c/glsa_0123456789abcdefABCDEF").name == "http://c/…"


SECRET: Final = "hunter2-Sw0rdfish-Zz9"
BUGGED: Final = f"""
import {{module}}

def misread(*_arguments, **_named):
    try:
        int("{SECRET}")
    except ValueError as error:
        raise KeyError("{SECRET}") from error

{{module}}.{{function}} = misread
from probe.cli.main import main
main()
"""
"""The command line with one function of it replaced by one that fails as Python's own do."""


def run_bugged(folder: Path, function: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder` in which `function` has a bug."""
    module, _, name = function.rpartition(".")
    script = BUGGED.format(module=module, function=name)
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def write_configuration(folder: Path) -> None:
    """Write a configuration of one source, which holds a secret."""
    (folder / "m.yml").write_text("sources: [{collector: c.yml}]\n", encoding="utf-8")
    (folder / "c.yml").write_text(f"exporters: {{otlp: {SECRET}}}\n", encoding="utf-8")


@pytest.mark.parametrize("output", ["json", "junit", "prometheus"])
@pytest.mark.slow
def test_a_bug_in_reading_a_source_breaks_no_document(tmp_path: Path, output: str) -> None:
    """Standard output holds the document alone; the log has the place of the bug and no value."""
    write_configuration(tmp_path)
    command = ("check", "--config", "m.yml", "--output", output)
    ended = run_bugged(
        tmp_path, "probe.config.sources.collector.read_collector.read_collector", *command
    )
    assert ended.returncode == 1
    assert ended.stdout.startswith(("{", "<?xml", "# HELP"))
    if output == "json":
        assert "KeyError" in json.loads(ended.stdout)["sources"][0]["error"]
    assert "misread" not in ended.stdout
    assert "misread" in ended.stderr
    assert SECRET not in ended.stdout + ended.stderr


@pytest.mark.slow
def test_a_bug_in_reading_the_configuration_quotes_nothing_of_it(tmp_path: Path) -> None:
    """The traceback of exit code 3 has type and place."""
    write_configuration(tmp_path)
    ended = run_bugged(tmp_path, "probe.config.loader.convert", "validate", "--config", "m.yml")
    assert ended.returncode == 3
    assert "KeyError" in ended.stderr
    assert "ValueError: invalid literal for int() with base 10: …" in ended.stderr
    assert "misread" in ended.stderr
    assert SECRET not in ended.stdout + ended.stderr.replace(f'int("{SECRET}")', "")


def test_a_chain_is_shown_with_its_last_exceptions() -> None:
    """As Python does: what led to it first; what was raised `from None` is left out."""
    try:
        try:
            raise ValueError("first")
        except ValueError:
            raise TypeError("second")  # noqa: B904
    except TypeError as error:
        text = describe_bug(error)
    assert text.index("ValueError: first") < text.index("TypeError: second")
    try:
        raise TypeError("alone") from None
    except TypeError as error:
        assert describe_bug(error).count("Traceback") == 1
    long: BaseException | None = None
    for number in range(3 * MOST_EXCEPTIONS):
        each = ValueError(str(number))
        each.__cause__ = long
        long = each
    assert long is not None
    assert describe_bug(long).count("Traceback") == MOST_EXCEPTIONS
    long.__cause__ = long
    assert describe_bug(long).count("Traceback") == 1
