"""The system's roots are found where Go looks for them, and read again when they change."""

from pathlib import Path

import pytest

from probe.credentials.system_roots import SystemRoots
from tests.support.exhaustion import no_descriptors
from tests.support.pki import issue

FIRST, SECOND = issue("first", ca=True), issue("second", ca=True)


def test_a_file_and_folders_are_joined_each_root_once(tmp_path: Path) -> None:
    """SSL_CERT_FILE and SSL_CERT_DIR replace the usual places; links within a folder are left out."""
    (tmp_path / "bundle.crt").write_bytes(b"# comment\n" + FIRST.pem)
    folder = tmp_path / "certs"
    folder.mkdir()
    (folder / "a.pem").write_bytes(SECOND.pem + FIRST.pem)
    (folder / "0123abcd.0").symlink_to("a.pem")
    (folder / "linked.pem").symlink_to(tmp_path / "bundle.crt")
    (folder / "readme").write_bytes(b"no certificate")
    roots = SystemRoots(
        {
            "SSL_CERT_FILE": str(tmp_path / "bundle.crt"),
            "SSL_CERT_DIR": f"{folder}:{tmp_path / 'absent'}",
        }
    )

    assert roots.read() == (FIRST.der, SECOND.der)
    assert roots.read() is roots.read()
    assert list(roots.read_pool()) == [FIRST.der, SECOND.der]
    assert roots.read_pool() is roots.read_pool()


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    """An update of the package ca-certificates takes effect without a restart."""
    file = tmp_path / "bundle.crt"
    roots = SystemRoots({"SSL_CERT_FILE": str(file), "SSL_CERT_DIR": str(tmp_path / "none")})
    assert roots.read() == ()

    file.write_bytes(FIRST.pem)
    assert roots.read() == (FIRST.der,)


def test_without_descriptors_no_root_is_missing_for_ever(tmp_path: Path) -> None:
    """Roots that cannot be read for want of descriptors are not taken to be none."""
    file = tmp_path / "bundle.crt"
    file.write_bytes(FIRST.pem)
    roots = SystemRoots({"SSL_CERT_FILE": str(file), "SSL_CERT_DIR": str(tmp_path)})

    with no_descriptors(), pytest.raises(OSError, match="Too many open files"):
        roots.read()
    assert roots.read() == (FIRST.der,)
