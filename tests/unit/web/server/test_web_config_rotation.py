"""What a changed web file changes for real connections, and what an unusable one leaves."""

import asyncio
import shutil
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import uvloop

from probe.web.server.web_config import WebConfig
from tests.support.pki import Authority, write_pem
from tests.support.web_files import HASH, PAIR, ServerPki, mtls, tls, users
from tests.support.web_server import SOON, asked, running


@pytest.fixture
def pki(tmp_path: Path) -> ServerPki:
    """Return the files of a server."""
    return ServerPki(tmp_path)


async def test_a_new_certificate_is_served_without_a_restart(pki: ServerPki) -> None:
    """New connections get it; one that is open goes on."""
    async with running(pki, tls()) as server:
        context = server.client()
        _, before = await server.get(context)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", server.port, ssl=context, server_hostname="localhost"
        )
        renewed = pki.renew()
        assert await server.reading(1) is None

        status, after = await server.get(context)

        assert (status, after.serial_number) == (200, renewed)
        assert before.serial_number != renewed
        assert await asked(reader, writer) == 200
        writer.close()


async def test_a_swap_of_kubernetes_is_seen(pki: ServerPki, tmp_path: Path) -> None:
    """A Secret's files change by one rename of `..data`."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    for file in ("server.pem", "server-key.pem"):
        shutil.copy(tmp_path / file, tmp_path / "first")
    renewed = pki.renew()
    for file in ("server.pem", "server-key.pem"):
        shutil.copy(tmp_path / file, tmp_path / "second")
    (tmp_path / "..data").symlink_to("first")
    named = {key: f"..data/{file}" for key, file in PAIR.items()}
    async with running(pki, tls(**named)) as server:
        (tmp_path / "..new").symlink_to("second")
        (tmp_path / "..new").rename(tmp_path / "..data")
        assert await server.reading(1) is None

        assert (await server.get(server.client()))[1].serial_number == renewed


@pytest.mark.parametrize("then", ["", "tls_server_config: [\n", tls(cert_file="gone.pem")])
async def test_a_refused_file_does_not_keep_a_certificate_from_being_renewed(
    pki: ServerPki, then: Any
) -> None:
    """Emptied, broken or wrong: the settings in force stay, and their files are followed."""
    async with running(pki, tls() | users(a=HASH)) as server:
        before = server.config.settings
        pki.write(then)
        assert await server.reading(1) is not None
        renewed = pki.renew()
        assert await server.reading(2) is not None

        status, after = await server.get(server.client())
        assert (status, after.serial_number) == (401, renewed)
        assert server.config.settings is before
        assert "localhost" in server.config.names


async def test_a_certificate_without_its_key_leaves_the_old_pair_in_force(pki: ServerPki) -> None:
    """It is reported; when the key comes, the new pair is in force."""
    async with running(pki, tls()) as server:
        old_key = (pki.folder / "server-key.pem").read_bytes()
        renewed = pki.renew()
        new_key = (pki.folder / "server-key.pem").read_bytes()
        write_pem(pki.folder, "server-key.pem", old_key)
        failure = await server.reading(1)
        assert failure is not None
        assert "is not the certificate's key" in failure
        assert (await server.get(server.client()))[1].serial_number != renewed

        write_pem(pki.folder, "server-key.pem", new_key)
        assert await server.reading(2) is None

        assert (await server.get(server.client()))[1].serial_number == renewed


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
async def test_another_client_ca_replaces_the_old_one(pki: ServerPki, version: str) -> None:
    """Clients of the old CA are refused then, also with a session that they could resume before."""
    limit = ssl.TLSVersion[version]
    other = Authority.root("The next CA")
    async with running(pki, mtls()) as server:
        old = server.client(pki.client_ca, maximum_version=limit)
        session, _ = await asyncio.to_thread(resumed, server.port, old, None)
        _, reused = await asyncio.to_thread(resumed, server.port, old, session)
        assert reused
        pki.trust(other)
        assert await server.reading(1) is None

        new = server.client(other, maximum_version=limit)
        assert (await server.get(new))[0] == 200
        with pytest.raises((OSError, EOFError)):
            await asyncio.to_thread(resumed, server.port, old, session)


def resumed(
    port: int, context: ssl.SSLContext, session: ssl.SSLSession | None
) -> tuple[ssl.SSLSession | None, bool]:
    """Ask for a page with `session`; return the session after it, and whether it was resumed."""
    with (
        socket.create_connection(("127.0.0.1", port), SOON) as connected,
        context.wrap_socket(connected, server_hostname="localhost", session=session) as secured,
    ):
        secured.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if not secured.recv(4096).startswith(b"HTTP/1.1 200"):
            raise EOFError
        return secured.session, bool(secured.session_reused)


async def test_a_change_between_start_and_first_look_is_seen(pki: ServerPki) -> None:
    """A rotation does not wait for the service to be up."""
    config = WebConfig(pki.write(users(a=HASH)))
    pki.write(users(b=HASH))

    async with config.watch():
        assert set(config.settings.users) == {b"b"}


async def test_a_file_with_an_error_leaves_the_old_one_in_force(pki: ServerPki) -> None:
    """Passwords, too, stay as they are until the file is whole again."""
    async with running(pki, tls() | users(prometheus=HASH)) as server:
        pki.write("tls_server_config: [")
        failure = await server.reading(1)
        assert failure is not None
        assert "web.yml:1" in failure
        assert server.config.failure == failure
        assert (await server.get(server.client()))[0] == 401

        pki.write(tls() | users(prometheus=HASH, another=HASH))
        assert await server.reading(2) is None

        assert server.config.failure is None
        assert (await server.get(server.client()))[0] == 401
        assert set(server.config.settings.users) == {b"prometheus", b"another"}


async def test_a_file_that_was_missing_is_read_when_it_comes(pki: ServerPki) -> None:
    """The file that named it does not change then."""
    async with running(pki, tls()) as server:
        pki.write(tls(cert_file="next.pem", key_file="next-key.pem"))
        failure = await server.reading(1)
        assert failure is not None
        assert "next.pem" in failure
        renewed = pki.renew("next")
        assert await server.reading(2) is None

        assert (await server.get(server.client()))[1].serial_number == renewed


@pytest.mark.parametrize(("first", "then"), [(tls(), {}), ({}, tls())], ids=["off", "on"])
async def test_tls_is_not_taken_in_or_away_while_it_listens(
    pki: ServerPki, first: dict[str, Any], then: dict[str, Any]
) -> None:
    """Plain HTTP and TLS share no port: that needs a restart, and is reported."""
    async with running(pki, first) as server:
        pki.write(then)

        failure = await server.reading(1)

        assert failure is not None
        assert "restart" in failure
        assert (server.config.settings.tls is not None) == bool(first)


async def test_a_restart_is_not_needed_for_the_file_alone(pki: ServerPki) -> None:
    """A reading that somebody asks for is the same as one that a change brings."""
    config = WebConfig(pki.write(users(a=HASH)))

    pki.write(users(b=HASH))
    assert await config.reload() is None

    assert set(config.settings.users) == {b"b"}


def test_it_serves_in_the_loop_of_the_product(pki: ServerPki) -> None:
    """The service runs in uvloop, whose TLS is its own."""

    async def main() -> None:
        async with running(pki, mtls()) as server:
            assert (await server.get(server.client(pki.client_ca)))[0] == 200
            assert await server.refuses(server.client())
            renewed = pki.renew()
            assert await server.reading(1) is None
            served = await server.get(server.client(pki.client_ca))
            assert (served[0], served[1].serial_number) == (200, renewed)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
