"""Credential files in every format, wrapping and damage: what each exporter is asked to load.

The same cases on every run; an id says what is changed in which of the three files.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final

from tests.lab.exporters.case import FileCase
from tests.lab.exporters.generators.certificates import (
    INTERMEDIATE,
    OTHER_ROOT,
    ROOT,
    SERVER_EXTENSIONS,
    intermediate_certificate,
    name,
)
from tests.lab.exporters.generators.keys import ec_key, rsa_key
from tests.lab.exporters.generators.wrappings import WRAPPINGS, armour


class Absent(Enum):
    """What a setting may name instead of a file with content."""

    NOT_SET = "the setting is not given"
    MISSING = "no such file"
    DIRECTORY = "a directory"


Content = bytes | Absent


@dataclass(frozen=True, slots=True)
class CredentialFiles:
    """A client's three files; `role` is the one that the case is about."""

    id: str
    what: str
    role: str
    cert: Content
    key: Content
    ca: Content

    def write(self, folder: Path) -> FileCase:
        """Write the files, named by their content, and return the case for the programs."""
        return FileCase(self.id, *(_write(each, folder) for each in (self.cert, self.key, self.ca)))


def _write(content: Content, folder: Path) -> str:
    match content:
        case Absent.NOT_SET:
            return ""
        case Absent.MISSING:
            return str(folder / "missing.pem")
        case Absent.DIRECTORY:
            (folder / "directory").mkdir(exist_ok=True)
            return str(folder / "directory")
    path = folder / f"{hashlib.sha256(content).hexdigest()[:24]}.pem"
    if not path.exists():
        path.write_bytes(content)
    return str(path)


def certificate_pem(*ders: bytes) -> bytes:
    """Return certificates as PEM."""
    return b"".join(armour("CERTIFICATE", each) for each in ders)


RSA_CERT: Final = certificate_pem(ROOT.client(rsa_key()))
RSA_KEY: Final = armour("PRIVATE KEY", rsa_key().pkcs8)
EC_CERT: Final = certificate_pem(ROOT.client(ec_key(name="client")))
EC_KEY: Final = armour("PRIVATE KEY", ec_key(name="client").pkcs8)
CA: Final = certificate_pem(ROOT.own_certificate())
OTHER_CA: Final = certificate_pem(OTHER_ROOT.own_certificate())
CHAIN: Final = certificate_pem(INTERMEDIATE.client(rsa_key()), intermediate_certificate())


def write_backend_files(folder: Path) -> None:
    """Write what the backend needs: its certificate, its key and the clients' authority."""
    key = ec_key(name="server")
    certificate = ROOT.certificate(name("localhost"), key.spki, SERVER_EXTENSIONS)
    (folder / "server.crt").write_bytes(certificate_pem(certificate))
    (folder / "server.key").write_bytes(armour("PRIVATE KEY", key.pkcs8))
    (folder / "ca.crt").write_bytes(CA)


def _changed(
    case: str, what: str, role: str, content: Content, **other: Content
) -> CredentialFiles:
    """Return the good RSA files with `content` in `role`, and `other` files where given."""
    files: dict[str, Content] = {"cert": RSA_CERT, "key": RSA_KEY, "ca": CA, **other, role: content}
    return CredentialFiles(case, what, role, **files)


def _wrapped() -> Iterator[CredentialFiles]:
    """Yield every wrapping of every file of the good set; some more where a key's form matters."""
    sec1 = armour("EC PRIVATE KEY", ec_key(name="client").traditional)
    pkcs1 = armour("RSA PRIVATE KEY", rsa_key().traditional)
    for case, (what, wrap) in WRAPPINGS.items():
        yield _changed(f"{case}-cert", what, "cert", wrap(RSA_CERT))
        yield _changed(f"{case}-key", what, "key", wrap(RSA_KEY))
        yield _changed(f"{case}-ca", what, "ca", wrap(CA))
        yield _changed(f"{case}-sec1", f"SEC1 key: {what}", "key", wrap(sec1), cert=EC_CERT)
        yield _changed(f"{case}-pkcs1", f"PKCS#1 key: {what}", "key", wrap(pkcs1))
        yield _changed(f"{case}-chain", f"leaf and intermediate: {what}", "cert", wrap(CHAIN))
        yield _changed(
            f"{case}-bundle", f"another CA, then ours: {what}", "ca", wrap(OTHER_CA + CA)
        )


def _base() -> Iterator[CredentialFiles]:
    yield CredentialFiles("base-rsa", "good files, RSA", "cert", RSA_CERT, RSA_KEY, CA)
    yield CredentialFiles("base-ec", "good files, P-256", "cert", EC_CERT, EC_KEY, CA)
    yield CredentialFiles("base-chain", "leaf and intermediate", "cert", CHAIN, RSA_KEY, CA)
    yield _changed("base-bundle", "another CA, then ours", "ca", OTHER_CA + CA)


@cache
def credential_files() -> tuple[CredentialFiles, ...]:
    """Return all cases; no two have one id."""
    cases = (*_base(), *_wrapped())
    ids = [each.id for each in cases]
    assert len(set(ids)) == len(ids), sorted({each for each in ids if ids.count(each) > 1})
    return cases
