"""A running service follows its configuration, its sources and the files of its targets."""

import asyncio
import json
import shutil
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.hashes import SHA256

from probe.ledger.ledger import Ledger
from probe.model.target import Endpoint, Target, TlsSettings
from probe.service.pipeline import Pipeline
from tests.support.backends import Backend
from tests.support.command_line import RunningService, configuration, entry, running_service
from tests.support.demo_pki import PKI
from tests.support.pki import Issued

pytestmark = pytest.mark.slow

ATTEMPTS = 'mtls_probe_attempts_total{target="healthy"}'
SUCCESSFUL = "mtls_probe_config_last_reload_successful"
TARGETS = "mtls_probe_targets"
INTERVAL = "1s"
"""Where no tick may be missed: longer than a busy machine keeps a process waiting."""


def written(folder: Path, *entries: dict[str, Any]) -> Path:
    """Write a configuration of these targets."""
    return configuration(folder, *entries)


async def post_reload(service: RunningService) -> tuple[int, str]:
    """POST /-/reload; return the status and the text."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://{service.address}/-/reload") as response,
    ):
        return response.status, await response.text()


async def becomes(service: RunningService, series: str, value: float, within: float = 5.0) -> None:
    """Wait until `series` is exactly `value`."""
    async with asyncio.timeout(within):
        while await service.sample(series) != value:
            await asyncio.sleep(0.03)


@pytest.mark.parametrize("how", ["post", "sighup", "the file changes"])
async def test_a_new_target_comes_and_the_old_one_goes_on(
    backend: Backend, tmp_path: Path, how: str
) -> None:
    """Read whole, then swapped; the unchanged target keeps its count."""
    tls = PKI.settings(tmp_path, PKI.exporter())
    old = entry(backend, tls, interval=INTERVAL)
    async with running_service(written(tmp_path, old)) as service:
        await service.reaches(ATTEMPTS, 2)
        written(tmp_path, old, {**old, "name": "another"})
        if how == "post":
            assert await post_reload(service) == (200, "the configuration was read again\n")
        elif how == "sighup":
            service.process.send_signal(signal.SIGHUP)
        await becomes(service, TARGETS, 2)
        await service.reaches('mtls_probe_attempts_total{target="another"}', 1)
        # It would begin at none again, were it taken for a new one.
        assert (await service.sample(ATTEMPTS) or 0) >= 2
        await service.reaches(ATTEMPTS, 4)
        assert await service.sample("mtls_probe_schedule_missed_total") == 0
        await service.stop()


async def test_a_broken_configuration_leaves_the_old_one_in_force(
    backend: Backend, tmp_path: Path
) -> None:
    """It is refused with where and what, shows in metric and page, and no target misses a tick."""
    tls = PKI.settings(tmp_path, PKI.exporter())
    good = entry(backend, tls, interval=INTERVAL)
    path = written(tmp_path, good)
    async with running_service(path) as service:
        await service.reaches(ATTEMPTS, 1)
        path.write_text(path.read_text("utf-8").replace("interval", "intervall"), "utf-8")
        status, text = await post_reload(service)
        assert status == 500
        assert "intervall" in text
        assert "stays" in text
        await becomes(service, SUCCESSFUL, 0)
        assert "intervall" in (await service.get("/"))[1]
        before = await service.sample(ATTEMPTS) or 0.0
        await service.reaches(ATTEMPTS, before + 2)
        assert await service.sample("mtls_probe_schedule_missed_total") == 0
        written(tmp_path, good)
        await becomes(service, SUCCESSFUL, 1)
        assert "intervall" not in (await service.get("/"))[1]
        await service.stop()


async def test_what_a_refused_configuration_lacks_is_waited_for(
    backend: Backend, tmp_path: Path
) -> None:
    """It names a file that is not there yet; once that comes, nobody has to reload by hand."""
    tls = PKI.settings(tmp_path, PKI.exporter())
    token = tmp_path / "token"
    async with running_service(written(tmp_path, entry(backend, tls))) as service:
        await service.reaches(ATTEMPTS, 1)
        headers = {"authorization": f"Bearer ${{file:{token}}}"}
        written(tmp_path, entry(backend, tls, headers=headers))
        await becomes(service, SUCCESSFUL, 0)
        token.write_text("abc", "utf-8")
        await becomes(service, SUCCESSFUL, 1)
        await service.stop()


async def test_a_target_group_that_changes_is_followed(backend: Backend, tmp_path: Path) -> None:
    """file_sd: a file rewritten, and a file that comes."""
    groups = tmp_path / "groups"
    groups.mkdir()
    first = groups / "a.json"
    first.write_text(json.dumps([{"targets": [f"127.0.0.1:{backend.port}"]}]), "utf-8")
    path = tmp_path / "probe.yml"
    text = {"sources": [{"file_sd": f"{groups}/*.json"}], "web": {"listen": "127.0.0.1:0"}}
    path.write_text(json.dumps(text), "utf-8")
    async with running_service(path) as service:
        await becomes(service, TARGETS, 1)
        (groups / "b.json").write_text(json.dumps([{"targets": ["127.0.0.1:1"]}]), "utf-8")
        async with asyncio.timeout(2):
            await becomes(service, TARGETS, 2)
        first.unlink()
        await becomes(service, TARGETS, 1)
        await service.stop()


def fingerprint(issued: Issued) -> str:
    """Return the label by which /metrics tells this certificate from others."""
    return f'fingerprint_sha256="{issued.certificate.fingerprint(SHA256()).hex()}"'


def rewrite(folder: Path, issued: Issued) -> None:
    """Write both files where they stand, one after the other."""
    (folder / "tls.crt").write_bytes(issued.pem)
    (folder / "tls.key").write_bytes(issued.key_pem)


def rename(folder: Path, issued: Issued) -> None:
    """Put new files in the place of the old ones."""
    for name, content in (("tls.crt", issued.pem), ("tls.key", issued.key_pem)):
        replacement = folder / f".{name}"
        replacement.write_bytes(content)
        replacement.rename(folder / name)


def swap(folder: Path, issued: Issued) -> None:
    """As the kubelet: a new folder, and the `..data` link turned to it in one step."""
    fresh = folder / f"..{issued.certificate.serial_number}"
    fresh.mkdir()
    rewrite(fresh, issued)
    link = folder / "..data_tmp"
    link.symlink_to(fresh.name)
    link.rename(folder / "..data")


@pytest.mark.parametrize("how", [rewrite, rename, swap], ids=["rewrite", "rename", "..data"])
async def test_a_rotation_is_on_metrics_within_two_seconds(
    backend: Backend, tmp_path: Path, how: Any
) -> None:
    """The interval is a minute: the change itself brings an attempt with the new pair."""
    folder = tmp_path / "secret"
    folder.mkdir()
    old, new = PKI.exporter(), PKI.exporter()
    if how is swap:
        swap(folder, old)
        for name in ("tls.crt", "tls.key"):
            (folder / name).symlink_to(f"..data/{name}")
    else:
        rewrite(folder, old)
    files = PKI.settings(tmp_path, old)
    target = entry(backend, files, interval="60s")
    target["tls"] |= {"cert_file": str(folder / "tls.crt"), "key_file": str(folder / "tls.key")}
    async with running_service(written(tmp_path, target)) as service:
        await service.reaches(ATTEMPTS, 1)
        how(folder, new)
        async with asyncio.timeout(2):
            while fingerprint(new) not in (await service.get("/metrics"))[1]:
                await asyncio.sleep(0.05)
        assert await service.sample('mtls_probe_success{target="healthy"}') == 1
        await service.stop()


async def test_a_broken_file_is_reported_while_the_last_good_pair_is_used(
    backend: Backend, tmp_path: Path
) -> None:
    """The backend still accepts it; a metric and a finding say that the files cannot be used."""
    issued = PKI.exporter()
    tls = PKI.settings(tmp_path, issued)
    assert tls.key_file is not None
    fault = 'mtls_probe_credential_fault{target="healthy",cause="client_file_malformed"}'
    async with running_service(written(tmp_path, entry(backend, tls, interval="60s"))) as service:
        await service.reaches(ATTEMPTS, 1)
        assert await service.sample(fault) is None
        Path(tls.key_file).write_bytes(b"not a key")
        await becomes(service, fault, 1)
        assert await service.sample('mtls_probe_success{target="healthy"}') == 1
        _, text = await service.get("/api/v1/targets/healthy")
        (finding,) = json.loads(text)["results"][0]["findings"]
        assert finding["cause"] == "client_file_malformed"
        assert "stay in use" in finding["fact"]
        Path(tls.key_file).write_bytes(issued.key_pem)
        async with asyncio.timeout(5):
            while await service.sample(fault) is not None:
                await asyncio.sleep(0.05)
        await service.stop()


async def in_place(folder: Path, issued: Issued) -> None:
    """Rewrite certificate, then key; somebody may read between the two."""
    (folder / "tls.crt").write_bytes(issued.pem)
    await asyncio.sleep(0)
    (folder / "tls.key").write_bytes(issued.key_pem)


async def by_rename(folder: Path, issued: Issued) -> None:
    """Put new files in the place of the old ones, one after the other."""
    for name, content in (("tls.crt", issued.pem), ("tls.key", issued.key_pem)):
        replacement = folder / f".{name}"
        replacement.write_bytes(content)
        replacement.rename(folder / name)
        await asyncio.sleep(0)


async def by_swap(folder: Path, issued: Issued) -> None:
    """As the kubelet, which removes the old folder right after."""
    old = (folder / "..data").resolve()
    for name, content in (("tls.crt", issued.pem), ("tls.key", issued.key_pem)):
        if old.name == f"..{issued.certificate.serial_number}":
            return
        fresh = folder / f"..{issued.certificate.serial_number}"
        fresh.mkdir(exist_ok=True)
        (fresh / name).write_bytes(content)
        await asyncio.sleep(0)
    (folder / "..data_tmp").symlink_to(fresh.name)
    (folder / "..data_tmp").rename(folder / "..data")
    shutil.rmtree(old)


@pytest.mark.parametrize("rotation", [in_place, by_rename, by_swap], ids=lambda one: one.__name__)
async def test_a_thousand_rotations_under_load_bring_no_failure_of_our_own(
    backend: Backend, tmp_path: Path, rotation: Any
) -> None:
    """No attempt ever uses half of one, and the last pair is the one in use."""
    pairs = [PKI.exporter() for _ in range(4)]
    folder = tmp_path / "secret"
    folder.mkdir()
    if rotation is by_swap:
        swap(folder, pairs[-1])
        for name in ("tls.crt", "tls.key"):
            (folder / name).symlink_to(f"..data/{name}")
    else:
        rewrite(folder, pairs[-1])
    target = Target(
        name="healthy",
        endpoint=Endpoint("127.0.0.1", backend.port),
        tls=TlsSettings(
            ca_file=PKI.settings(tmp_path, None).ca_file,
            cert_file=str(folder / "tls.crt"),
            key_file=str(folder / "tls.key"),
        ),
    )
    pipeline = Pipeline(Ledger([target]))
    ended = asyncio.Event()

    async def rotate() -> None:
        for turn in range(1000):
            await rotation(folder, pairs[turn % len(pairs)])
            await asyncio.sleep(0.001)
        ended.set()

    rotating = asyncio.create_task(rotate())
    seen: set[str] = set()
    attempts = 0
    while not ended.is_set():
        _, evidence, diagnosis = await pipeline.probe_once(target)
        assert diagnosis.outcome == "confirmed", diagnosis
        seen.add(evidence.credentials.client_chain[0].sha256)
        attempts += 1
    await rotating
    _, evidence, diagnosis = await pipeline.probe_once(target)
    assert diagnosis.outcome == "confirmed"
    assert evidence.credentials.unusable == ()
    assert evidence.credentials.client_chain[0].sha256 in fingerprint(pairs[999 % len(pairs)])
    assert len(seen) > 1
    assert attempts > 100
