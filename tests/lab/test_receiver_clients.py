"""Clients' certificates against receivers' CA files: the model, and a real Collector's handshakes."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import msgspec
import pytest

from probe.credentials.receiver_files import (
    judge_client_chain,
    read_client_chain,
    read_receiver_files,
)
from probe.model.collector_receiver import Receiver
from probe.model.target import TlsSettings
from tests.lab.credentials import LabPki
from tests.lab.receiver_chains import Chains
from tests.lab.servers import HOST, process, started
from tests.support.pki import write_pem
from tests.support.ports import reserved_port

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"


@pytest.fixture(scope="module")
def chains() -> Chains:
    """Certificates of many kinds."""
    return Chains()


def receiver(pki: LabPki, client_ca_file: Path) -> Receiver:
    """Return a receiver that verifies clients by `client_ca_file`."""
    tls = TlsSettings(cert_file=str(pki.server.cert_file), key_file=str(pki.server.key_file))
    return Receiver(
        id="otlp",
        protocol="grpc",
        listens=f"{HOST}:4317",
        settings_file="collector.yaml",
        tls=tls,
        client_ca_file=str(client_ca_file),
    )


@contextmanager
def collector_of(
    binary: Path, folder: Path, pki: LabPki, files: dict[str, Path]
) -> Iterator[dict[str, int]]:
    """Run one Collector with a receiver for each file of CAs; give the port of each."""
    with ExitStack() as stack:
        ports = {name: stack.enter_context(reserved_port()) for name in files}
        receivers = {
            f"otlp/{place}": {
                "protocols": {
                    "grpc": {
                        "endpoint": f"{HOST}:{ports[name]}",
                        "tls": {
                            "cert_file": str(pki.server.cert_file),
                            "key_file": str(pki.server.key_file),
                            "client_ca_file": str(file),
                        },
                    }
                }
            }
            for place, (name, file) in enumerate(files.items())
        }
        pipeline = {"receivers": list(receivers), "exporters": ["debug"]}
        document = {
            "receivers": receivers,
            "exporters": {"debug": {}},
            "service": {
                "telemetry": {"metrics": {"level": "none"}},
                "pipelines": {"traces": pipeline},
            },
        }
        config = folder / "collector.yaml"
        config.write_bytes(msgspec.json.encode(document))
        log = stack.enter_context(
            process([str(binary), f"--config={config}"], folder / "collector.log")
        )
        started(log, "Everything is ready|Error: ")
        yield ports


def is_accepted(port: int, cert: Path, key: Path, version: ssl.TLSVersion) -> bool:
    """Whether the Collector on `port` goes on with a client that presents `cert`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2"])
    context.load_cert_chain(cert, key)
    try:
        with (
            socket.create_connection((HOST, port), 5) as plain,
            context.wrap_socket(plain) as secured,
        ):
            secured.sendall(_PREFACE)
            return bool(secured.recv(1))
    except OSError:
        return False


def test_the_model_says_what_the_collector_does(
    otelcol: Path, pki: LabPki, chains: Chains, tmp_path: Path
) -> None:
    """34 clients and 16 files of CAs, at TLS 1.2 and 1.3: each is accepted where the model says so."""
    clients = {
        name: (write_pem(tmp_path, f"client-{at}.pem", cert), write_pem(tmp_path, f"{at}.key", key))
        for at, (name, (cert, key)) in enumerate(chains.clients.items())
    }
    files = {
        name: write_pem(tmp_path, f"ca-{at}.pem", text)
        for at, (name, text) in enumerate(chains.ca_files.items())
    }
    wrong, cells, accepted = [], 0, 0
    with collector_of(otelcol, tmp_path, pki, files) as ports:
        for ca, file in files.items():
            backend = receiver(pki, file)
            assert read_receiver_files(backend, time.time()).faults == ()
            for name, (cert, key) in clients.items():
                chain = read_client_chain(str(cert))
                assert isinstance(chain, tuple)
                expected = not judge_client_chain(backend, chain, time.time()).faults
                for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                    cells += 1
                    accepted += expected
                    if is_accepted(ports[ca], cert, key, version) != expected:
                        wrong.append(f"{name} by {ca} ({version.name}): model {expected}")
    assert wrong == []
    assert cells == 2 * len(clients) * len(files) > 1000
    assert accepted > 100


@pytest.mark.parametrize("name", Chains().unusable)
def test_a_file_of_cas_with_which_it_does_not_start(
    otelcol: Path, pki: LabPki, chains: Chains, tmp_path: Path, name: str
) -> None:
    """What Go takes no certificate of keeps the Collector from starting, and is a fault here."""
    file = write_pem(tmp_path, "ca.pem", chains.unusable[name])
    held = read_receiver_files(receiver(pki, file), time.time())
    assert [fault.role for fault in held.faults] == ["client_ca"]
    with collector_of(otelcol, tmp_path, pki, {name: file}):
        pass
    assert "failed to load client CA CertPool" in (tmp_path / "collector.log").read_text()
