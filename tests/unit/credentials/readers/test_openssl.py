"""OpenSSL's reader against the OpenSSL of this Python, on blocks that are bent in every way."""

import ssl
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probe.credentials.readers.openssl_files import (
    CPYTHON,
    read_openssl_anchors,
    read_openssl_pair,
)
from probe.credentials.readers.pem_file import PemFile
from probe.credentials.readers.reading import FileSet
from probe.credentials.readers.runtimes import read_as_all
from tests.support.bent_pem import bend
from tests.support.pki import issue

CA = issue("CA", ca=True)
LEAF = issue("client", CA)
RELAXED = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def never_ask() -> bytes:
    """Stand for a terminal at which nobody types a passphrase."""
    raise ValueError("no passphrase")


def is_loaded(folder: Path, cert: bytes, key: bytes) -> bool:
    """Return whether this Python loads the pair."""
    (folder / "cert").write_bytes(cert)
    (folder / "key").write_bytes(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_cert_chain(folder / "cert", folder / "key", never_ask)
    except (ssl.SSLError, ValueError):
        return False
    return True


@RELAXED
@given(cert=bend(LEAF.pem, CA.pem))
def test_certificates_as_this_python_reads_them(cert: bytes, tmp_path: Path) -> None:
    """SSL_CTX_use_certificate_chain_file."""
    pair = read_openssl_pair(FileSet(), PemFile(cert), PemFile(LEAF.key_pem), CPYTHON)

    assert (pair.stop is None) == is_loaded(tmp_path, cert, LEAF.key_pem), pair.stop


@pytest.mark.parametrize(
    "before",
    [b"\0\n", b"x\n\0\n", b"\0" + LEAF.key_pem, LEAF.key_pem[:90] + b"\n\0\n"],
    ids=["alone", "behind text", "before a key", "within a key"],
)
@pytest.mark.parametrize("key", [LEAF.key_pem, b""], ids=["then a key", "then nothing"])
def test_a_line_that_begins_with_a_nul(before: bytes, key: bytes, tmp_path: Path) -> None:
    """It ends the reading of a certificate, and of a key only what was begun before it."""
    found = read_openssl_pair(FileSet(), PemFile(LEAF.pem), PemFile(before + key), CPYTHON)
    assert (found.stop is None) is bool(key) is is_loaded(tmp_path, LEAF.pem, before + key)
    spoilt = read_openssl_pair(
        FileSet(), PemFile(before + LEAF.pem), PemFile(LEAF.key_pem), CPYTHON
    )
    assert spoilt.stop is not None
    assert not is_loaded(tmp_path, before + LEAF.pem, LEAF.key_pem)


@RELAXED
@given(key=bend(LEAF.key_pem, CA.key_pem))
def test_keys_as_this_python_reads_them(key: bytes, tmp_path: Path) -> None:
    """SSL_CTX_use_PrivateKey_file."""
    pair = read_openssl_pair(FileSet(), PemFile(LEAF.pem), PemFile(key), CPYTHON)

    assert (pair.stop is None) == is_loaded(tmp_path, LEAF.pem, key), pair.stop


@RELAXED
@given(bundle=bend(CA.pem, LEAF.pem))
def test_anchors_as_this_python_reads_them(bundle: bytes, tmp_path: Path) -> None:
    """SSL_CTX_load_verify_locations: the same files, and as many anchors of each."""
    (tmp_path / "ca").write_bytes(bundle)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(tmp_path / "ca")
        held = context.cert_store_stats()["x509"]
    except ssl.SSLError:
        held = -1
    anchors = read_openssl_anchors(FileSet(), PemFile(bundle), CPYTHON)

    assert (-1 if anchors.stop else len(set(anchors.certificates))) == held, anchors.stop


@settings(max_examples=300, deadline=None)
@given(raw=st.binary(max_size=400) | bend(LEAF.pem, LEAF.key_pem))
def test_any_bytes_are_read_by_every_model(raw: bytes) -> None:
    """Nothing raises, whatever the three files hold."""
    assert read_as_all(FileSet(PemFile(raw), PemFile(raw), PemFile(raw)))
