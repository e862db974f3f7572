"""Go's use of the files: tls.X509KeyPair and x509.CertPool.AppendCertsFromPEM (Go 1.26).

The Collector (configtls) stops at either; the SDK's exporters (otlptracegrpc, otlptracehttp,
internal/envconfig) log the fault, and go on without client certificate, or with the system's roots.
"""

from collections.abc import Callable
from typing import Final

from probe.credentials.readers.go import read_go_blocks
from probe.credentials.readers.pem_file import PemFile
from probe.credentials.readers.private_key import (
    CURVES,
    EXPLICIT,
    PrivateKey,
    is_consistent_rsa,
)
from probe.credentials.readers.reading import Anchors, FileSet, Pair, Stop, Why

_NAMED: Final = frozenset(CURVES.values())
_PARSED_FULLY: Final = 100
_LISTED: Final = 20
"""Skipped blocks that a text lists; Go lists all of them."""

Refuse = Callable[[bytes], str]
"""Why a runtime's parser refuses a certificate, in its words; empty where it does not."""


def read_go_pair(files: FileSet, cert: PemFile, key_file: PemFile, refuse: Refuse) -> Pair:
    """Return what tls.X509KeyPair returns for the pair."""
    certificates = []
    skipped = []
    for block in read_go_blocks(cert):
        if block.label == "CERTIFICATE":
            certificates.append(block)
        else:
            skipped.append(block.label)
    if not certificates:
        return Pair(stop=Stop("cert", "no_block", _describe_certless(skipped)))
    skipped = []
    for block in read_go_blocks(key_file):
        if block.label == "PRIVATE KEY" or block.label.endswith(" PRIVATE KEY"):
            break
        skipped.append(block.label)
    else:
        return Pair(stop=Stop("key", "no_block", _describe_keyless(skipped)))
    chain = tuple(one.der for one in certificates)
    refused = refuse(chain[0])
    if refused:
        return Pair(stop=Stop("cert", "certificate", refused, certificates[0].at))
    key, loaded = files.read_key(block.der)
    if key is None or loaded is None or not is_read_by_go(key):
        encrypted = b"ENCRYPTED" in block.header or (key is not None and key.form == "encrypted")
        why: Why = "encrypted" if encrypted else "key"
        says = "tls: failed to parse private key"
        if key is not None and (key.form, key.algorithm) == ("pkcs8", "x25519"):
            says = "tls: found unknown private key type in PKCS#8 wrapping"
        return Pair(stop=Stop("key", why, says, block.at))
    public = files.parse(chain[0]).public_sha256
    if public != loaded.public_sha256:
        says = "tls: private key does not match public key"
        if files.parse(chain[0]).algorithm != key.algorithm:
            says = "tls: private key type does not match public key type"
        return Pair(stop=Stop("key", "pair", says, block.at))
    return Pair(chain, key)


def read_go_anchors(files: FileSet, file: PemFile, refuse: Refuse) -> Anchors:
    """Return what AppendCertsFromPEM takes: each block that parses, the others without a message.

    What it says of a file of which it takes nothing is the caller's text. Of a large bundle only
    the first certificates are parsed as Go does, the others by `cryptography` where that reads
    them: a path needs one of them parsed in any case.
    """
    blocks = [
        block for block in read_go_blocks(file) if block.label == "CERTIFICATE" and not block.header
    ]
    taken = tuple(
        block.der
        for number, block in enumerate(blocks)
        if (number >= _PARSED_FULLY and files.parse(block.der).plain is not None)
        or not refuse(block.der)
    )
    if taken:
        return Anchors(taken)
    if not blocks:
        return Anchors(stop=Stop("ca", "no_block", ""))
    first = blocks[0]
    return Anchors(stop=Stop("ca", "certificate", "", first.at, refuse(first.der)))


def is_read_by_go(key: PrivateKey) -> bool:
    """Return whether crypto/tls parsePrivateKey takes a key of this form, whatever its label."""
    if not key.strict:
        return False
    match key.form:
        case "pkcs1":
            return not key.trailing and key.version <= 1 and is_consistent_rsa(key.der)
        case "sec1":
            return key.version == 1 and key.curve in _NAMED
        case "pkcs8" if key.algorithm == "rsa":
            return is_consistent_rsa(key.der)
        case "pkcs8" if key.algorithm == "ec":
            named = key.curve not in {"", EXPLICIT}
            return (key.curve if named else key.inner_curve) in _NAMED
        case "pkcs8":
            return key.algorithm == "ed25519"
        case _:
            return False


def _describe_certless(skipped: list[str]) -> str:
    if not skipped:
        return "tls: failed to find any PEM data in certificate input"
    if len(skipped) == 1 and skipped[0].endswith("PRIVATE KEY"):
        return (
            "tls: failed to find certificate PEM data in certificate input, but did find a "
            "private key; PEM inputs may have been switched"
        )
    return (
        'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM '
        f"blocks of the following types: [{' '.join(skipped[:_LISTED])}]"
    )


def _describe_keyless(skipped: list[str]) -> str:
    if not skipped:
        return "tls: failed to find any PEM data in key input"
    if skipped == ["CERTIFICATE"]:
        return "tls: found a certificate rather than a key in the PEM for the private key"
    return (
        'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after '
        f"skipping PEM blocks of the following types: [{' '.join(skipped[:_LISTED])}]"
    )
