"""The files of an exporter, written for tests."""

from pathlib import Path

from probe.model.target import TlsSettings
from tests.support.pki import Issued


def pair_files(folder: Path, *chain: Issued, ca: tuple[Issued, ...] = ()) -> TlsSettings:
    """Write `chain` with the first one's key, and `ca` where given; return the settings."""
    (folder / "tls.crt").write_bytes(b"".join(issued.pem for issued in chain))
    (folder / "tls.key").write_bytes(chain[0].key_pem)
    ca_file = None
    if ca:
        ca_file = str(folder / "ca.crt")
        (folder / "ca.crt").write_bytes(b"".join(issued.pem for issued in ca))
    return TlsSettings(
        cert_file=str(folder / "tls.crt"), key_file=str(folder / "tls.key"), ca_file=ca_file
    )
