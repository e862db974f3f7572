"""`check --with` and `check --at`: a rotation before it is made, and a moment before it comes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from probe.model.target import TlsSettings
from tests.support.backends import Backend
from tests.support.command_line import configuration, entry, run_probe
from tests.support.loopback_client import CLIENT_CA, OTHER_CA, SERVER_CA, Start
from tests.support.pki import Authority, Issued, write_pem

pytestmark = pytest.mark.slow


@pytest.fixture
async def backend(start: Start) -> Backend:
    """A healthy backend; its certificate ends in a year."""
    return await start(name="eu")


def write_pair(folder: Path, name: str, pair: Issued) -> tuple[Path, Path]:
    """Write a certificate and its key."""
    return write_pem(folder, f"{name}.crt", pair.pem), write_pem(
        folder, f"{name}.key", pair.key_pem
    )


def configure(folder: Path, backend: Backend, ca: Authority = CLIENT_CA) -> Path:
    """Write a configuration whose client certificate, of `ca`, ends in 30 days."""
    ends = datetime.now(UTC) + timedelta(days=30)
    cert, key = write_pair(folder, "old", ca.issue("checkout", not_after=ends))
    tls = TlsSettings(
        ca_file=str(write_pem(folder, "ca.crt", SERVER_CA.pem)),
        cert_file=str(cert),
        key_file=str(key),
    )
    return configuration(folder, entry(backend, tls))


async def test_a_rotation_is_tried_before_it_is_made(backend: Backend, tmp_path: Path) -> None:
    """Real handshakes with the new files: a CA that the backend does not trust is refused."""
    written = configure(tmp_path, backend)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    refused, refused_key = write_pair(tmp_path, "other", OTHER_CA.issue("checkout"))
    taken, taken_key = write_pair(tmp_path, "new", CLIENT_CA.issue("checkout"))
    check = ("check", "--config", written, "--output", "json")
    as_it_is = await run_probe(*check)
    assert as_it_is.code == 0, as_it_is.err
    with_other = await run_probe(
        *check, "--with", f"tls.cert_file={refused}", "--with", f"tls.key_file={refused_key}"
    )
    (result,) = with_other.document["results"]
    assert (with_other.code, result["cause"]) == (1, "client_ca_untrusted")
    assert any("tried with tls.cert_file, tls.key_file of --with" in one for one in result["facts"])
    with_new = await run_probe(
        *check, "--with", f"tls.cert_file={taken}", "--with", f"tls.key_file={taken_key}"
    )
    assert with_new.code == 0, with_new.out
    assert all(path.read_bytes() == held for path, held in before.items())


async def test_half_a_rotation_is_a_pair_that_does_not_fit(
    backend: Backend, tmp_path: Path
) -> None:
    """The new certificate with the old key."""
    written = configure(tmp_path, backend)
    new, _ = write_pair(tmp_path, "new", CLIENT_CA.issue("checkout"))
    ended = await run_probe(
        "check", "--config", written, "--output", "json", "--with", f"tls.cert_file={new}"
    )
    assert ended.document["results"][0]["cause"] == "client_cert_key_mismatch"


@pytest.mark.parametrize(
    ("moment", "cause"),
    [("+3d", None), ("+40d", "client_cert_expired"), ("+400d", "server_cert_expired")],
)
async def test_a_moment_to_come_is_judged_with_the_handshake_of_now(
    backend: Backend, tmp_path: Path, moment: str, cause: str | None
) -> None:
    """What works now and has expired by then fails with the cause that will be in force."""
    written = configure(tmp_path, backend)
    ended = await run_probe("check", "--config", written, "--at", moment, "--output", "json")
    (result,) = ended.document["results"]
    assert (ended.code, result["cause"]) == (int(cause is not None), cause)
    assert result["certain"] is True
    now = datetime.now(UTC)
    assert abs(datetime.fromisoformat(result["at"]) - now) < timedelta(minutes=1)
    days = int(moment[1:-1])
    as_of = datetime.fromisoformat(result["as_of"])
    assert abs(as_of - now - timedelta(days=days)) < timedelta(minutes=1)
    assert result["facts"][0].startswith("judged as of ")
    assert "judged as of " in ended.err


async def test_evidence_is_of_now(backend: Backend, tmp_path: Path) -> None:
    """What was seen is kept as it was seen: `diagnose` judges the attempt itself."""
    written, folder = configure(tmp_path, backend), tmp_path / "evidence"
    await run_probe("check", "--config", written, "--at", "+40d", "--evidence", folder)
    (file,) = folder.iterdir()
    again = await run_probe("diagnose", file, "--output", "json")
    assert again.document["results"][0]["outcome"] == "confirmed"
    assert "as_of" not in again.document["results"][0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--at", "monday"), "--at 'monday' is not a moment; write 2026-12-24 (00:00 UTC)"),
        (("--at", "2026-12-24T08:00"), "is not a moment"),
        (("--at", "+0d"), "has to be more than zero"),
        (("--at", "+3d", "--output", "prometheus"), "--at goes with"),
        (("--with", "tls.cert_fiel=a"), "did you mean tls.cert_file?"),
    ],
)
async def test_wrong_usage_says_what_is_meant(arguments: tuple[str, ...], says: str) -> None:
    """Before anything is tried."""
    ended = await run_probe("check", "127.0.0.1:1", *arguments)
    assert ended.code == 2
    assert says in ended.err
