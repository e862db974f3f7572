"""Files are read once per change, and never half of one generation and half of the next."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from probe.credentials import store as store_module
from probe.credentials.load import load_credentials
from probe.credentials.named_file import FileSettings
from probe.credentials.store import READS, CredentialFiles, CredentialStore
from probe.credentials.system_roots import SystemRoots
from probe.credentials.tls_context import Credentials
from probe.model.target import Endpoint, ServerCertificateFile, Target, TlsSettings
from probe.surroundings.file_view import FileView
from tests.support.credential_files import pair_files
from tests.support.offers import collector_offer
from tests.support.pki import issue

CA = issue("CA", ca=True)
OLD, NEW = issue("old", CA), issue("new", CA)


def target(tls: TlsSettings, name: str = "t", exporter: str = "collector") -> Target:
    """Return a target with these settings."""
    return Target(name=name, endpoint=Endpoint("localhost", 1), tls=tls, exporter=exporter)


class Using(CredentialStore):
    """A store whose files stay in use, as those of targets that are probed."""

    def __init__(self, *clocks: Callable[[], float]) -> None:
        """Take the clocks of the store."""
        super().__init__(*clocks)
        self.used: list[CredentialFiles] = []

    def get(self, target: Target) -> Credentials:
        """Return the credentials of `target` as its files are now."""
        self.used.append(self.open(target))
        return self.used[-1].read()


def subject(credentials: Credentials) -> str:
    """Return whose certificate is sent."""
    return credentials.facts.client_chain[0].subject.text


def test_an_unchanged_generation_is_the_same_object(tmp_path: Path) -> None:
    """Targets with equal settings share one, and nothing is read again."""
    store = Using()
    tls = pair_files(tmp_path, OLD)
    first = store.get(target(tls))

    assert store.get(target(tls)) is first
    assert store.get(target(tls, name="other")) is first
    assert store.reloads == 0


def test_a_rotation_is_seen_at_the_next_get(tmp_path: Path) -> None:
    """New content brings new credentials, counted as one reload."""
    store = Using()
    tls = pair_files(tmp_path, OLD)
    old = store.get(target(tls))
    pair_files(tmp_path, NEW)
    new = store.get(target(tls))

    assert (subject(old), subject(new)) == ("CN=old", "CN=new")
    assert old.facts.generation != new.facts.generation
    assert store.reloads == 1
    assert store.get(target(tls)) is new


def test_a_swapped_symbolic_link_is_seen(tmp_path: Path) -> None:
    """Kubernetes swaps `..data`; the names in front of it never change."""
    for folder, issued in (("1", OLD), ("2", NEW)):
        (tmp_path / folder).mkdir()
        pair_files(tmp_path / folder, issued)
    data = tmp_path / "..data"
    data.symlink_to("1")
    tls = TlsSettings(cert_file=str(data / "tls.crt"), key_file=str(data / "tls.key"))
    store = Using()
    assert subject(store.get(target(tls))) == "CN=old"

    (tmp_path / "next").symlink_to("2")
    (tmp_path / "next").replace(data)

    assert subject(store.get(target(tls))) == "CN=new"


def test_a_file_that_comes_and_goes(tmp_path: Path) -> None:
    """A missing file is a fault until it is there; gone again, the last good pair stays in use."""
    tls = pair_files(tmp_path, OLD)
    key = (tmp_path / "tls.key").read_bytes()
    (tmp_path / "tls.key").unlink()
    store = Using()
    assert store.get(target(tls)).facts.faults[0].cause == "client_file_missing"

    (tmp_path / "tls.key").write_bytes(key)
    assert store.get(target(tls)).facts.faults == ()

    good = store.get(target(tls))

    (tmp_path / "tls.key").unlink()
    kept = store.get(target(tls))
    assert kept.facts.faults == ()
    assert kept.facts.client_chain == good.facts.client_chain
    assert kept.context(collector_offer()) is good.context(collector_offer())
    (fault,) = kept.facts.unusable
    assert fault.cause == "client_file_missing"
    assert "stay in use" in fault.fact
    assert store.reloads == 2


def test_half_of_a_rotation_leaves_the_last_good_pair(tmp_path: Path) -> None:
    """The certificate is new, the key not yet: nothing mismatched is ever used."""
    tls = pair_files(tmp_path, OLD)
    store = Using()
    before = store.get(target(tls)).facts.client_chain
    (tmp_path / "tls.crt").write_bytes(NEW.pem)
    half = store.get(target(tls))
    assert (half.facts.faults, half.facts.client_chain) == ((), before)
    assert [fault.cause for fault in half.facts.unusable] == ["client_cert_key_mismatch"]
    (tmp_path / "tls.key").write_bytes(NEW.key_pem)
    whole = store.get(target(tls))
    assert whole.facts.unusable == ()
    assert whole.facts.client_chain != before


def test_files_are_judged_by_exporter(tmp_path: Path) -> None:
    """The same settings of two kinds of exporters are two readings."""
    tls = pair_files(tmp_path, OLD)
    file = tmp_path / "tls.crt"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    store = Using()

    assert store.get(target(tls, exporter="python-http")).facts.faults == ()
    assert store.get(target(tls)).facts.faults != ()
    assert len(store) == 2


def test_files_that_change_while_read_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rotation between two reads never leaves an old certificate with a new key."""
    tls = pair_files(tmp_path, OLD)
    reads: list[str] = []
    real = load_credentials

    def load(
        tls: TlsSettings,
        *,
        exporter: str,
        settings: FileSettings,
        view: FileView,
        roots: SystemRoots,
    ) -> Credentials:
        loaded = real(tls, exporter=exporter, settings=settings, view=view, roots=roots)
        if not reads:
            pair_files(tmp_path, NEW)
        reads.append(subject(loaded))
        return loaded

    monkeypatch.setattr(store_module, "load_credentials", load)
    store = Using()

    assert subject(store.get(target(tls))) == "CN=new"
    assert reads == ["CN=old", "CN=new"]


def test_files_that_never_rest_are_read_a_bounded_number_of_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last reading is used, and the next get reads again."""
    tls = pair_files(tmp_path, OLD)
    reads: list[int] = []
    real = load_credentials

    def load(
        tls: TlsSettings,
        *,
        exporter: str,
        settings: FileSettings,
        view: FileView,
        roots: SystemRoots,
    ) -> Credentials:
        reads.append(1)
        os.utime(tmp_path / "tls.crt", ns=(len(reads), len(reads)))
        return real(tls, exporter=exporter, settings=settings, view=view, roots=roots)

    monkeypatch.setattr(store_module, "load_credentials", load)
    store = Using()
    store.get(target(tls))
    assert len(reads) == READS

    store.get(target(tls))
    assert len(reads) > READS


def test_files_are_kept_for_as_long_as_a_target_uses_them(tmp_path: Path) -> None:
    """Settings that no target has any more are dropped, with what was read."""
    store = CredentialStore()
    kept, dropped = store.open(target(pair_files(tmp_path, OLD))), store.open(target(TlsSettings()))
    assert len(store) == 2

    del dropped

    assert len(store) == 1
    assert store.open(target(pair_files(tmp_path, OLD), name="other")) is kept


def clock_at(*times: float) -> Callable[[], float]:
    """Return a clock that shows each of `times` once."""
    return iter(times).__next__


def test_it_is_known_when_what_is_in_use_was_read(tmp_path: Path) -> None:
    """At the first reading and at each change; a broken file does not count as one."""
    store = Using(clock_at(100.0, 200.0, 300.0))
    tls = pair_files(tmp_path, OLD)
    assert store.get(target(tls)).facts.read_at == 100.0
    pair_files(tmp_path, NEW)
    assert store.get(target(tls)).facts.read_at == 200.0
    (tmp_path / "tls.crt").write_bytes(b"damaged")
    assert store.get(target(tls)).facts.read_at == 200.0


def test_a_rotation_remembers_what_was_there_at_first(tmp_path: Path) -> None:
    """That is what an exporter that reads its files once still has, however often they change."""
    store = Using(clock_at(100.0, 200.0, 300.0, 400.0))
    tls = pair_files(tmp_path, OLD)
    assert store.get(target(tls)).facts.rotated == ()
    pair_files(tmp_path, NEW)
    (rotation,) = store.get(target(tls)).facts.rotated
    assert (rotation.role, rotation.path, rotation.at) == ("cert", str(tls.cert_file), 200.0)
    assert rotation.before[0].subject.text == "CN=old"

    pair_files(tmp_path, issue("newest", CA))
    (rotation,) = store.get(target(tls)).facts.rotated
    assert (rotation.at, rotation.before[0].subject.text) == (200.0, "CN=old")

    pair_files(tmp_path, OLD)
    assert store.get(target(tls)).facts.rotated == ()


def test_a_rotation_is_over_when_the_exporters_were_started_again(tmp_path: Path) -> None:
    """From then on they have what the files held at that moment."""
    store = Using()
    tls = pair_files(tmp_path, OLD)
    store.get(target(tls))
    pair_files(tmp_path, NEW)
    assert store.get(target(tls)).facts.rotated

    store.forget_rotations()
    assert store.get(target(tls)).facts.rotated == ()

    pair_files(tmp_path, OLD)
    (rotation,) = store.get(target(tls)).facts.rotated
    assert rotation.before[0].subject.text == "CN=new"


def test_the_backends_own_certificate_file_is_read_too(tmp_path: Path) -> None:
    """Its chain and when it was written, followed as it changes; unreadable, it holds nothing."""
    file = tmp_path / "server.crt"
    file.write_bytes(OLD.pem)
    os.utime(file, (1000, 1000))
    named = ServerCertificateFile(str(file), "otlp", 60.0)
    watched = replace(target(TlsSettings()), server_certificate_file=named)
    store = Using()

    served = store.get(watched).facts.served

    assert served is not None
    assert (served.path, served.receiver, served.reload_interval) == (str(file), "otlp", 60.0)
    assert (served.modified, served.chain[0].subject.text) == (1000.0, "CN=old")

    file.write_bytes(NEW.pem)
    served = store.get(watched).facts.served
    assert served is not None
    assert served.chain[0].subject.text == "CN=new"

    file.unlink()
    served = store.get(watched).facts.served
    assert served is not None
    assert served.chain == ()


@pytest.mark.parametrize("step", [3600.0, -3600.0, 86400.0, -86400.0])
def test_the_age_of_a_backend_s_file_survives_a_step_of_the_wall_clock(
    tmp_path: Path, step: float
) -> None:
    """What is as old as its date says at first is from then on measured on the monotonic clock."""
    tls = pair_files(tmp_path, OLD)
    assert tls.cert_file
    named = ServerCertificateFile(tls.cert_file)
    watched = replace(target(TlsSettings()), server_certificate_file=named)
    wall, now = Path(tls.cert_file).stat().st_mtime + 100.0, 5.0
    store = Using(lambda: wall, lambda: now)

    def age() -> float:
        store.get(watched)
        served = store.open(watched).facts().served
        assert served is not None
        assert served.held_for is not None
        return served.held_for

    assert age() == pytest.approx(100.0)
    wall, now = wall + step, now + 10.0
    assert age() == pytest.approx(110.0)
    pair_files(tmp_path, NEW)
    assert age() == pytest.approx(0.0)
    wall, now = wall - step, now + 7.0
    assert age() == pytest.approx(7.0)
