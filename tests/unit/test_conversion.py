"""The commands that a fault prints are run as printed, and what they write has no fault."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import PrivateFormat

from probe.credentials.content import read_content
from probe.credentials.conversion import Role
from tests.unit.credential_files import key_pem
from tests.unit.strange_files import CA, LEAF, P12, STRANGE, only_fault

BOM = b"\xef\xbb\xbf"

RUNNABLE = (
    "der", "der key", "utf16", "pkcs7", "pkcs7 der", "base64 of pem", "bare base64", "escaped",
    "carriage returns", "one line", "indented",
)  # fmt: skip


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the commands under test are openssl's")
@pytest.mark.parametrize("name", RUNNABLE)
def test_the_command_mends_the_file(name: str, tmp_path: Path) -> None:
    """The step is run as printed, and its output is a file without a fault."""
    raw, role, *_ = STRANGE[name]
    path = tmp_path / "a file"
    path.write_bytes(raw)
    fault = only_fault(read_content(raw, role, str(path)))

    subprocess.run(fault.fix[0], shell=True, check=True, capture_output=True, timeout=20)

    mended = read_content(path.with_name("a file.pem").read_bytes(), role, str(path))
    assert mended.faults == ()
    assert mended.certificates == ((LEAF.certificate,) if role != "key" else ())


def test_a_byte_order_mark_goes_by_its_command(tmp_path: Path) -> None:
    """The sed line takes the three bytes and nothing else."""
    path = tmp_path / "tls.crt"
    path.write_bytes(BOM + LEAF.pem)
    fix = read_content(path.read_bytes(), "cert", str(path)).remarks[0].fix

    subprocess.run(fix[0], shell=True, check=True, timeout=20)

    assert path.read_bytes() == LEAF.pem


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the commands under test are openssl's")
@pytest.mark.parametrize("role", ["cert", "key", "ca"])
def test_a_keystore_is_unpacked_by_its_commands(role: Role, tmp_path: Path) -> None:
    """A PKCS#12 file gives the end entity first, then its issuers; or its key."""
    path = tmp_path / "store"
    path.write_bytes(P12)
    fault = only_fault(read_content(P12, role, str(path)))

    for step in fault.fix[:-1]:
        command = step.replace(" -out", " -passin pass:passphrase -out").replace(
            " >>", " -passin pass:passphrase >>"
        )
        subprocess.run(command, shell=True, check=True, capture_output=True, timeout=20)

    mended = read_content(path.with_name("store.pem").read_bytes(), role, str(path))
    assert mended.faults == ()
    if role == "key":
        assert mended.key is not None
        assert mended.key.public_key() == LEAF.key.public_key()
    else:
        assert mended.certificates == (LEAF.certificate, CA.certificate)


@pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="the command under test is OpenSSH's"
)
def test_an_openssh_key_is_converted_by_its_command(tmp_path: Path) -> None:
    """ssh-keygen writes PEM into a copy and leaves the original."""
    path = tmp_path / "id_ecdsa"
    path.write_bytes(key_pem(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.OpenSSH))
    path.chmod(0o600)
    before = path.read_bytes()
    fault = only_fault(read_content(before, "key", str(path)))

    subprocess.run(fault.fix[0], shell=True, check=True, capture_output=True, timeout=20)

    assert path.read_bytes() == before
    assert read_content(path.with_name("id_ecdsa.pem").read_bytes(), "key", str(path)).key
