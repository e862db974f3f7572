"""`listen` as a whole counts good connections, and a flood of them does not become one of lines."""

import asyncio
from pathlib import Path

import pytest

from probe.backend import exporter_listener
from probe.backend.accepted_sockets import name_sockets, open_sockets
from probe.backend.exporter_listener import Listening, Seen
from tests.support.listening import make_files, make_grpc_request
from tests.support.loopback_client import CLIENT_CA, client_context, talk

CLIENT = client_context(CLIENT_CA.issue("exporter"), "1.3")


async def serve(
    folder: Path, reported: list[Seen], clients: int, *, garbage: int = 0, expect: int = 0
) -> Listening:
    """Return a listener to which so many exporters, and others, connected."""
    listening = Listening(make_files(folder), reported.append, expect=expect)
    sockets = open_sockets("127.0.0.1", 0)
    port = int(name_sockets(sockets)[0].rpartition(":")[2])
    await listening.start(sockets)
    for _ in range(clients):
        await asyncio.to_thread(talk, port, CLIENT, payload=make_grpc_request(b""), patience=0.3)
    for _ in range(garbage):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x00\x01")
        writer.close()
    await asyncio.sleep(0.2)
    await listening.close()
    for one in sockets:
        one.close()
    return listening


async def test_good_connections_are_counted_once(tmp_path: Path) -> None:
    """Each is reported with its first request and at its end, and counts once."""
    reported: list[Seen] = []
    listening = await serve(tmp_path, reported, 2, garbage=1, expect=2)
    assert listening.good == 2
    assert listening.done.is_set()
    assert sorted(listening.seen) == [1, 2, 3]
    assert [one.outcome for _, one in listening.seen.values()] == [
        "confirmed", "confirmed", "unconfirmed",
    ]  # fmt: skip


async def test_a_connection_that_outlasts_a_thousand_others_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first report is forgotten by then; all connections are counted at the end."""
    monkeypatch.setattr(exporter_listener, "MOST_SEEN", 3)
    listening = Listening(make_files(tmp_path), lambda _: None)
    sockets = open_sockets("127.0.0.1", 0)
    port = int(name_sockets(sockets)[0].rpartition(":")[2])
    await listening.start(sockets)
    lasting = asyncio.create_task(
        asyncio.to_thread(talk, port, CLIENT, payload=make_grpc_request(b"") + b"\0" * 5)
    )
    async with asyncio.timeout(5):
        while not listening.good:
            await asyncio.sleep(0.01)
    for _ in range(10):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x00\x01")
        writer.close()
    await asyncio.sleep(0.2)
    await listening.close()
    await lasting
    for one in sockets:
        one.close()
    assert (listening.good, listening.count) == (1, 11)


async def test_fewer_than_expected_are_not_enough(tmp_path: Path) -> None:
    """`done` waits for them."""
    listening = await serve(tmp_path, [], 1, expect=2)
    assert not listening.done.is_set()


async def test_reports_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left out is counted; good connections count all the same."""
    monkeypatch.setattr(exporter_listener, "BURST", 5)
    monkeypatch.setattr(exporter_listener, "PER_SECOND", 0.0)
    reported: list[Seen] = []
    listening = await serve(tmp_path, reported, 1, garbage=20)
    assert len(reported) == 5
    assert listening.unreported >= 15
    assert listening.good == 1


async def test_what_is_remembered_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The document at the end has the last ones."""
    monkeypatch.setattr(exporter_listener, "MOST_SEEN", 3)
    listening = await serve(tmp_path, [], 0, garbage=10)
    assert len(listening.seen) == 3
