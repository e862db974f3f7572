"""The steps that a fault prints are followed as printed, and the file that the last one names has no fault.

Commands are typed on a terminal, where a person answers what asks for a passphrase.
"""

import base64
import re
import shlex
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from probe.credentials.content import Content, read_content
from probe.credentials.key_pair import fingerprint_public_key
from probe.credentials.named_file import COMMAND, INLINE, NamedFile
from probe.credentials.readers.private_key import PrivateKey, load_private_key
from probe.credentials.whole_file import read_whole_file
from probe.model.finding import Finding, Role
from tests.support.pki import key_pem
from tests.support.strange_files import CA, ENCRYPTION, LEAF, LEAF_KEY, P12, STRANGE, only_fault
from tests.support.terminal import PASSPHRASE, type_command

pytestmark = pytest.mark.slow

BOM: Final = b"\xef\xbb\xbf"
ODD: Final = '-it\'s a $HOME `id` "file"'
"""A name that begins like an option, with what a shell would take for its own."""
RUNNABLE: Final = (
    "der", "der key", "utf16", "pkcs7", "pkcs7 der", "base64 of pem", "bare base64", "escaped",
    "carriage returns", "one line", "indented", "utf16 bare", "base64 twice", "base64 of a key",
    "gzip", "der with a line break", "secret", "pkcs12", "pkcs12 key", "base64 of a keystore",
    "vault", "vault ca", "secret as JSON", "openssh", "in quotes", "behind a name",
)  # fmt: skip
NOTE: Final = re.compile(r"If ")
"""Steps for cases that are not these."""


def needs(*commands: str) -> pytest.MarkDecorator:
    """Skip where a command under test is not installed."""
    absent = [each for each in commands if shutil.which(each) is None]
    return pytest.mark.skipif(bool(absent), reason=f"not installed: {', '.join(absent)}")


def follow(fault: Finding, folder: Path, answer: str = PASSPHRASE) -> Path:
    """Type every command; return the file that the last step names in the setting."""
    *commands, last = fault.fix
    for step in commands:
        if COMMAND.match(step):
            code, said = type_command(step, folder, answer)
            assert code == 0, (step, said)
        else:
            assert NOTE.match(step), step
    named = re.fullmatch(r"Set \w+ to (.+?)(?:, and remove \w+)?", last)
    assert named is not None, last
    (word,) = shlex.split(named[1])
    return folder / word


def read_repaired(raw: bytes, role: Role, folder: Path, answer: str = PASSPHRASE) -> Content:
    """Write `raw` under an odd name, follow the steps of its fault, and read what they have made."""
    (folder / ODD).write_bytes(raw)
    (folder / ODD).chmod(0o600)
    fault = only_fault(read_content(raw, NamedFile(role, ODD)))
    made = follow(fault, folder, answer)
    assert (folder / ODD).read_bytes() == raw, "the original stays as it was"
    content = read_content(made.read_bytes(), NamedFile(role, str(made)))
    assert content.faults == (), (fault.fix, content.faults)
    if role == "key":
        assert made.stat().st_mode & 0o077 == 0, "a key is its owner's alone"
    return content


def digest_key(key: PrivateKey) -> str:
    """Return the digest of a key's public half."""
    loaded = load_private_key(key.der)
    assert loaded is not None
    return loaded.spki_sha256


@needs("openssl", "jq", "iconv", "gzip", "ssh-keygen")
@pytest.mark.parametrize("name", RUNNABLE)
def test_the_steps_repair_the_file(name: str, tmp_path: Path) -> None:
    """What was in the file is in the one that the setting names in the end."""
    raw, role, *_ = STRANGE[name]
    content = read_repaired(raw, role, tmp_path)
    if role == "key":
        assert content.key is not None
        assert digest_key(content.key) == fingerprint_public_key(LEAF.key)
    elif role == "ca" and name != "pkcs7 der":
        assert content.certificates == (CA.der,)
    else:
        assert content.certificates[0] == LEAF.der


def java_keystore(folder: Path, kind: str) -> bytes:
    """Return P12 as a Java keystore."""
    (folder / "store.p12").write_bytes(P12)
    command = [
        "keytool", "-importkeystore", "-noprompt", "-srckeystore", "store.p12", "-srcstoretype",
        "PKCS12", "-srcstorepass", PASSPHRASE, "-destkeystore", "store", "-deststoretype", kind,
        "-deststorepass", PASSPHRASE,
    ]  # fmt: skip
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    return (folder / "store").read_bytes()


@needs("openssl", "keytool")
@pytest.mark.parametrize("kind", ["JKS", "JCEKS"])
@pytest.mark.parametrize("role", ["cert", "key"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_java_keystore_is_unpacked(kind: str, role: Role, wrapped: bool, tmp_path: Path) -> None:
    """Keytool makes PKCS#12 of it, and openssl PEM of that; in base64 as well."""
    raw = java_keystore(tmp_path, kind)
    assert read_content(raw, NamedFile(role, "x")).format.value == kind
    assert read_whole_file(raw).format.value == kind
    content = read_repaired(base64.b64encode(raw) if wrapped else raw, role, tmp_path)
    if role == "key":
        assert content.key is not None
        assert digest_key(content.key) == fingerprint_public_key(LEAF.key)
    else:
        assert content.certificates == (LEAF.der, CA.der)


def keystore(encryption: KeySerializationEncryption) -> bytes:
    """Return a PKCS#12 keystore of certificate, key and CA."""
    return pkcs12.serialize_key_and_certificates(
        b"n", LEAF_KEY, LEAF.certificate, [CA.certificate], encryption
    )


@needs("openssl")
def test_a_keystore_without_a_password_is_unpacked(tmp_path: Path) -> None:
    """An empty password is what one types there."""
    content = read_repaired(keystore(NoEncryption()), "cert", tmp_path, answer="")
    assert content.certificates == (LEAF.der, CA.der)


@needs("openssl")
@pytest.mark.parametrize("role", ["cert", "key", "ca"])
def test_a_keystore_of_old_is_unpacked_with_the_legacy_provider(role: Role, tmp_path: Path) -> None:
    """RC2-40, which OpenSSL 3 has in that provider only: the command asks for it by itself."""
    (tmp_path / "both.pem").write_bytes(LEAF.pem + LEAF.key_pem + CA.pem)
    export = "openssl pkcs12 -export -legacy -in both.pem -out old.p12 -passout pass:" + PASSPHRASE
    subprocess.run(export, shell=True, cwd=tmp_path, check=True, capture_output=True, timeout=20)
    raw = (tmp_path / "old.p12").read_bytes()
    fault = only_fault(read_content(raw, NamedFile(role, "old.p12")))

    assert fault.fix[0].startswith("openssl pkcs12 -legacy -in ")
    assert not any(NOTE.match(step) for step in fault.fix)
    read_repaired(raw, role, tmp_path)


@needs("openssl")
def test_the_settings_of_one_keystore_get_a_file_each(tmp_path: Path) -> None:
    """Certificate, key and CA out of one keystore: no step overwrites what another has made."""
    (tmp_path / ODD).write_bytes(P12)
    made = {
        role: follow(only_fault(read_content(P12, NamedFile(role, ODD))), tmp_path)
        for role in ("cert", "key", "ca")
    }

    assert len({ODD, *made.values()}) == 4
    for role, path in made.items():
        assert read_content(path.read_bytes(), NamedFile(role, str(path))).faults == ()


@needs("openssl")
def test_a_key_out_of_a_keystore_is_nothing_but_its_block(tmp_path: Path) -> None:
    """Java reads no key behind Bag Attributes."""
    (tmp_path / "store").write_bytes(P12)
    made = follow(only_fault(read_content(P12, NamedFile("key", "store"))), tmp_path)
    assert made.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----\n")


@needs("openssl")
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_is_decrypted(form: PrivateFormat, tmp_path: Path) -> None:
    """Either form of encryption goes."""
    content = read_repaired(key_pem(LEAF.key, form, ENCRYPTION), "key", tmp_path)
    assert content.key is not None


@needs("ssh-keygen")
def test_an_openssh_key_with_a_passphrase_is_converted(tmp_path: Path) -> None:
    """ssh-keygen writes PEM into a copy, and asks for the passphrase."""
    key = ec.generate_private_key(ec.SECP256R1())
    assert read_repaired(key_pem(key, PrivateFormat.OpenSSH, ENCRYPTION), "key", tmp_path).key


@needs("sed")
@pytest.mark.parametrize(("role", "raw"), [("cert", LEAF.pem), ("key", LEAF.key_pem)])
def test_a_byte_order_mark_goes(role: Role, raw: bytes, tmp_path: Path) -> None:
    """The sed line takes the three bytes and nothing else."""
    (tmp_path / ODD).write_bytes(BOM + raw)
    (remark,) = read_content(BOM + raw, NamedFile(role, ODD)).remarks
    assert follow(remark, tmp_path).read_bytes() == raw


@needs("base64")
def test_what_stands_in_the_settings_goes_into_a_file_first(tmp_path: Path) -> None:
    """Then the setting of the file replaces the one that held the text."""
    raw = base64.b64encode(LEAF.key_pem)
    fault = only_fault(read_content(raw, NamedFile("key", INLINE["key"])))
    first, *steps = fault.fix

    assert (
        first == "Write the value of key_pem to a file of that name, then run the following on it"
    )
    (tmp_path / "key_pem").write_bytes(raw)
    code, said = type_command(steps[0], tmp_path)
    assert code == 0, said
    assert (tmp_path / "key_pem.pem").read_bytes() == LEAF.key_pem
    assert steps[1:] == ["Set key_file to key_pem.pem, and remove key_pem"]


@needs("unzip")
def test_an_archive_is_unpacked_into_a_folder_of_its_own(tmp_path: Path) -> None:
    """Which of its files is the one, its owner knows."""
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("client.crt", LEAF.pem)
    raw = (tmp_path / "all.zip").read_bytes()
    fault = only_fault(read_content(raw, NamedFile("cert", "all.zip")))
    code, said = type_command(fault.fix[0], tmp_path)
    assert code == 0, said
    assert (tmp_path / "all.zip.d" / "client.crt").read_bytes() == LEAF.pem
    assert fault.fix[1] == (
        "Set cert_file to the file in all.zip.d that holds the certificate that the CA issued"
    )


@needs("openssl")
@pytest.mark.parametrize("name", ["no END", "not a certificate inside"])
def test_a_damaged_block_is_copied_again(name: str, tmp_path: Path) -> None:
    """Nothing converts it; the command that compares runs on the good copy."""
    raw, role, *_ = STRANGE[name]
    fault = only_fault(read_content(raw, NamedFile(role, ODD)))
    (tmp_path / ODD).write_bytes(LEAF.pem)
    code, said = type_command(fault.fix[0].partition(": ")[2], tmp_path)
    assert code == 0
    assert "client" in said
