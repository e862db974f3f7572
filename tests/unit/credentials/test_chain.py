"""The issuers at hand beyond what is sent, each proven by signature, from bounded places."""

import os
from pathlib import Path

from probe.credentials.load import load_credentials
from probe.model.certificate import CredentialFacts
from probe.model.target import TlsSettings
from tests.support.credential_files import pair_files
from tests.support.pki import issue

ROOT = issue("root", ca=True)
INTERMEDIATE = issue("intermediate", ROOT, ca=True)
LEAF = issue("client", INTERMEDIATE)
OTHER = issue("other", ROOT)


def load(tls: TlsSettings) -> CredentialFacts:
    """Return the facts of `tls`."""
    return load_credentials(tls, source_kinds=()).facts


def test_the_continuation_comes_from_the_ca_file_first(tmp_path: Path) -> None:
    """The issuers that cert_file lacks are found where they lie, up to the root."""
    tls = pair_files(tmp_path, LEAF, ca=(OTHER, INTERMEDIATE))
    (tmp_path / "z-root.pem").write_bytes(ROOT.pem)
    facts = load(tls)

    assert [(at.path, at.certificate.subject.text) for at in facts.unsent_issuers] == [
        (str(tmp_path / "ca.crt"), "CN=intermediate"),
        (str(tmp_path / "z-root.pem"), "CN=root"),
    ]
    assert facts.unsent_issuers[-1].certificate.self_signed


def test_the_continuation_is_proven_by_signature(tmp_path: Path) -> None:
    """A CA of the same name with another key is no issuer; a complete chain needs none."""
    impostor = issue("intermediate", ROOT, ca=True)

    assert load(pair_files(tmp_path, LEAF, ca=(impostor,))).unsent_issuers == ()
    assert load(pair_files(tmp_path, LEAF, INTERMEDIATE, ROOT)).unsent_issuers == ()


def test_the_folder_is_read_within_bounds(tmp_path: Path) -> None:
    """Only small regular *.pem and *.crt files count, and a FIFO among them blocks nothing."""
    tls = pair_files(tmp_path, LEAF)
    os.mkfifo(tmp_path / "a.pem")
    (tmp_path / "b.pem").write_bytes(INTERMEDIATE.pem + b"#" * 300_000)
    (tmp_path / "c.txt").write_bytes(INTERMEDIATE.pem)

    assert load(tls).unsent_issuers == ()
