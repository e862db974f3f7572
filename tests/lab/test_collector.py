"""The real Collector, over gRPC and HTTP, TLS 1.2 and 1.3: each fault gets its cause."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from probe.model.target import Protocol
from tests.lab.credentials import LabPki, Pair
from tests.lab.observation import observe, target
from tests.lab.servers import Collector, StartCollector
from tests.support.pki import Authority, write_pem

VERSIONS = ("1.2", "1.3")
PROTOCOLS: tuple[Protocol, ...] = ("grpc", "http/protobuf")


@dataclass(frozen=True)
class Fault:
    """One wrong client certificate, and the cause that must be reported."""

    build: Callable[[LabPki, Path], Pair | None]
    cause: str
    certain: bool = True
    also: tuple[str, ...] = ()


def files(folder: Path, certificates: bytes, key: bytes) -> Pair:
    """Write a pair into an empty folder, so that no other certificate is near."""
    folder.mkdir(exist_ok=True)
    return Pair(write_pem(folder, "tls.crt", certificates), write_pem(folder, "tls.key", key))


def other_ca(pki: LabPki, folder: Path) -> Pair:
    """The exporter's certificate comes from a CA that the backend does not know."""
    issued = pki.other_ca.issue("exporter")
    pair = files(folder, issued.pem, issued.key_pem)
    write_pem(folder, "own-ca.pem", pki.other_ca.pem)
    return pair


def lone_stranger(pki: LabPki, folder: Path) -> Pair:
    """The same, and nothing available shows whether an intermediate is missing."""
    issued = pki.other_ca.issue("exporter")
    return files(folder, issued.pem, issued.key_pem)


def no_certificate(_pki: LabPki, _folder: Path) -> None:
    """The exporter has no certificate."""


def expired(pki: LabPki, folder: Path) -> Pair:
    """The exporter's certificate expired yesterday."""
    issued = pki.client_ca.issue("exporter", not_after=datetime.now(UTC) - timedelta(days=1))
    return files(folder, issued.pem, issued.key_pem)


def expired_stranger(pki: LabPki, folder: Path) -> Pair:
    """It expired yesterday and the backend does not know its CA either."""
    issued = pki.other_ca.issue("exporter", not_after=datetime.now(UTC) - timedelta(days=1))
    return files(folder, issued.pem, issued.key_pem)


def not_yet_valid(pki: LabPki, folder: Path) -> Pair:
    """The exporter's certificate becomes valid tomorrow."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    issued = pki.client_ca.issue(
        "exporter", not_before=tomorrow, not_after=tomorrow + timedelta(days=90)
    )
    return files(folder, issued.pem, issued.key_pem)


def wrong_usage(pki: LabPki, folder: Path) -> Pair:
    """The exporter presents a server's certificate."""
    issued = pki.client_ca.issue("exporter", usages=("serverAuth",))
    return files(folder, issued.pem, issued.key_pem)


def missing_intermediate(pki: LabPki, folder: Path) -> Pair:
    """cert_file lacks the intermediate, which is in the same folder."""
    intermediate = pki.client_ca.intermediate("Lab issuing CA")
    issued = intermediate.issue("exporter")
    pair = files(folder, issued.pem, issued.key_pem)
    write_pem(folder, "issuing-ca.pem", intermediate.pem)
    return pair


def rekeyed_ca(pki: LabPki, folder: Path) -> Pair:
    """The CA was reissued with another key under the same name."""
    issued = pki.client_ca.rekeyed().issue("exporter")
    return files(folder, issued.pem, issued.key_pem)


def self_signed(_pki: LabPki, folder: Path) -> Pair:
    """The exporter's certificate signed itself."""
    root = Authority.root("exporter")
    return files(folder, root.pem, root.issued.key_pem)


FAULTS = (
    Fault(other_ca, "client_ca_untrusted"),
    Fault(lone_stranger, "client_ca_untrusted", certain=False, also=("client_chain_incomplete",)),
    Fault(no_certificate, "client_cert_not_sent"),
    Fault(expired, "client_cert_expired"),
    Fault(expired_stranger, "client_cert_expired", also=("client_ca_untrusted",)),
    Fault(not_yet_valid, "client_cert_not_yet_valid"),
    Fault(wrong_usage, "client_cert_wrong_usage"),
    Fault(missing_intermediate, "client_chain_incomplete"),
    Fault(rekeyed_ca, "client_ca_untrusted"),
    Fault(self_signed, "client_ca_untrusted"),
)


def port(collector: Collector, protocol: Protocol) -> int:
    """Return the port that serves `protocol`."""
    return collector.grpc_port if protocol == "grpc" else collector.http_port


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_good_certificate_is_confirmed(
    collector: StartCollector, pki: LabPki, version: str, protocol: Protocol
) -> None:
    """The Collector's answer to the empty export is the proof."""
    running = collector(min_version=version, max_version=version)
    evidence, diagnosis = observe(
        target(pki, port(running, protocol), pki.client, protocol=protocol)
    )
    assert (diagnosis.outcome, diagnosis.stage, diagnosis.cause) == ("confirmed", "export", None)
    assert evidence.handshake is not None
    assert evidence.handshake.version == version
    assert evidence.handshake.alpn == "h2"
    assert [ca.text for ca in evidence.handshake.acceptable_cas] == ["CN=Lab client CA"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.build.__name__)
def test_each_fault_gets_its_cause(
    collector: StartCollector,
    pki: LabPki,
    tmp_path: Path,
    fault: Fault,
    version: str,
    protocol: Protocol,
) -> None:
    """What the Collector refuses is named, in TLS 1.3 at `accept`, in 1.2 in the handshake."""
    running = collector(min_version=version, max_version=version)
    client = fault.build(pki, tmp_path / "exporter")
    evidence, diagnosis = observe(target(pki, port(running, protocol), client, protocol=protocol))
    assert diagnosis.outcome == "failed"
    assert diagnosis.cause == fault.cause, diagnosis.facts
    assert diagnosis.certain is fault.certain
    assert set(fault.also) <= set(diagnosis.also)
    assert diagnosis.stage == ("accept" if version == "1.3" else "handshake")
    assert evidence.handshake is not None
    assert evidence.handshake.server_chain


@pytest.mark.parametrize("version", VERSIONS)
def test_an_intermediate_in_ca_file_is_not_sent(
    collector: StartCollector, pki: LabPki, tmp_path: Path, version: str
) -> None:
    """OpenSSL would complete the chain from ca_file and be accepted; a Go exporter is refused."""
    intermediate = pki.client_ca.intermediate("Lab issuing CA in ca_file")
    issued = intermediate.issue("exporter")
    client = files(tmp_path / "exporter", issued.pem, issued.key_pem)
    ca_file = write_pem(tmp_path, "ca.pem", pki.server_ca.pem, intermediate.pem)
    running = collector(min_version=version, max_version=version)
    _, diagnosis = observe(target(pki, running.grpc_port, client, ca_file=str(ca_file)))
    assert diagnosis.outcome == "failed"
    assert diagnosis.cause == "client_chain_incomplete"
    assert diagnosis.certain


def test_a_full_chain_is_confirmed(collector: StartCollector, pki: LabPki, tmp_path: Path) -> None:
    """With its intermediate in cert_file the same certificate is accepted."""
    intermediate = pki.client_ca.intermediate("Lab issuing CA")
    issued = intermediate.issue("exporter")
    client = files(tmp_path / "exporter", intermediate.chain_pem(issued), issued.key_pem)
    _, diagnosis = observe(target(pki, collector().grpc_port, client))
    assert diagnosis.outcome == "confirmed", diagnosis.facts


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client", ["client", "stranger", "expired"])
def test_depth_tls_says_the_same_of_a_collector(
    collector: StartCollector, pki: LabPki, version: str, client: str
) -> None:
    """Without a request, the SETTINGS of a Collector prove acceptance, and its alert refusal."""
    running = collector(min_version=version, max_version=version)
    evidence, diagnosis = observe(target(pki, running.grpc_port, getattr(pki, client), depth="tls"))
    assert (diagnosis.outcome == "confirmed") is (client == "client"), diagnosis.facts
    assert evidence.answer is None


def test_swapped_ports_are_a_protocol_mismatch(collector: StartCollector, pki: LabPki) -> None:
    """4317 and 4318 swapped: TLS is fine, the protocol is not."""
    running = collector()
    _, to_http = observe(target(pki, running.http_port, pki.client, protocol="grpc"))
    _, to_grpc = observe(target(pki, running.grpc_port, pki.client, protocol="http/protobuf"))
    assert to_http.cause == "otlp_protocol_mismatch", to_http.facts
    assert to_grpc.cause == "otlp_protocol_mismatch", to_grpc.facts


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_signal_is_exported(
    collector: StartCollector, pki: LabPki, signal: str, protocol: Protocol
) -> None:
    """The Export of each signal is answered."""
    import dataclasses

    running = collector()
    watched = target(pki, port(running, protocol), pki.client, protocol=protocol)
    _, diagnosis = observe(dataclasses.replace(watched, signal=signal))  # type: ignore[arg-type]  # a Signal
    assert diagnosis.outcome == "confirmed"
