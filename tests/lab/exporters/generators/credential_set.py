"""One client's three files, and the good ones that every case is made from."""

import hashlib
from dataclasses import dataclass
from enum import Enum
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
from tests.lab.exporters.generators.wrappings import armour


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
    backend: str = "root"
    """Which of BACKENDS the case exports to."""

    def write(self, folder: Path) -> FileCase:
        """Write the files, named by their content, and return the case for the programs."""
        paths = (_write(each, folder) for each in (self.cert, self.key, self.ca))
        return FileCase(self.id, *paths, backend=self.backend)


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
INTERMEDIATE_CERT: Final = certificate_pem(intermediate_certificate())
CHAIN: Final = certificate_pem(INTERMEDIATE.client(rsa_key())) + INTERMEDIATE_CERT

_SERVER_KEY: Final = ec_key(name="server")
_BY_ROOT: Final = ROOT.certificate(name("localhost"), _SERVER_KEY.spki, SERVER_EXTENSIONS)
_BY_INTERMEDIATE: Final = INTERMEDIATE.certificate(
    name("localhost"), _SERVER_KEY.spki, SERVER_EXTENSIONS
)
SERVER_LEAF: Final = certificate_pem(_BY_ROOT)
INTERMEDIATE_LEAF: Final = certificate_pem(_BY_INTERMEDIATE)
BACKENDS: Final = {
    "root": SERVER_LEAF,
    "intermediate": INTERMEDIATE_LEAF + INTERMEDIATE_CERT,
    "incomplete": INTERMEDIATE_LEAF,
}
"""What each backend presents: signed by the root; by the intermediate, which it sends or not."""


def write_backend_files(folder: Path) -> None:
    """Write what the backends need: their certificates, their key and the clients' authority."""
    for backend, chain in BACKENDS.items():
        (folder / f"{backend}.crt").write_bytes(chain)
    (folder / "server.key").write_bytes(armour("PRIVATE KEY", _SERVER_KEY.pkcs8))
    (folder / "ca.crt").write_bytes(CA)


def changed(case: str, what: str, role: str, content: Content, **other: Content) -> CredentialFiles:
    """Return the good RSA files with `content` in `role`, and `other` files where given."""
    files: dict[str, Content] = {"cert": RSA_CERT, "key": RSA_KEY, "ca": CA, **other, role: content}
    return CredentialFiles(case, what, role, **files)
