"""Credential files in every format, wrapping and damage: what each exporter is asked to load.

The same cases on every run; an id says what is changed in which of the three files.
"""

from collections.abc import Iterator
from functools import cache

from tests.lab.exporters.generators.certificates import (
    CA_EXTENSIONS,
    CLIENT_EXTENSIONS,
    OTHER_ROOT,
    ROOT,
    name,
)
from tests.lab.exporters.generators.compositions import composed
from tests.lab.exporters.generators.credential_set import (
    CA,
    CHAIN,
    EC_CERT,
    EC_KEY,
    OTHER_CA,
    RSA_CERT,
    RSA_KEY,
    CredentialFiles,
    certificate_pem,
    changed,
)
from tests.lab.exporters.generators.key_formats import keys_and_formats
from tests.lab.exporters.generators.keys import ec_key, rsa_key
from tests.lab.exporters.generators.odd_certificates import ODDITIES, Parts
from tests.lab.exporters.generators.wrappings import WRAPPINGS, armour


def _base() -> Iterator[CredentialFiles]:
    yield CredentialFiles("base-rsa", "good files, RSA", "cert", RSA_CERT, RSA_KEY, CA)
    yield CredentialFiles("base-ec", "good files, P-256", "cert", EC_CERT, EC_KEY, CA)
    yield CredentialFiles("base-chain", "leaf and intermediate", "cert", CHAIN, RSA_KEY, CA)
    yield changed("base-bundle", "another CA, then ours", "ca", OTHER_CA + CA)


def _wrapped() -> Iterator[CredentialFiles]:
    """Yield every wrapping of every file of the good set; some more where a key's form matters."""
    sec1 = armour("EC PRIVATE KEY", ec_key(name="client").traditional)
    pkcs1 = armour("RSA PRIVATE KEY", rsa_key().traditional)
    for case, (what, wrap) in WRAPPINGS.items():
        yield changed(f"{case}-cert", what, "cert", wrap(RSA_CERT))
        yield changed(f"{case}-key", what, "key", wrap(RSA_KEY))
        yield changed(f"{case}-ca", what, "ca", wrap(CA))
        yield changed(f"{case}-sec1", f"SEC1 key: {what}", "key", wrap(sec1), cert=EC_CERT)
        yield changed(f"{case}-pkcs1", f"PKCS#1 key: {what}", "key", wrap(pkcs1))
        yield changed(f"{case}-chain", f"leaf and intermediate: {what}", "cert", wrap(CHAIN))
        yield changed(f"{case}-bundle", f"another CA, then ours: {what}", "ca", wrap(OTHER_CA + CA))


def _odd() -> Iterator[CredentialFiles]:
    """Yield each odd certificate as the client's, as our CA, and as another CA before ours."""
    leaf = Parts(ROOT, name("client"), ec_key(name="client").spki, CLIENT_EXTENSIONS)
    ours = Parts(ROOT, ROOT.subject, ROOT.key.spki, CA_EXTENSIONS)
    other = Parts(OTHER_ROOT, OTHER_ROOT.subject, OTHER_ROOT.key.spki, CA_EXTENSIONS)
    for case, (what, change) in ODDITIES.items():
        certificate = certificate_pem(change(leaf).sign())
        yield changed(f"odd-{case}-cert", what, "cert", certificate, key=EC_KEY)
        if change(ours).subject == ours.subject:  # else it is not the issuer by name
            authority = certificate_pem(change(ours).sign())
            yield changed(f"odd-{case}-ca", f"our CA: {what}", "ca", authority)
        beside = certificate_pem(change(other).sign())
        yield changed(f"odd-{case}-other", f"another CA before ours: {what}", "ca", beside + CA)


@cache
def credential_files() -> tuple[CredentialFiles, ...]:
    """Return all cases; no two have one id."""
    cases = (*_base(), *_wrapped(), *keys_and_formats(), *composed(), *_odd())
    ids = [each.id for each in cases]
    assert len(set(ids)) == len(ids), sorted({each for each in ids if ids.count(each) > 1})
    return cases
