"""What files named without a role are for, by what they hold, and which of them belong together.

Pure. A file's name decides only where its content does not.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from probe.credentials.formats.recognise import KEYSTORES
from probe.credentials.key_pair import fingerprint_public_key
from probe.credentials.whole_file import Reading
from probe.model.finding import Role
from probe.model.target import TlsSettings
from probe.x509.parse import read_facts

_FOR_CA: Final = re.compile(r"(^|[._-])(ca|cas|root|roots|bundle|trust\w*)([._-]|$)", re.IGNORECASE)
_FOR_KEY: Final = re.compile(r"(^|[._-])key([._-]|$)|\.key$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RoleOfFile:
    """A file named on the command line, with what it holds and what it is for."""

    path: str
    reading: Reading
    role: Role


def find_role(path: str, reading: Reading) -> Role:
    """Return what a file is for."""
    if reading.certificates:
        only_cas = all(read_facts(one).is_ca for one in reading.certificates)
        return "ca" if only_cas and not reading.holds_private_key else "cert"
    if reading.format in KEYSTORES:
        return "cert"
    if reading.keys:
        return "key"
    name = path.rpartition("/")[2]
    if _FOR_KEY.search(name):
        return "key"
    return "ca" if _FOR_CA.search(name) else "cert"


def group_files(files: Sequence[RoleOfFile]) -> list[TlsSettings]:
    """Put each key with the certificate it belongs to, and the CA file with the only one."""
    certs, keys, cas = (
        [one for one in files if one.role == role] for role in ("cert", "key", "ca")
    )
    left = list(keys)
    groups: list[tuple[str | None, str | None]] = []
    for cert in certs:
        own = cert if cert.reading.holds_private_key else None
        key = own or next((one for one in left if _is_pair(cert, one)), None)
        if key is None and len(certs) == len(keys) == 1:
            key = keys[0]
        if key in left:
            left.remove(key)
        groups.append((cert.path, key.path if key else None))
    groups += [(None, key.path) for key in left]
    shared = cas.pop(0).path if len(certs) == 1 and cas else None
    return [
        TlsSettings(cert_file=cert, key_file=key, ca_file=shared if not index else None)
        for index, (cert, key) in enumerate(groups)
    ] + [TlsSettings(ca_file=ca.path) for ca in cas]


def _is_pair(cert: RoleOfFile, key: RoleOfFile) -> bool:
    digests = {one.public_key_sha256 for one in key.reading.keys if one.public_key_sha256}
    return not digests.isdisjoint(map(fingerprint_public_key, cert.reading.certificates))
