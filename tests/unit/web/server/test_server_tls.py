"""TLS of the web application over real connections: who gets in, and who does not."""

import ssl
from pathlib import Path

import pytest

from tests.support.pki import Authority
from tests.support.web_files import ServerPki, mtls, tls
from tests.support.web_server import running


@pytest.fixture
def pki(tmp_path: Path) -> ServerPki:
    """Return the files of a server."""
    return ServerPki(tmp_path)


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
async def test_who_has_no_certificate_of_the_ca_is_refused(pki: ServerPki, version: str) -> None:
    """RequireAndVerifyClientCert: with the right one yes; without, and with another's, no."""
    limit = ssl.TLSVersion[version]
    async with running(pki, mtls()) as server:
        right = server.client(pki.client_ca, maximum_version=limit)
        assert (await server.get(right))[0] == 200
        assert await server.refuses(server.client(maximum_version=limit))
        other = server.client(Authority.root("Another CA"), maximum_version=limit)
        assert await server.refuses(other)
        of_the_same_name = server.client(pki.client_ca.rekeyed(), maximum_version=limit)
        assert await server.refuses(of_the_same_name)


async def test_a_client_certificate_is_verified_if_given(pki: ServerPki) -> None:
    """VerifyClientCertIfGiven: none is fine, a wrong one is not."""
    async with running(pki, mtls(client_auth_type="VerifyClientCertIfGiven")) as server:
        assert (await server.get(server.client()))[0] == 200
        assert (await server.get(server.client(pki.client_ca)))[0] == 200
        assert await server.refuses(server.client(Authority.root("Another CA")))


async def test_an_intermediate_in_the_file_is_trusted(pki: ServerPki) -> None:
    """As in Go, whatever stands in client_ca_file is an anchor."""
    below = pki.client_ca.intermediate("Clients of Prometheus")
    pki.trust(below)
    async with running(pki, mtls()) as server:
        assert (await server.get(server.client(below)))[0] == 200
        assert await server.refuses(server.client(pki.client_ca))


@pytest.mark.parametrize(
    ("san", "lets_in"),
    [
        ("DNS:a.example", True),
        ("IP:10.0.0.1", True),
        ("IP:fd00::1", True),
        ("URI:spiffe://a/prometheus", True),
        ("email:a@a.example", True),
        ("DNS:b.example", False),
        ("DNS:sub.a.example", False),
        ("URI:spiffe://a/other", False),
    ],
)
async def test_only_clients_with_an_allowed_name_get_in(
    pki: ServerPki, san: str, *, lets_in: bool
) -> None:
    """An exact match of any kind of name, as exporter-toolkit compares them."""
    allowed = ["a.example", "10.0.0.1", "fd00::1", "spiffe://a/prometheus", "a@a.example"]
    async with running(pki, mtls(client_allowed_sans=allowed)) as server:
        status, _ = await server.get(server.client(pki.client_ca, san))

        assert status == (200 if lets_in else 403)


async def test_versions_suites_and_curve_are_those_of_the_file(pki: ServerPki) -> None:
    """What a client may not choose fails in TLS."""
    suite, name = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"
    content = tls(cipher_suites=[suite], curve_preferences=["CurveP384"])
    async with running(pki, content) as server:
        old = ssl.TLSVersion.TLSv1_2
        fits = server.client(maximum_version=old)
        fits.set_ciphers(name)
        assert (await server.get(fits))[0] == 200
        other = server.client(maximum_version=old)
        other.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
        assert await server.refuses(other)
        curve = server.client()
        curve.set_ecdh_curve("prime256v1")
        assert await server.refuses(curve)
        pki.write(tls(min_version="TLS13"))
        assert await server.reading(1) is None
        assert await server.refuses(fits)
        assert (await server.get(curve))[0] == 200
