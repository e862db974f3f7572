"""The files of `listen`: which it starts with, and how it judges itself and others."""

import errno
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from probe.backend import listener_files
from probe.backend.listener_files import MOST_SEARCHES, ListenerFiles
from probe.credentials.receiver_files import ClientJudgement
from probe.exporters.offers import choose_offer
from probe.model.exporter_connection import ExporterConnection
from probe.model.target import Endpoint, TlsSettings
from tests.support.listening import make_files
from tests.support.loopback_client import CLIENT_CA, OTHER_CA, SERVER, SERVER_CA
from tests.support.pki import write_pem

ADDRESS = ("127.0.0.1", 4317)


def hello(**more: object) -> ExporterConnection:
    """Return a connection whose exporter sent bad_certificate's like: it ended after our flight."""
    seen = {
        "looks_like": ("go-grpc",), "looks_near": True, "speech": "tls", "end": "close",
        "offer": choose_offer("go-grpc", "grpc", TlsSettings()), "server_name": "localhost",
    }  # fmt: skip
    return ExporterConnection(number=1, at=0.0, peer="192.0.2.7:1", **{**seen, **more})  # type: ignore[arg-type]


def test_good_files_have_no_fault(tmp_path: Path) -> None:
    """Nothing is said of them, and whose clients are accepted is named."""
    files = make_files(tmp_path)
    assert (files.unusable, files.remarks) == ((), ())
    assert files.named_cas == ("CN=client CA",)


def test_a_key_that_does_not_fit_is_named(tmp_path: Path) -> None:
    """In the words of `inspect`."""
    key = write_pem(tmp_path, "other.key", OTHER_CA.issue("x").key_pem)
    cert = write_pem(tmp_path, "server.crt", SERVER.pem)
    ca = write_pem(tmp_path, "ca.crt", CLIENT_CA.pem)
    files = ListenerFiles(str(cert), str(key), str(ca), Endpoint("", 4317), time.time())
    assert "other.key is not the private key of the certificate" in files.unusable[0].fact
    assert files.unusable[0].fix


@pytest.mark.parametrize("missing", ["cert", "key", "ca"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, missing: str) -> None:
    """Nothing could be presented, or nobody accepted."""
    names = {
        "cert": write_pem(tmp_path, "server.crt", SERVER.pem),
        "key": write_pem(tmp_path, "server.key", SERVER.key_pem),
        "ca": write_pem(tmp_path, "ca.crt", CLIENT_CA.pem),
    }
    names[missing] = tmp_path / "nothing"
    files = ListenerFiles(
        *(str(names[one]) for one in ("cert", "key", "ca")), Endpoint("", 1), time.time()
    )
    assert any(str(tmp_path / "nothing") in one.fact for one in files.unusable)


def test_a_file_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receiver's Collector may be allowed to: for the listener it is the end."""
    real = listener_files.read_receiver_files
    monkeypatch.setattr(
        listener_files, "read_receiver_files", lambda *given: replace(real(*given), faults=())
    )
    (tmp_path / "server.key").symlink_to(tmp_path / "nothing")
    cert = write_pem(tmp_path, "server.crt", SERVER.pem)
    ca = write_pem(tmp_path, "ca.crt", CLIENT_CA.pem)
    key = tmp_path / "server.key"
    files = ListenerFiles(str(cert), str(key), str(ca), Endpoint("", 1), time.time())
    assert str(key) in files.unusable[0].fact


def test_our_own_expiry_explains_the_silence(tmp_path: Path) -> None:
    """What the exporter's verifier finds in our chain is the first suspicion."""
    ended = datetime.now(UTC) - timedelta(days=1)
    files = make_files(tmp_path, SERVER_CA.issue("b", usages=("serverAuth",), not_after=ended))
    assert [one.cause for one in files.remarks] == ["server_cert_expired"]
    found = files.diagnose(hello(), (), ADDRESS, time.time())
    assert found.cause == "server_cert_expired"


@pytest.mark.parametrize(
    ("sans", "name", "runtime", "cause"),
    [
        (("DNS:localhost",), "localhost", "go-grpc", "connection_closed"),
        (("DNS:other.example",), "localhost", "go-grpc", "server_name_mismatch"),
        (("DNS:localhost",), "", "go-grpc", "server_name_mismatch"),
        (("IP:192.0.2.1",), "", "go-grpc", "connection_closed"),
        # JSSE sends no name without a dot.
        (("DNS:backend",), "", "java-okhttp", "connection_closed"),
        (("DNS:other.example",), "", "java-okhttp", "server_name_mismatch"),
    ],
)
def test_the_name_that_is_looked_for(
    tmp_path: Path, sans: tuple[str, ...], name: str, runtime: str, cause: str
) -> None:
    """The one that was sent; where none was, an address, which may be translated on the way."""
    files = make_files(tmp_path, SERVER_CA.issue("b", usages=("serverAuth",), sans=sans))
    found = files.diagnose(hello(server_name=name, looks_like=(runtime,)), (), ADDRESS, time.time())
    assert found.cause == cause


def test_a_client_is_judged_as_inspect_does(tmp_path: Path) -> None:
    """With the command that adds the CA, where it lies next to the files."""
    files = make_files(tmp_path)
    write_pem(tmp_path, "another-ca.crt", OTHER_CA.pem)
    chain = (OTHER_CA.issue("exporter").der,)
    now = time.time()
    assert [one.kind for one in files.judge(chain, now)] == ["no_anchor"]
    found = files.diagnose(hello(certificate="presented"), chain, ADDRESS, now)
    assert found.cause == "client_ca_untrusted"
    assert found.fix[0].startswith("cat ")
    assert files.judge((CLIENT_CA.issue("exporter").der,), now) == ()


def test_a_flood_of_strangers_searches_few_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has another certificate; after the first ones none is looked up, and all are judged."""
    searched: list[tuple[bytes, ...]] = []
    real = listener_files.judge_client_chain

    def count(*arguments: Any, **named: Any) -> ClientJudgement:
        searched.append(arguments[1])
        return real(*arguments, **named)

    monkeypatch.setattr(listener_files, "judge_client_chain", count)
    files, now = make_files(tmp_path), time.time()
    for _ in range(MOST_SEARCHES + 5):
        chain = (OTHER_CA.issue("exporter").der,)
        found = files.diagnose(hello(certificate="presented"), chain, ADDRESS, now)
        assert found.cause == "client_ca_untrusted"
    assert len(searched) == MOST_SEARCHES


def test_without_descriptors_a_stranger_is_judged_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cause is named; only the file of the missing CA is not."""

    def fail(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(listener_files, "judge_client_chain", fail)
    files, chain = make_files(tmp_path), (OTHER_CA.issue("exporter").der,)
    found = files.diagnose(hello(certificate="presented"), chain, ADDRESS, time.time())
    assert found.cause == "client_ca_untrusted"
