"""A web file that removes protection: a running service keeps the old one, a restart does not."""

from pathlib import Path
from typing import Any

import pytest

from probe.web.server.web_config import WebConfig
from tests.support.command_line import NOWHERE, configuration, running_service
from tests.support.web_files import HASH, ServerPki, headers, mtls, tls, users
from tests.support.web_server import running

SANS = mtls(client_allowed_sans=["a.example"])
IF_GIVEN = mtls(client_auth_type="VerifyClientCertIfGiven")


@pytest.fixture
def pki(tmp_path: Path) -> ServerPki:
    """Return the files of a server."""
    return ServerPki(tmp_path)


@pytest.mark.parametrize(
    ("first", "then", "said"),
    [
        (users(a=HASH), "", "every password"),
        (users(a=HASH), "# nothing\n", "every password"),
        (users(a=HASH), "{}\n", "every password"),
        (users(a=HASH), "basic_auth_users:\n", "every password"),
        (users(a=HASH), users(), "every password"),
        (users(a=HASH), headers(X_Frame_Options="deny"), "every password"),
        (tls() | users(a=HASH), tls(), "every password"),
        (tls(), "", "TLS"),
        (mtls(), tls(), "client_auth_type"),
        (mtls(), IF_GIVEN, "client_auth_type"),
        (IF_GIVEN, tls(), "client_auth_type"),
        (mtls(), tls() | users(a=HASH), "client_auth_type"),
        (SANS, mtls(), "client_allowed_sans"),
        (headers(X_Frame_Options="deny"), "", "it is empty"),
    ],
    ids=range(14),
)
async def test_what_would_let_more_people_in_takes_a_restart(
    pki: ServerPki, first: dict[str, Any], then: Any, said: str
) -> None:
    """It says what would be lost; a new start with the same file has it in force."""
    config = WebConfig(pki.write(first))
    before = config.settings

    pki.write(then)
    failure = await config.reload()

    assert failure is not None
    assert said in failure
    assert "needs a restart" in failure
    assert HASH not in failure
    assert config.settings is before
    assert WebConfig(pki.folder / "web.yml").settings != before


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (users(a=HASH), users(b=HASH)),
        (users(a=HASH, b=HASH), users(a=HASH)),
        ({}, users(a=HASH)),
        ("", ""),
        (tls(), mtls()),
        (IF_GIVEN, mtls()),
        (mtls(), SANS),
        (SANS, mtls(client_allowed_sans=["b.example"])),
        (mtls(), mtls() | users(a=HASH)),
        (headers(X_Frame_Options="deny"), {"http_server_config": {"http2": True}} | users(a=HASH)),
    ],
    ids=range(10),
)
async def test_what_keeps_a_guard_or_adds_one_is_in_force_at_once(
    pki: ServerPki, first: Any, then: Any
) -> None:
    """Users come and go, client authentication is switched on: no restart."""
    config = WebConfig(pki.write(first))
    pki.write(then)
    assert await config.reload() is None


async def test_a_file_that_is_emptied_and_written_again_never_opened_anything(
    pki: ServerPki,
) -> None:
    """An editor truncates before it writes: 401 stays 401, and the new file counts in the end."""
    async with running(pki, tls() | users(a=HASH)) as server:
        pki.write("")
        assert await server.reading(1) is not None
        assert (await server.get(server.client()))[0] == 401
        pki.write(tls() | users(b=HASH))
        assert await server.reading(2) is None
        assert set(server.config.settings.users) == {b"b"}


@pytest.mark.slow
async def test_the_log_the_metric_and_the_page_say_so(pki: ServerPki) -> None:
    """The real service, whose file is emptied: who looks at any of them learns of it."""
    file = pki.write(headers(X_Frame_Options="deny"))
    target = {"name": "eu", "endpoint": NOWHERE, "interval": "1h"}
    web = {"listen": "127.0.0.1:0", "config_file": str(file)}
    async with running_service(configuration(pki.folder, target, web=web)) as service:
        await service.reaches("mtls_probe_config_last_reload_successful", 1.0)
        file.write_text("")
        while await service.sample("mtls_probe_config_last_reload_successful") != 0.0:
            pass
        _, page = await service.get("/")
        ended = await service.stop()
    assert "needs a restart to be in force" in page
    assert "web_config_reload_failed" in ended.err
