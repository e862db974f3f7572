"""Every fault that the files themselves prove, and that none of them raises."""

import base64
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
)

from probe.credentials.content import SIZE_LIMIT
from probe.credentials.load import load_credentials
from probe.model.certificate import CredentialFacts
from probe.model.target import Secret, TlsSettings
from tests.support.credential_files import pair_files
from tests.support.pki import Issued, issue, key_pem, name_of

ROOT = issue("root", ca=True)
INTERMEDIATE = issue("intermediate", ROOT, ca=True)
LEAF = issue("client", INTERMEDIATE)
OTHER = issue("other", ROOT)


def load(tls: TlsSettings, exporter: str = "collector") -> CredentialFacts:
    """Return the facts of `tls`."""
    return load_credentials(tls, exporter=exporter).facts


def causes(facts: CredentialFacts) -> list[tuple[str, str]]:
    """Return cause and role of each fault."""
    return [(fault.cause, fault.role) for fault in facts.faults]


def test_good_files_have_no_fault(tmp_path: Path) -> None:
    """A chain with its key and CA is read in order."""
    facts = load(pair_files(tmp_path, LEAF, INTERMEDIATE, ca=(ROOT,)))

    assert facts.faults == facts.remarks == ()
    assert [c.subject.text for c in facts.client_chain] == ["CN=client", "CN=intermediate"]
    assert [c.subject.text for c in facts.ca_bundle] == ["CN=root"]
    assert not facts.system_roots


def test_nothing_configured_is_no_fault() -> None:
    """Without files there is no certificate to send, and the system's roots are the anchors."""
    facts = load(TlsSettings())

    assert facts.faults == ()
    assert facts.client_chain == ()
    assert facts.system_roots


def test_missing_files(tmp_path: Path) -> None:
    """Each missing file is a fault of its own, and says which directory is not there either."""
    missing = str(tmp_path / "gone" / "tls.crt")
    (tmp_path / "dangling").symlink_to("nowhere")
    facts = load(
        TlsSettings(cert_file=missing, key_file=str(tmp_path / "dangling"), ca_file="/gone")
    )

    assert causes(facts) == [
        ("client_file_missing", "cert"),
        ("client_file_missing", "key"),
        ("server_ca_file_missing", "ca"),
    ]
    assert "nor does the directory" in facts.faults[0].fact
    assert "symbolic link to nowhere" in facts.faults[1].fact


@pytest.mark.parametrize(
    ("tls", "role", "setting"),
    [
        (TlsSettings(cert_pem=LEAF.pem.decode()), "key", "key_file"),
        (TlsSettings(key_pem=Secret(LEAF.key_pem.decode())), "cert", "cert_file"),
    ],
    ids=["no key", "no certificate"],
)
def test_a_missing_half_of_the_pair(tls: TlsSettings, role: str, setting: str) -> None:
    """A certificate without a key, or the reverse, is a file missing."""
    facts = load(tls)

    assert causes(facts) == [("client_file_missing", role)]
    assert facts.faults[0].path == setting


@pytest.fixture
def closed() -> Iterator[Path]:
    """Give a folder of a good pair that this process may not read."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        pair_files(folder, LEAF, ca=(ROOT,))
        for file in folder.iterdir():
            file.chmod(0o000)
        folder.chmod(0o711)
        root = os.geteuid() == 0
        if root:  # root reads any file: become somebody else for the test
            os.seteuid(65534)
        yield folder
        if root:
            os.seteuid(0)
        folder.chmod(0o700)


def test_forbidden_files(closed: Path) -> None:
    """A file that may not be read is distinguished from one that is missing, with its mode."""
    facts = load(
        TlsSettings(
            cert_file=str(closed / "tls.crt"),
            key_file=str(closed / "tls.key"),
            ca_file=str(closed / "ca.crt"),
        )
    )

    assert causes(facts) == [
        ("client_file_permission", "cert"),
        ("client_file_permission", "key"),
        ("server_ca_file_permission", "ca"),
    ]
    assert "mode is 0000" in facts.faults[1].fact


def test_what_is_no_file_never_blocks(tmp_path: Path) -> None:
    """A directory, a FIFO, a socket and a huge file are malformed; no read waits on them."""
    fifo, sock, huge = tmp_path / "fifo", tmp_path / "sock", tmp_path / "huge"
    os.mkfifo(fifo)
    huge.write_bytes(b"\n" * (SIZE_LIMIT + 1))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(sock))
        facts = load(TlsSettings(cert_file=str(fifo), key_file=str(sock), ca_file=str(tmp_path)))
    larger = load(TlsSettings(ca_file=str(huge)))

    assert causes(facts) == [
        ("client_file_malformed", "cert"),
        ("client_file_malformed", "key"),
        ("server_ca_file_malformed", "ca"),
    ]
    assert [fault.fact.split(" is a ")[1] for fault in facts.faults] == [
        "FIFO, not a file",
        "socket, not a file",
        "directory, not a file",
    ]
    assert "larger than" in larger.faults[0].fact


def test_a_key_of_another_certificate(tmp_path: Path) -> None:
    """Public keys are compared; the digests that show it are of public parts."""
    tls = pair_files(tmp_path, LEAF)
    (tmp_path / "tls.key").write_bytes(OTHER.key_pem)
    facts = load(tls)

    assert causes(facts) == [("client_cert_key_mismatch", "key")]
    assert str(tmp_path / "tls.crt") in facts.faults[0].fix[0]


def test_a_key_that_belongs_further_down(tmp_path: Path) -> None:
    """The right certificates in the wrong order are not a mismatch."""
    tls = pair_files(tmp_path, LEAF, INTERMEDIATE)
    (tmp_path / "tls.crt").write_bytes(INTERMEDIATE.pem + LEAF.pem)
    facts = load(tls)

    assert causes(facts) == [("client_chain_misordered", "cert")]
    assert "certificate 2" in facts.faults[0].fact


def test_intermediates_out_of_order_are_a_finding(tmp_path: Path) -> None:
    """With the end entity first, the exporter starts and most backends accept."""
    facts = load(pair_files(tmp_path, LEAF, ROOT, INTERMEDIATE))

    assert facts.faults == ()
    assert [remark.cause for remark in facts.remarks] == ["client_chain_misordered"]


def test_a_damaged_private_half_is_found(tmp_path: Path) -> None:
    """A key whose public numbers still match, but which signs wrongly, is malformed."""
    whole = rsa.generate_private_key(65537, 2048)
    numbers = whole.private_numbers()
    damaged = rsa.RSAPrivateNumbers(
        p=numbers.p,
        q=numbers.q,
        d=numbers.d ^ 2,
        dmp1=numbers.dmp1 ^ 2,
        dmq1=numbers.dmq1,
        iqmp=numbers.iqmp,
        public_numbers=numbers.public_numbers,
    ).private_key(unsafe_skip_rsa_key_validation=True)
    tls = pair_files(tmp_path, issue("client", key=whole))
    (tmp_path / "tls.key").write_bytes(key_pem(damaged))
    facts = load(tls)

    assert causes(facts) == [("client_file_malformed", "key")]
    assert "damaged private key" in facts.faults[0].fact


def test_a_damaged_public_key_in_the_certificate(tmp_path: Path) -> None:
    """A certificate whose point is on no curve is malformed, not a mismatch."""
    tls = pair_files(tmp_path, LEAF)
    point = LEAF.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    der = LEAF.der.replace(point, point[:-1] + bytes([point[-1] ^ 1]))
    (tmp_path / "tls.crt").write_bytes(
        b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
    )
    facts = load(tls)

    assert causes(facts) == [("client_file_malformed", "cert")]
    assert "point not on curve" in facts.faults[0].fact


def test_an_encrypted_key(tmp_path: Path) -> None:
    """An encrypted key is its own cause, and nobody is asked for a passphrase."""
    tls = pair_files(tmp_path, LEAF)
    (tmp_path / "tls.key").write_bytes(
        key_pem(LEAF.key, encryption=BestAvailableEncryption(b"passphrase"))
    )

    assert causes(load(tls)) == [("client_key_encrypted", "key")]


def test_a_certificate_that_cannot_authenticate(tmp_path: Path) -> None:
    """A key-agreement key signs nothing: said at load, not left to the handshake."""
    key = x25519.X25519PrivateKey.generate()
    builder = x509.CertificateBuilder(
        issuer_name=ROOT.certificate.subject,
        subject_name=name_of("x"),
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=ROOT.certificate.not_valid_before_utc.replace(tzinfo=None),
        not_valid_after=ROOT.certificate.not_valid_after_utc.replace(tzinfo=None),
    )
    certificate = builder.sign(ROOT.key, hashes.SHA256())
    tls = pair_files(tmp_path, Issued(certificate, key))  # type: ignore[arg-type] # no issuer's key, that is the point
    facts = load(tls)

    assert causes(facts) == [("client_file_malformed", "key")]
    assert "X25519" in facts.faults[0].fact


def test_inline_values_are_read_like_files() -> None:
    """`*_pem` stands where the path would."""
    good = load(
        TlsSettings(
            cert_pem=LEAF.pem.decode(),
            key_pem=Secret(LEAF.key_pem.decode()),
            ca_pem=ROOT.pem.decode(),
        )
    )
    bad = load(
        TlsSettings(cert_pem="x", key_pem=Secret(LEAF.key_pem.decode()[:90]), ca_pem="\udcff")
    )

    assert good.faults == ()
    assert [fault.path for fault in bad.faults] == ["cert_pem", "key_pem", "ca_pem"]
    assert LEAF.key_pem.decode().split("\n")[1] not in repr(bad)


@pytest.mark.parametrize(("exporter", "faults"), [("collector", 2), ("python-http", 0)])
def test_a_byte_order_mark(tmp_path: Path, exporter: str, faults: int) -> None:
    """It stops a Collector; for one on OpenSSL it is a remark."""
    tls = pair_files(tmp_path, LEAF, ca=(ROOT,))
    for name in ("tls.crt", "ca.crt"):
        file = tmp_path / name
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    facts = load(tls, exporter)

    assert len(facts.faults) == faults
    assert len(facts.remarks) == 2 - faults


def test_a_byte_order_mark_hides_one_anchor_of_several_from_go(tmp_path: Path) -> None:
    """A Collector starts, but without the first certificate of ca_file."""
    tls = pair_files(tmp_path, LEAF, ca=(ROOT, INTERMEDIATE))
    (tmp_path / "ca.crt").write_bytes(b"\xef\xbb\xbf" + ROOT.pem + INTERMEDIATE.pem)
    facts = load(tls)

    assert facts.faults == ()
    assert [one.subject.text for one in facts.ca_bundle] == ["CN=intermediate"]
    assert "byte order mark" in facts.remarks[0].fact


def test_a_damaged_ca_among_good_ones(tmp_path: Path) -> None:
    """Go passes over it without a message, which is said; OpenSSL refuses the whole file."""
    tls = pair_files(tmp_path, LEAF, ca=(ROOT,))
    (tmp_path / "ca.crt").write_bytes(ROOT.pem + OTHER.pem.replace(b"\n", b"\n!", 2))
    of_go, of_openssl = load(tls), load(tls, "python-http")

    assert of_go.faults == ()
    assert "uses the rest of the file" in of_go.remarks[0].fact
    assert causes(of_openssl) == [("server_ca_file_malformed", "ca")]
    assert "damaged base64" in of_openssl.faults[0].fact


def test_what_stops_java_alone(tmp_path: Path) -> None:
    """A PKCS#1 key is read by all but Java: its form and the command that changes it are named."""
    key = rsa.generate_private_key(65537, 2048)
    tls = pair_files(tmp_path, issue("client", key=key))
    (tmp_path / "tls.key").write_bytes(key_pem(key, PrivateFormat.TraditionalOpenSSL))
    facts = load(tls, "java-okhttp")

    assert load(tls).faults == ()
    assert causes(facts) == [("client_file_malformed", "key")]
    assert "RSA in PKCS#1 form" in facts.faults[0].fact
    assert facts.faults[0].fix[0].startswith("openssl pkey -in ")


def test_other_runtimes_readings_are_facts(tmp_path: Path) -> None:
    """Where another exporter fares otherwise with the files, the evidence says over which file."""
    key = rsa.generate_private_key(65537, 2048)
    tls = pair_files(tmp_path, issue("client", key=key))
    (tmp_path / "tls.key").write_bytes(key_pem(key, PrivateFormat.TraditionalOpenSSL))
    facts = load(tls)

    assert {(one.runtime, one.stage, one.role, one.why) for one in facts.readings} == {
        (java, "load", "key", "key") for java in ("java-okhttp", "java-jdk", "java-grpc")
    }


def test_a_large_bundle_is_read(tmp_path: Path) -> None:
    """A bundle of 1.7 MB loads in a Collector, and here, in well under a second."""
    tls = pair_files(tmp_path, LEAF, ca=(ROOT,))
    bundle = tmp_path / "ca.crt"
    bundle.write_bytes((ROOT.pem + INTERMEDIATE.pem) * (1_700_000 // 1_200))
    begun = perf_counter()
    facts = load(tls)

    assert perf_counter() - begun < 2
    assert facts.faults == ()
    assert len(facts.ca_bundle) == 2


def test_the_generation_follows_content(tmp_path: Path) -> None:
    """It changes with any file's content, is stable otherwise, and holds nothing of the key."""
    tls = pair_files(tmp_path, LEAF, ca=(ROOT,))
    seen = [load(tls).generation]
    assert load(tls).generation == seen[0]
    for name, raw in [
        ("ca.crt", OTHER.pem),
        ("tls.key", OTHER.key_pem),
        ("tls.crt", OTHER.pem),
        ("tls.key", b""),
    ]:
        (tmp_path / name).write_bytes(raw)
        seen.append(load(tls).generation)

    assert len(set(seen)) == 5


def test_unsent_issuers_come_from_the_ca_file_first(tmp_path: Path) -> None:
    """The issuers that cert_file lacks are found where they lie, up to the root."""
    tls = pair_files(tmp_path, LEAF, ca=(OTHER, INTERMEDIATE))
    (tmp_path / "z-root.pem").write_bytes(ROOT.pem)
    facts = load(tls)

    assert [(at.path, at.certificate.subject.text) for at in facts.unsent_issuers] == [
        (str(tmp_path / "ca.crt"), "CN=intermediate"),
        (str(tmp_path / "z-root.pem"), "CN=root"),
    ]
    assert facts.unsent_issuers[-1].certificate.self_signed


def test_unsent_issuers_are_proven_by_signature(tmp_path: Path) -> None:
    """A CA of the same name with another key is not an issuer; a complete chain needs none."""
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
