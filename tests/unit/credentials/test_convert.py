"""The commands that a fault prints are run as printed, and what they write has no fault."""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat, pkcs12

from probe.credentials.content import read_content
from probe.credentials.named_file import NamedFile
from probe.credentials.whole_file import read_whole_file
from probe.model.finding import Role
from tests.support.pki import key_pem
from tests.support.strange_files import CA, ENCRYPTION, LEAF, LEAF_KEY, P12, STRANGE, only_fault

pytestmark = pytest.mark.slow

BOM = b"\xef\xbb\xbf"

RUNNABLE = (
    "der", "der key", "utf16", "pkcs7", "pkcs7 der", "base64 of pem", "bare base64", "escaped",
    "carriage returns", "one line", "indented", "utf16 bare", "base64 twice", "base64 of a key",
    "gzip", "der with a line break", "secret",
)  # fmt: skip


def java_keystore(source: Path, path: Path, kind: str) -> None:
    """Write P12 as the Java keystore `path`."""
    source.write_bytes(P12)
    command = [
        "keytool", "-importkeystore", "-noprompt", "-srckeystore", source, "-srcstoretype",
        "PKCS12", "-srcstorepass", "passphrase", "-destkeystore", path, "-deststoretype", kind,
        "-deststorepass", "passphrase",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=60)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the commands under test are openssl's")
@pytest.mark.parametrize("name", RUNNABLE)
def test_the_command_repairs_the_file(name: str, tmp_path: Path) -> None:
    """The step is run as printed, and its output is a file without a fault."""
    raw, role, *_ = STRANGE[name]
    path = tmp_path / "a file"
    path.write_bytes(raw)
    fault = only_fault(read_content(raw, NamedFile(role, str(path))))

    subprocess.run(fault.fix[0], shell=True, check=True, capture_output=True, timeout=20)

    repaired = read_content(path.with_name("a file.pem").read_bytes(), NamedFile(role, str(path)))
    assert repaired.faults == ()
    assert repaired.certificates == ((LEAF.certificate,) if role != "key" else ())


@pytest.mark.skipif(shutil.which("jq") is None, reason="the commands under test are jq's")
@pytest.mark.parametrize("name", ["vault", "vault ca", "secret as JSON"])
def test_pem_is_taken_out_of_json(name: str, tmp_path: Path) -> None:
    """The jq line finds the place, takes off the base64 where there is any, and quotes the path."""
    raw, role, *_ = STRANGE[name]
    path = tmp_path / "it's $HOME.json"
    path.write_bytes(raw)
    fault = only_fault(read_content(raw, NamedFile(role, str(path))))

    subprocess.run(fault.fix[0], shell=True, check=True, capture_output=True, timeout=20)

    repaired = read_content(Path(f"{path}.pem").read_bytes(), NamedFile(role, str(path)))
    assert repaired.faults == ()
    assert repaired.certificates == {
        "cert": (LEAF.certificate,), "ca": (CA.certificate,), "key": (),
    }[role]  # fmt: skip


@pytest.mark.skipif(shutil.which("keytool") is None, reason="the commands under test are a JDK's")
@pytest.mark.parametrize("kind", ["JKS", "JCEKS"])
@pytest.mark.parametrize("role", ["cert", "key"])
def test_a_java_keystore_is_unpacked_by_its_commands(kind: str, role: Role, tmp_path: Path) -> None:
    """Keytool makes PKCS#12 of it, and openssl PEM of that: both lines as printed."""
    path = tmp_path / "my store"
    java_keystore(tmp_path / "store.p12", path, kind)
    raw = path.read_bytes()
    content = read_content(raw, NamedFile(role, str(path)))
    fault = only_fault(content)
    assert content.format.value == kind

    passwords = " -srcstorepass passphrase -deststorepass passphrase"
    commands = [fault.fix[0] + passwords]
    commands += [
        step.replace(" -out", " -passin pass:passphrase -out").replace(
            " >>", " -passin pass:passphrase >>"
        )
        for step in fault.fix[1:-1]
    ]
    for command in commands:
        subprocess.run(command, shell=True, check=True, capture_output=True, timeout=60)

    repaired = read_content(path.with_name("my store.pem").read_bytes(), NamedFile(role, str(path)))
    assert repaired.faults == ()
    if role == "key":
        assert repaired.key is not None
        assert repaired.key.public_key() == LEAF.key.public_key()
    else:
        assert repaired.certificates == (LEAF.certificate, CA.certificate)
        assert read_whole_file(raw).certificates == (LEAF.certificate, CA.certificate)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the commands under test are openssl's")
def test_a_keystore_without_a_password_is_unpacked(tmp_path: Path) -> None:
    """An empty password is what one types there."""
    path = tmp_path / "open.p12"
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"n", LEAF_KEY, LEAF.certificate, [CA.certificate], NoEncryption()
        )
    )
    fault = only_fault(read_content(path.read_bytes(), NamedFile("cert", str(path))))

    for step in fault.fix[:-1]:
        command = step.replace("pkcs12 -in", "pkcs12 -passin pass: -in")
        subprocess.run(command, shell=True, check=True, capture_output=True, timeout=20)

    repaired = read_content(Path(f"{path}.pem").read_bytes(), NamedFile("cert", str(path)))
    assert repaired.certificates == (LEAF.certificate, CA.certificate)
    assert repaired.faults == ()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the commands under test are openssl's")
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_is_decrypted_by_its_command(form: PrivateFormat, tmp_path: Path) -> None:
    """Either form of encryption goes, and the new file is its owner's alone."""
    path = tmp_path / "tls.key"
    path.write_bytes(key_pem(LEAF.key, form, ENCRYPTION))
    fault = only_fault(read_content(path.read_bytes(), NamedFile("key", str(path))))

    command = fault.fix[0].replace(" -out", " -passin pass:passphrase -out")
    subprocess.run(command, shell=True, check=True, capture_output=True, timeout=20)

    repaired = tmp_path / "tls.key.pem"
    assert read_content(repaired.read_bytes(), NamedFile("key", str(repaired))).key is not None
    assert repaired.stat().st_mode & 0o077 == 0


def test_a_path_that_begins_with_a_dash_is_no_option(tmp_path: Path) -> None:
    """It stands as ./-file, so that no tool reads it as a flag."""
    (tmp_path / "-tls.crt").write_bytes(base64.b64encode(LEAF.pem))
    fault = only_fault(read_content(base64.b64encode(LEAF.pem), NamedFile("cert", "-tls.crt")))

    subprocess.run(fault.fix[0], shell=True, check=True, cwd=tmp_path, timeout=20)

    assert (tmp_path / "-tls.crt.pem").read_bytes() == LEAF.pem


def test_a_byte_order_mark_goes_by_its_command(tmp_path: Path) -> None:
    """The sed line takes the three bytes and nothing else."""
    path = tmp_path / "tls.crt"
    path.write_bytes(BOM + LEAF.pem)
    fix = read_content(path.read_bytes(), NamedFile("cert", str(path))).remarks[0].fix

    subprocess.run(fix[0], shell=True, check=True, timeout=20)

    assert path.read_bytes() == LEAF.pem


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the commands under test are openssl's")
@pytest.mark.parametrize("role", ["cert", "key", "ca"])
def test_a_keystore_is_unpacked_by_its_commands(role: Role, tmp_path: Path) -> None:
    """A PKCS#12 file gives the end entity first, then its issuers; or its key."""
    path = tmp_path / "store"
    path.write_bytes(P12)
    fault = only_fault(read_content(P12, NamedFile(role, str(path))))

    for step in fault.fix[:-1]:
        command = step.replace(" -out", " -passin pass:passphrase -out").replace(
            " >>", " -passin pass:passphrase >>"
        )
        subprocess.run(command, shell=True, check=True, capture_output=True, timeout=20)

    repaired = read_content(path.with_name("store.pem").read_bytes(), NamedFile(role, str(path)))
    assert repaired.faults == ()
    if role == "key":
        assert repaired.key is not None
        assert repaired.key.public_key() == LEAF.key.public_key()
    else:
        assert repaired.certificates == (LEAF.certificate, CA.certificate)


@pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="the command under test is OpenSSH's"
)
def test_an_openssh_key_is_converted_by_its_command(tmp_path: Path) -> None:
    """ssh-keygen writes PEM into a copy and leaves the original."""
    path = tmp_path / "id_ecdsa"
    path.write_bytes(key_pem(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.OpenSSH))
    path.chmod(0o600)
    before = path.read_bytes()
    fault = only_fault(read_content(before, NamedFile("key", str(path))))

    subprocess.run(fault.fix[0], shell=True, check=True, capture_output=True, timeout=20)

    assert path.read_bytes() == before
    assert read_content(
        path.with_name("id_ecdsa.pem").read_bytes(), NamedFile("key", str(path))
    ).key
