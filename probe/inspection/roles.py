"""What files named without a role are for, by what they hold, and which of them belong together.

Pure. Only where a file's content says nothing does its name speak.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from probe.credentials.chain import public_key_of
from probe.credentials.formats.recognise import Format
from probe.credentials.whole_file import Reading
from probe.model.finding import Role
from probe.x509.parse import read_facts

_KEYSTORES: Final = frozenset({Format.PKCS12, Format.JKS, Format.JCEKS})
_FOR_CA: Final = re.compile(r"(^|[._-])(ca|cas|root|roots|bundle|trust\w*)([._-]|$)", re.IGNORECASE)
_FOR_KEY: Final = re.compile(r"(^|[._-])key([._-]|$)|\.key$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Named:
    """A file named on the command line, with what it holds and what it is for."""

    path: str
    reading: Reading
    role: Role

    @property
    def holds_private_key(self) -> bool:
        """Whether a private key lies in it, encrypted or not."""
        return any(key.private for key in self.reading.keys)

    @property
    def is_combined(self) -> bool:
        """Whether it is a certificate with a private key."""
        return self.role == "cert" and self.holds_private_key


@dataclass(frozen=True, slots=True)
class Together:
    """Files that belong to one exporter; each may be missing."""

    cert: str | None = None
    key: str | None = None
    ca: str | None = None


def role_of(path: str, reading: Reading) -> Role:
    """Return what a file is for."""
    facts = [read_facts(one) for one in reading.certificates]
    if reading.format in _KEYSTORES and not facts:
        return "cert"
    if facts:
        issuers = all(one.is_ca for one in facts) and not any(k.private for k in reading.keys)
        return "ca" if issuers else "cert"
    if reading.keys:
        return "key"
    name = path.rpartition("/")[2]
    if _FOR_KEY.search(name):
        return "key"
    return "ca" if _FOR_CA.search(name) else "cert"


def grouped(files: Sequence[Named]) -> list[Together]:
    """Put each key beside the certificate it belongs to, and the CA file beside the only one."""
    certs = [file for file in files if file.role == "cert"]
    keys = [file for file in files if file.role == "key"]
    cas = [file for file in files if file.role == "ca"]
    groups: list[Together] = []
    left = list(keys)
    for cert in certs:
        key = cert if cert.is_combined else next((k for k in left if _fits(cert, k)), None)
        if key is None and len(certs) == len(keys) == 1:
            key = keys[0]
        if key in left:
            left.remove(key)
        groups.append(Together(cert=cert.path, key=key.path if key else None))
    groups += [Together(key=key.path) for key in left]
    if len(certs) == 1 and cas:
        first, *cas = cas
        groups[0] = Together(groups[0].cert, groups[0].key, first.path)
    return groups + [Together(ca=ca.path) for ca in cas]


def _fits(cert: Named, key: Named) -> bool:
    digests = {key.public_key_sha256 for key in key.reading.keys if key.public_key_sha256}
    held = {sha256(public_key_of(one)).hexdigest() for one in cert.reading.certificates}
    return bool(digests & held)
