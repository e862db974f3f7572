"""`mtls-probe inspect` shows no key and raises for no file, whatever that holds."""

import base64
import io
import os
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probe.inspection.inspect_files import group_paths, inspect_files
from probe.report.inspection import encode_inspection, print_inspection
from tests.support.inspections import LEAF, ROOT, document, good_files, run
from tests.support.pki import new_key

BODY: Final = 16
"""Characters of base64 that, of a key, may stand nowhere."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an exporter's good files."""
    return good_files(tmp_path)


def test_what_is_no_file_ends_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A FIFO, a folder, a device without an end, a huge file and nothing at all: faults, no wait."""
    os.mkfifo(folder / "fifo")
    with (folder / "huge").open("wb") as file:
        file.truncate(10**10)
    strange = [folder / "fifo", folder, "/dev/zero", folder / "huge", folder / "nothing"]

    assert run(*strange, "--output", "json") == 1

    seen = document(capsys)
    assert [file["format"] for file in seen["files"]] == ["unreadable"] * len(strange)
    assert len(seen["faults"]) == len(strange)


def test_hostile_text_does_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Escapes, markup and line breaks in names and paths are shown, not obeyed."""
    hostile = ROOT.issue("a\x1b]0;owned\x07[red]b\nfault: none", sans=[])
    path = folder / "a\x1b[31m[bold]\t.crt"
    path.write_bytes(hostile.pem)

    run(path)

    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert r"a\x1b]0\;owned\x07[red]b\x0afault: none" in shown
    assert r"a\x1b[31m[bold]\x09.crt" in shown


KEYS: Final = [
    key.private_bytes(encoding, form, encryption)
    for key in (new_key("ec"), new_key("rsa2048"))
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL)
    for encoding in (Encoding.PEM, Encoding.DER)
    for encryption in (NoEncryption(), BestAvailableEncryption(b"x"))
    if not (
        form is PrivateFormat.TraditionalOpenSSL
        and encoding is Encoding.DER
        and not isinstance(encryption, NoEncryption)
    )
]


def bodies(raw: bytes) -> list[str]:
    """Return the base64 of a key file, as it stands in PEM or would."""
    if raw.startswith(b"-----"):
        lines = [
            line for line in raw.split(b"\n") if line and b"-" not in line and b":" not in line
        ]
        return [b"".join(lines).decode()]
    return [base64.b64encode(raw[skipped:]).decode() for skipped in range(3)]


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    raw=st.sampled_from(KEYS),
    before=st.sampled_from([b"", LEAF.pem, b"\xef\xbb\xbf", b"  ", b'{"a": "']),
    edits=st.lists(st.tuples(st.integers(0, 1800), st.integers(0, 255)), max_size=3),
    kept=st.integers(0, 2000),
    wrap=st.sampled_from([bytes, base64.b64encode, lambda raw: raw.replace(b"\n", b"\\n")]),
)  # fmt: skip
def test_no_key_is_ever_printed(
    raw: bytes, before: bytes, edits: list[tuple[int, int]], kept: int, wrap: Any, tmp_path: Path
) -> None:
    """However a key file is damaged or wrapped, 16 characters of it stand nowhere."""
    mutated = bytearray(raw)
    for at, value in edits:
        if at < len(mutated):
            mutated[at] = value
    path = tmp_path / "k"
    path.write_bytes(before + wrap(bytes(mutated[:kept])))

    shown = everything_of(path)

    for body in bodies(raw):
        assert not any(body[at : at + BODY] in shown for at in range(len(body) - BODY))


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    raw=st.binary(max_size=300)
    | st.text(alphabet='-BEGIN CRTFAD\n=:ek\\{"}', max_size=300).map(str.encode)
    | st.builds(
        lambda whole, at, tail: whole[:at] + tail,
        st.sampled_from([LEAF.pem, LEAF.certificate.public_bytes(Encoding.DER), *KEYS]),
        st.integers(0, 1200),
        st.binary(max_size=40),
    )
)  # fmt: skip
def test_any_bytes_end_without_an_exception(raw: bytes, tmp_path: Path) -> None:
    """Whatever a file holds and whatever it is named as, it is reported in safe lines."""
    path = tmp_path / "k"
    path.write_bytes(raw)

    shown = everything_of(path)

    assert all(char.isprintable() or char == "\n" for char in shown)


def everything_of(path: Path) -> str:
    """Return all that inspect prints of `path`, named as each role and as none, in both forms."""
    from probe.inspection.inspect_files import FileSet
    from probe.model.target import TlsSettings

    name = str(path)
    sets = [
        *group_paths([name]),
        *(
            FileSet(tls=TlsSettings(**{setting: name}))
            for setting in ("cert_file", "key_file", "ca_file")
        ),
    ]
    inspection = inspect_files(sets, 1.8e9, "host")
    stream = io.StringIO()
    print_inspection(inspection, stream)
    return stream.getvalue() + encode_inspection(inspection).decode()
