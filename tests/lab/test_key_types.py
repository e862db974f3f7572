"""The kind of key of the backend's certificate against cipher suites, at TLS 1.2 and 1.3.

A suite of TLS 1.2 is shared only where it is of the kind of the backend's key. Where the exporter's
list is too narrow, a handshake with every suite proves it. Where the backend's own list
does not fit its key, no offer helps, and no fact may say that the suites are ruled out.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, Literal

import pytest

from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.target import Depth, Protocol
from tests.lab.credentials import LabPki, Pair
from tests.lab.nginx import run_nginx
from tests.lab.observation import observe, target
from tests.lab.servers import HOST, accepting, openssl, process, started
from tests.lab.stack import lacking
from tests.support.ports import reserved_port
from tests.support.required_tools import missing

Key = Literal["rsa", "ec", "ed25519"]
KEYS: Final[tuple[Key, ...]] = ("rsa", "ec", "ed25519")
SUITES: Final = {
    "ECDSA": "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384",
    "RSA": "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384",
}
"""By the kind of key that they need, suites of TLS 1.2 by OpenSSL's names."""
FITS: Final[dict[Key, str]] = {"rsa": "RSA", "ec": "ECDSA", "ed25519": "ECDSA"}
BOTH: Final = "1.2 and 1.3"


@contextmanager
def _s_server(folder: Path, pair: Pair, suites: str, tls: str) -> Iterator[int]:
    command = [openssl(), "s_server", "-accept", f"{HOST}:0", "-www", "-cipher", suites]
    command += ["-cert", str(pair.cert_file), "-key", str(pair.key_file)]
    command += [] if tls == BOTH else ["-tls" + tls.replace(".", "_")]
    with process(command, folder / "s_server.log") as log:
        yield int(started(log, r"ACCEPT \S*:(\d+)")[1])


@contextmanager
def _nginx(folder: Path, pair: Pair, suites: str, tls: str) -> Iterator[int]:
    versions = "TLSv1.2 TLSv1.3" if tls == BOTH else f"TLSv{tls}"
    with reserved_port() as port:
        server = (
            f"server {{ listen {HOST}:{port} ssl; ssl_certificate {pair.cert_file}; "
            f"ssl_certificate_key {pair.key_file}; ssl_protocols {versions}; ssl_ciphers {suites}; "
            "default_type application/x-protobuf; return 200; }"
        )
        with run_nginx(folder, port, http=server):
            yield port


@contextmanager
def _haproxy(folder: Path, pair: Pair, suites: str, tls: str) -> Iterator[int]:
    both = folder / "pair.pem"
    both.write_bytes(pair.cert_file.read_bytes() + pair.key_file.read_bytes())
    lowest, highest = ("1.2", "1.3") if tls == BOTH else (tls, tls)
    with reserved_port() as port:
        file = folder / "haproxy.cfg"
        file.write_text(
            "defaults\n  mode http\n  timeout client 10s\n  timeout server 10s\n"
            "  timeout connect 5s\nfrontend otlp\n"
            f"  bind {HOST}:{port} ssl crt {both} alpn h2,http/1.1 ciphers {suites} "
            f"ssl-min-ver TLSv{lowest} ssl-max-ver TLSv{highest}\n"
            "  http-request return status 200 content-type application/x-protobuf\n",
            encoding="utf-8",
        )
        with process(["haproxy", "-db", "-f", str(file)], folder / "haproxy.log") as log:
            accepting(port, log)
            yield port


@contextmanager
def _gnutls(folder: Path, pair: Pair, suites: str, tls: str) -> Iterator[int]:
    kind = "ECDHE-ECDSA" if "ECDSA" in suites else "ECDHE-RSA"
    versions = "+VERS-TLS1.2:+VERS-TLS1.3" if tls == BOTH else f"+VERS-TLS{tls}"
    with reserved_port() as port:
        command = ["gnutls-serv", "--http", "--port", str(port), "--disable-client-cert"]
        command += ["--x509certfile", str(pair.cert_file), "--x509keyfile", str(pair.key_file)]
        command += ["--priority", f"NORMAL:-VERS-ALL:{versions}:-KX-ALL:+{kind}"]
        with process(command, folder / "gnutls.log") as log:
            accepting(port, log)
            yield port


Serve = Callable[[Path, Pair, str, str], AbstractContextManager[int]]
SERVERS: Final[dict[str, tuple[Serve, tuple[str, ...]]]] = {
    "s_server": (_s_server, ("openssl",)),
    "nginx": (_nginx, ("nginx",)),
    "haproxy": (_haproxy, ("haproxy",)),
    "gnutls": (_gnutls, ("gnutls-serv",)),
}
every_server = pytest.mark.parametrize("server", SERVERS)
every_key = pytest.mark.parametrize("key", KEYS)


def attempt(
    server: str, folder: Path, pki: LabPki, key: Key, suites: str, tls: str, **settings: object
) -> tuple[Evidence, Diagnosis]:
    """Make one attempt on a server whose own suites are restricted."""
    serve, programs = SERVERS[server]
    if lack := lacking(*programs)():
        missing(lack)
    pair = {"rsa": pki.server_rsa, "ec": pki.server, "ed25519": pki.server_ed25519}[key]
    protocol: Protocol = "http/protobuf"
    depth: Depth = "otlp"
    with serve(folder, pair, SUITES[suites], tls) as port:
        watched = target(pki, port, pki.client, protocol=protocol, depth=depth, **settings)  # type: ignore[arg-type]  # settings are TlsSettings' fields
        return observe(watched)


def finished(evidence: Evidence) -> bool:
    """Return whether TLS itself went well."""
    return evidence.handshake is not None and evidence.handshake.complete


@every_server
@every_key
@pytest.mark.parametrize("suites", SUITES)
def test_the_backends_suites_against_its_own_key(
    server: str, key: Key, suites: str, tmp_path: Path, pki: LabPki
) -> None:
    """TLS 1.2: suites of the key's kind are shared; with others, the suites are never ruled out."""
    evidence, found = attempt(server, tmp_path, pki, key, suites, "1.2")
    if suites == FITS[key]:
        assert finished(evidence), found
        return
    assert not finished(evidence)
    assert "no_shared_cipher" in (found.cause, *found.also), found
    assert found.party == "backend"
    assert not any("rules out no_shared_cipher" in fact for fact in found.facts)
    assert "kind of key of its certificate" in found.fix[0]


@every_server
@every_key
@pytest.mark.parametrize("suites", SUITES)
def test_suites_of_tls13_go_with_every_key(
    server: str, key: Key, suites: str, tmp_path: Path, pki: LabPki
) -> None:
    """The same lists, where both sides speak TLS 1.3: they are for TLS 1.2 alone."""
    evidence, found = attempt(server, tmp_path, pki, key, suites, BOTH)
    assert finished(evidence), found


@every_server
def test_below_tls13_it_is_the_suites_or_the_version(
    server: str, tmp_path: Path, pki: LabPki
) -> None:
    """max_version is 1.2: the backend speaks that, and has no suite there for its RSA key.

    A GnuTLS backend with only TLS 1.3 looks the same to the client, so both are named.
    """
    _, found = attempt(server, tmp_path, pki, "rsa", "ECDSA", BOTH, max_version="1.2")
    assert (found.cause, found.also) == ("protocol_version_mismatch", ("no_shared_cipher",)), found
    assert not found.certain
    assert any("its certificate, which is RSA" in fact for fact in found.facts)


@every_key
@every_server
@pytest.mark.parametrize(
    "offered", ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]
)
def test_the_exporters_suites_against_the_backends_key(
    server: str, key: Key, offered: str, tmp_path: Path, pki: LabPki
) -> None:
    """The exporter's own list of the wrong kind is proven, and the fact names both kinds."""
    evidence, found = attempt(
        server, tmp_path, pki, key, FITS[key], "1.2", cipher_suites=(offered,)
    )
    if ("ECDSA" in offered) == (FITS[key] == "ECDSA"):
        assert finished(evidence), found
        return
    assert (found.cause, found.certain, found.party) == ("no_shared_cipher", True, "exporter")
    assert any(f"which fits {FITS[key]} suites" in fact for fact in found.facts), found.facts


def test_a_key_that_tls13_has_no_signatures_for(tmp_path: Path, pki: LabPki) -> None:
    """The backend signs with ECDSA alone, and its key is RSA: TLS 1.3's suites are not the reason."""
    if lack := lacking("openssl")():
        missing(lack)
    command = [openssl(), "s_server", "-accept", f"{HOST}:0", "-tls1_3", "-www"]
    command += ["-sigalgs", "ecdsa_secp256r1_sha256"]
    command += ["-cert", str(pki.server_rsa.cert_file), "-key", str(pki.server_rsa.key_file)]
    with process(command, tmp_path / "s_server.log") as log:
        port = int(started(log, r"ACCEPT \S*:(\d+)")[1])
        _, found = observe(target(pki, port, pki.client, protocol="http/protobuf"))
    assert (found.cause, found.also) == ("handshake_rejected", ("no_shared_signature_algorithm",))
    assert any("rules out no_shared_cipher" in fact for fact in found.facts)
