"""Files as exporters meet them: what stops one is a fault, what may is a remark."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from probe.inspection.file_report import Inspection
from probe.inspection.inspect_files import FileSet, group_paths, inspect_files
from probe.model.target import TlsSettings
from tests.support.pki import Authority

NOW: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
AT: Final = NOW.timestamp()
ROOT: Final = Authority.root("root", now=NOW)
INTERMEDIATE: Final = ROOT.intermediate("intermediate")
LEAF: Final = INTERMEDIATE.issue("client")
SERVER: Final = INTERMEDIATE.issue(
    "server", sans=["DNS:collector.example.com", "IP:192.0.2.7"], usages=["serverAuth"]
)
WEAK: Final = Authority.root("weak", now=NOW, key_type="rsa2048")


def inspect_written(
    folder: Path, reference: str = "", at: float = AT, **content: bytes
) -> Inspection:
    """Write `cert`, `key` and `ca` and inspect them as one exporter's files."""
    paths = {}
    for role, raw in content.items():
        paths[f"{role}_file"] = str(folder / f"{role}.pem")
        (folder / f"{role}.pem").write_bytes(raw)
    return inspect_files([FileSet(tls=TlsSettings(**paths), whole=False)], at, reference)


def faults(inspection: Inspection) -> list[str]:
    """Return the causes of all faults."""
    return [fault.cause for fault in inspection.faults]


def remarks(inspection: Inspection) -> list[str]:
    """Return the causes of all remarks."""
    return [remark.cause for report in inspection.files for remark in report.remarks]


def said(inspection: Inspection) -> str:
    """Return every sentence of it."""
    lines = []
    for report in inspection.files:
        lines += [*report.facts, *(one.fact for one in (*report.faults, *report.remarks))]
    return "\n".join(lines)


def test_good_files_are_praised(tmp_path: Path) -> None:
    """A chain with its key and its root: no fault, no remark, and the pair is said to be one."""
    seen = inspect_written(
        tmp_path, cert=INTERMEDIATE.chain_pem(LEAF), key=LEAF.key_pem, ca=ROOT.pem
    )

    assert faults(seen) == remarks(seen) == []
    assert [report.role for report in seen.files] == ["cert", "key", "ca"]
    assert "its private key belongs to the certificate" in said(seen)
    assert "its issuer CN=root is in" in said(seen)


def _below_expired_intermediate() -> bytes:
    expired = ROOT.intermediate("old", not_after=NOW - timedelta(days=1))
    return expired.chain_pem(expired.issue("x"))


def _with_an_expired_cross_certificate() -> bytes:
    elder = Authority.root("elder", now=NOW)
    ended = NOW - timedelta(days=1)
    cross = elder.intermediate("root", key=ROOT.issued.key, not_after=ended)
    return INTERMEDIATE.chain_pem(INTERMEDIATE.issue("x")) + cross.pem


def _below_an_end_entity() -> bytes:
    end = ROOT.issue("end", is_ca=False)
    return Authority(end, NOW).issue("x").pem + end.pem


def _with_wrong_key_id() -> bytes:
    authority = Authority.root("CA", now=NOW)
    leaf = authority.issue("x", key_ids=False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(leaf.certificate.subject)
        .issuer_name(leaf.certificate.issuer)
        .public_key(leaf.key.public_key())
        .serial_number(7)
        .not_valid_before(leaf.certificate.not_valid_before_utc)
        .not_valid_after(leaf.certificate.not_valid_after_utc)
        .add_extension(x509.AuthorityKeyIdentifier(b"\x07" * 20, None, None), critical=False)
    )
    signed = builder.sign(authority.issued.key, hashes.SHA256())
    return signed.public_bytes(Encoding.PEM) + authority.pem


CERTIFICATES: Final[dict[str, tuple[Callable[[], bytes], list[str], list[str]]]] = {
    "expired": (
        lambda: ROOT.issue("x", not_after=NOW - timedelta(days=3)).pem,
        ["client_cert_expired"],
        [],
    ),
    "expired intermediate": (
        _below_expired_intermediate,
        ["client_cert_expired"],
        [],
    ),
    "an expired cross-certificate of the root": (
        _with_an_expired_cross_certificate,
        [],
        ["client_cert_expired"],
    ),
    "expires soon": (
        lambda: ROOT.issue("x", not_before=NOW - timedelta(days=300), not_after=NOW + timedelta(days=5)).pem,
        [],
        ["client_cert_expired"],
    ),
    "short-lived": (
        lambda: ROOT.issue("x", not_before=NOW, not_after=NOW + timedelta(hours=24)).pem, [], [],
    ),
    "not yet valid": (
        lambda: ROOT.issue("x", not_before=NOW + timedelta(hours=2)).pem,
        ["client_cert_not_yet_valid"],
        [],
    ),
    "within the tolerance": (
        lambda: ROOT.issue("x", not_before=NOW + timedelta(seconds=30)).pem, [], [],
    ),
    "for servers": (
        lambda: ROOT.issue("x", usages=["serverAuth"]).pem, ["client_cert_wrong_usage"], [],
    ),
    "for any purpose": (
        lambda: ROOT.issue("x", usages=["anyExtendedKeyUsage"]).pem, [],
        ["client_cert_wrong_usage"],
    ),
    "no usage at all": (lambda: ROOT.issue("x", usages=None, key_usage=None).pem, [], []),
    "no digitalSignature": (
        lambda: ROOT.issue("x", key_usage=["keyEncipherment"]).pem, [], ["client_cert_wrong_usage"],
    ),
    "a CA": (lambda: ROOT.issue("x", is_ca=True).pem, [], ["client_cert_wrong_usage"]),
    "SHA-1": (
        lambda: WEAK.issue("x", signature_hash="sha1").pem, ["client_cert_weak"], [],
    ),
    "RSA 1024": (lambda: ROOT.issue("x", key_type="rsa1024").pem, [], ["client_cert_weak"]),
    "the CA first": (
        lambda: INTERMEDIATE.pem + LEAF.pem, ["client_chain_misordered"], [],
    ),
    "an issuer that is none": (
        _below_an_end_entity, ["client_cert_rejected"], ["client_cert_rejected"],
    ),
    "twice the same": (lambda: LEAF.pem * 2, [], ["client_chain_misordered"]),
    "a reissued CA": (
        lambda: ROOT.issue("x").pem + ROOT.rekeyed().pem,
        [],
        ["client_chain_misordered", "client_ca_untrusted"],
    ),
    "another authority key": (
        _with_wrong_key_id, [], ["client_ca_untrusted"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("build", "stops", "may"), CERTIFICATES.values(), ids=CERTIFICATES)
def test_a_certificate_of_an_exporter(
    build: Callable[[], bytes], stops: list[str], may: list[str], tmp_path: Path
) -> None:
    """What backends refuse as a rule is a fault, what some refuse a remark, the rest neither."""
    seen = inspect_written(tmp_path, cert=build())

    assert faults(seen) == stops
    assert remarks(seen) == may


def test_time_comes_in(tmp_path: Path) -> None:
    """The same file is judged by the time that is handed in, not by a clock."""
    assert faults(inspect_written(tmp_path, cert=LEAF.pem)) == []
    later = inspect_written(tmp_path, cert=LEAF.pem, at=AT + 400 * 86400)
    assert faults(later) == ["client_cert_expired"]
    earlier = inspect_written(tmp_path, cert=LEAF.pem, at=AT - 400 * 86400)
    assert faults(earlier) == ["client_cert_not_yet_valid"]


def test_a_pair_that_is_none(tmp_path: Path) -> None:
    """The fault stands with the key, once."""
    seen = inspect_written(tmp_path, cert=LEAF.pem, key=SERVER.key_pem)

    assert faults(seen) == ["client_cert_key_mismatch"]
    assert [fault.cause for fault in seen.files[1].faults] == ["client_cert_key_mismatch"]
    assert "belongs to the certificate" not in said(seen)


def test_the_wrong_order_is_reported_once(tmp_path: Path) -> None:
    """The key's proof and the file's own both say it: one fault comes out."""
    seen = inspect_written(tmp_path, cert=INTERMEDIATE.pem + LEAF.pem, key=LEAF.key_pem)

    assert faults(seen) == ["client_chain_misordered"]


def test_exchanged_files_are_reported_as_exchanged(tmp_path: Path) -> None:
    """Where each file is what the other should be, the fix names both."""
    seen = inspect_written(tmp_path, cert=LEAF.key_pem, key=LEAF.pem)

    assert faults(seen) == ["client_file_malformed"] * 2
    assert all(
        f"cert_file: {tmp_path}/key.pem, key_file: {tmp_path}/cert.pem" in fault.fix[0]
        for fault in seen.faults
    )


def test_a_missing_intermediate_is_found_in_the_ca_file(tmp_path: Path) -> None:
    """A backend may have it, so it is a remark, with where it stands."""
    seen = inspect_written(tmp_path, cert=LEAF.pem, ca=INTERMEDIATE.pem + ROOT.pem)

    assert faults(seen) == []
    assert remarks(seen) == ["client_chain_incomplete"]
    assert f"it is in {tmp_path}/ca.pem" in said(seen)


BUNDLES: Final[dict[str, tuple[Callable[[], bytes], list[str], list[str]]]] = {
    "a root": (lambda: ROOT.pem, [], []),
    "a root and its intermediate": (lambda: INTERMEDIATE.pem + ROOT.pem, [], []),
    "a lone intermediate": (lambda: INTERMEDIATE.pem, [], ["server_ca_untrusted"]),
    "an end entity": (lambda: ROOT.pem + LEAF.pem, [], ["server_ca_untrusted"]),
    "one root expired": (
        lambda: ROOT.pem + Authority.root("old", now=NOW, not_after=NOW - timedelta(1)).pem,
        [],
        ["server_cert_expired"],
    ),
    "every root expired": (
        lambda: Authority.root("old", now=NOW, not_after=NOW - timedelta(1)).pem,
        ["server_cert_expired"],
        [],
    ),
    "the same root twice": (lambda: ROOT.pem * 2, [], []),
    "a key next to it": (lambda: ROOT.pem + ROOT.issued.key_pem, [], ["server_ca_file_malformed"]),
    "a root that expires soon": (
        lambda: Authority.root("old", now=NOW, not_before=NOW - timedelta(900), not_after=NOW + timedelta(3)).pem,
        [],
        ["server_cert_expired"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("build", "stops", "may"), BUNDLES.values(), ids=BUNDLES)
def test_a_ca_bundle(
    build: Callable[[], bytes], stops: list[str], may: list[str], tmp_path: Path
) -> None:
    """What keeps every backend from being trusted is a fault, what keeps some is a remark."""
    seen = inspect_written(tmp_path, ca=build())

    assert faults(seen) == stops
    assert remarks(seen) == may


@pytest.mark.parametrize(
    ("reference", "stops"),
    [
        ("collector.example.com", []),
        ("192.0.2.7", []),
        ("other.example.com", ["server_name_mismatch"]),
        ("192.0.2.8", ["server_name_mismatch"]),
    ],
)
def test_a_backends_certificate_has_to_cover_the_endpoint(
    reference: str, stops: list[str], tmp_path: Path
) -> None:
    """With --endpoint a server's certificate is judged as the backend's: names, and who proves it."""
    seen = inspect_written(tmp_path, reference, cert=INTERMEDIATE.chain_pem(SERVER), ca=ROOT.pem)

    assert faults(seen) == stops
    assert f"{tmp_path}/ca.pem proves it" in said(seen)


def test_a_ca_file_that_does_not_prove_the_backend(tmp_path: Path) -> None:
    """Another CA, or one short of the intermediate, leaves it unproven."""
    stranger = Authority.root("stranger", now=NOW)
    seen = inspect_written(
        tmp_path, "collector.example.com", cert=SERVER.pem, ca=stranger.pem + ROOT.pem
    )

    assert faults(seen) == ["server_ca_untrusted"]


def test_a_common_name_is_no_name(tmp_path: Path) -> None:
    """A CN-only server certificate covers nothing for Go, and says who would still take it."""
    bare = ROOT.issue("collector.example.com", sans=[], usages=["serverAuth"])

    named = inspect_written(tmp_path, "collector.example.com", cert=bare.pem)
    assert faults(named) == ["server_name_mismatch"]
    assert "take no CN for a name" in said(named)
    assert "server_name_mismatch" in remarks(inspect_written(tmp_path, cert=bare.pem))


def test_a_clients_certificate_need_not_cover_the_endpoint(tmp_path: Path) -> None:
    """The endpoint's name does not concern the client's certificate, and that is said."""
    seen = inspect_written(tmp_path, "collector.example.com", cert=ROOT.issue("client").pem)

    assert faults(seen) == []
    assert "it is a client's certificate" in said(seen)


def test_files_without_a_role_find_theirs(tmp_path: Path) -> None:
    """Content says what each is for, and the key finds its certificate among several."""
    other = ROOT.issue("other")
    files = {
        "a": LEAF.key_pem, "b": other.pem, "c": INTERMEDIATE.chain_pem(LEAF), "d": other.key_pem,
        "e": ROOT.pem,
    }  # fmt: skip
    for name, raw in files.items():
        (tmp_path / name).write_bytes(raw)

    sets = group_paths([str(tmp_path / name) for name in files])

    found = {
        tuple(
            Path(path).name if path else ""
            for path in (one.tls.cert_file, one.tls.key_file, one.tls.ca_file)
        )
        for one in sets
    }
    assert found == {("b", "d", ""), ("c", "a", ""), ("", "", "e")}
    assert faults(inspect_files(sets, AT)) == []


def test_a_combined_file_is_reported_once(tmp_path: Path) -> None:
    """Certificate and key in one file are one file."""
    path = tmp_path / "client.pem"
    path.write_bytes(LEAF.key_pem + LEAF.pem)

    seen = inspect_files(group_paths([str(path)]), AT)

    assert len(seen.files) == 1
    assert faults(seen) == []
    assert "its private key belongs to the certificate next to it" in said(seen)


def test_a_missing_half_counts_where_settings_are_whole() -> None:
    """In a configuration a lone cert_file is a fault; on the command line it is a question."""
    tls = TlsSettings(cert_pem=LEAF.pem.decode())

    assert faults(inspect_files([FileSet(tls=tls)], AT)) == ["client_file_missing"]
    assert faults(inspect_files([FileSet(tls=tls, whole=False)], AT)) == []
