"""What the steps of a fault make is loaded by the exporter that was asked about, and by OpenSSL."""

import re
import shlex
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import PrivateFormat

from probe.credentials.load import load_credentials
from probe.credentials.named_file import COMMAND
from probe.model.finding import Finding, Role
from probe.model.target import TlsSettings
from tests.support.pki import issue, key_pem
from tests.support.terminal import PASSPHRASE, type_command

pytestmark = pytest.mark.slow

MARK: Final = b"\xef\xbb\xbf"
ROOT: Final = issue("root", ca=True)
OTHER: Final = issue("other", ca=True)
KEY: Final = rsa.generate_private_key(65537, 2048)
LEAF: Final = issue("client", ROOT, key=KEY)
KEY_PEM: Final = key_pem(KEY)
PKCS1: Final = key_pem(KEY, PrivateFormat.TraditionalOpenSSL)
GOOD: Final[dict[Role, bytes]] = {"cert": LEAF.pem, "key": KEY_PEM, "ca": ROOT.pem}
BAG: Final = b"Bag Attributes\n    localKeyID: 01\nKey Attributes: <No Attributes>\n"


@dataclass(frozen=True)
class Case:
    """A file that stops one exporter."""

    exporter: str
    role: Role
    raw: bytes


def comment(pem: bytes) -> bytes:
    """Return `pem` with a header in it."""
    return pem.replace(b"-----\n", b"-----\nComment: made by hand\n\n", 1)


CASES: Final = {
    "mark before the key": Case("collector", "key", MARK + KEY_PEM),
    "mark before the CA": Case("collector", "ca", MARK + ROOT.pem),
    "two carriage returns": Case("collector", "cert", LEAF.pem.replace(b"\n", b"\r\r\n")),
    "joined": Case(
        "collector", "ca", (OTHER.pem + ROOT.pem).replace(b"-----\n-----B", b"----------B")
    ),
    "joined key": Case(
        "node-http", "key", (LEAF.pem + KEY_PEM).replace(b"-----\n-----B", b"----------B")
    ),
    "rest indented": Case("collector", "cert", LEAF.pem.replace(b"\n", b"\n    ").rstrip(b" ")),
    "all indented": Case("collector", "key", b"".join(b"  " + one + b"\n" for one in KEY_PEM.split(b"\n"))),
    "invisible character": Case("collector", "cert", "\u200b".encode() + LEAF.pem),
    "header of a CA": Case("collector", "ca", comment(ROOT.pem)),
    "header of a key": Case("python-http", "key", comment(KEY_PEM)),
    "empty lines": Case("python-http", "cert", LEAF.pem.replace(b"\n", b"\n\n")),
    "outdated label": Case("collector", "cert", LEAF.pem.replace(b" CERT", b" X509 CERT")),
    "PKCS#1 for Java": Case("java-okhttp", "key", PKCS1),
    "PKCS#1 for grpc-java": Case("java-grpc", "key", PKCS1),
    "Bag Attributes for Java": Case("java-okhttp", "key", BAG + KEY_PEM),
    "text behind the key for Java": Case("java-jdk", "key", KEY_PEM + b"# renewed in May\n"),
    "two keys for Java": Case("java-okhttp", "key", KEY_PEM + key_pem(OTHER.key)),
    "key behind the certificate for Java": Case("java-okhttp", "cert", LEAF.pem + KEY_PEM),
    "mark before the second CA for Java": Case("java-okhttp", "ca", ROOT.pem + MARK + OTHER.pem),
}  # fmt: skip


def follow(fault: Finding, folder: Path) -> Path:
    """Type every command; return the file that the last step names in the setting."""
    *commands, last = fault.fix
    for step in commands:
        if COMMAND.match(step):
            code, said = type_command(step, folder, PASSPHRASE)
            assert code == 0, (step, said)
    named = re.fullmatch(r"Set \w+ to (.+?)", last)
    assert named is not None, fault.fix
    return folder / shlex.split(named[1])[0]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_file_that_the_steps_make_is_loaded(case: Case, tmp_path: Path) -> None:
    """By the exporter whose reader refused the old one, and by the OpenSSL of this Python."""
    paths = {role: tmp_path / f"my {role}.pem" for role in GOOD}
    for role, raw in (GOOD | {case.role: case.raw}).items():
        paths[role].write_bytes(raw)

    def settings() -> TlsSettings:
        return TlsSettings(**{f"{role}_file": str(path) for role, path in paths.items()})

    refused = load_credentials(settings(), exporter=case.exporter).facts
    assert [fault.role for fault in refused.faults] == [case.role], refused.faults
    paths[case.role] = follow(refused.faults[0], tmp_path)

    repaired = load_credentials(settings(), exporter=case.exporter).facts
    assert repaired.faults == ()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(paths["cert"], paths["key"])
    context.load_verify_locations(paths["ca"])
