"""How many series a probe exposes: at most 100 next to an application, and a stated number for each target."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from probe.backend.pki import write_pem
from probe.model.certificate import CredentialFacts
from probe.model.diagnosis import Diagnosis, Finding
from probe.model.evidence import STAGES, Ending
from tests.support.backends import Backend
from tests.support.command_line import ROOT, RunningService, configuration, running_service
from tests.support.demo_pki import PKI
from tests.support.metric_samples import (
    AT,
    EU,
    REFUSED,
    certificate,
    ledger_and_metrics,
    of,
    samples,
    seen,
)
from tests.support.ntp_server import Says, ntp_server
from tests.support.pki import Authority

MOST: Final = 100
CLIENTS: Final = PKI.client_ca.intermediate("Demo exporters, issuing CA")
STRANGERS: Final = PKI.other_ca.intermediate("Demo exporters of another team, issuing CA")
SERVERS: Final = PKI.server_ca.intermediate("Demo servers, issuing CA")
FINDING: Final = "client_cert_not_requested"
INTERVAL: Final = "300ms"
OF_A_SIDECAR: Final = 80
"""Series of a sidecar with such a target and no clock source; what follows is the target's part."""
OF_A_TARGET: Final = 30
"""Series of a target that is as expected, with one certificate of each source."""
CONFIRMED: Final = Diagnosis(outcome="confirmed", stage="export")
ONE_OF_EACH: Final = CredentialFacts(
    client_chain=(certificate("CN=client"),), ca_bundle=(certificate("CN=ca"),), read_at=AT
)


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """A sidecar and its backend: what is wrong with them, and how its only target ends."""

    outcome: str
    stage: str
    cause: str | None = None
    backend: Callable[[], Backend]
    client_pem: Callable[[], tuple[bytes, bytes]]
    more: dict[str, Any] = field(default_factory=dict)
    refused_later: bool = False


def _a_client() -> tuple[bytes, bytes]:
    issued = PKI.exporter()
    return issued.pem, issued.key_pem


def _another_key() -> tuple[bytes, bytes]:
    return PKI.exporter().pem, PKI.exporter().key_pem


def _a_chain_of_three(issuer: Authority = CLIENTS) -> tuple[bytes, bytes]:
    issued = issuer.issue("demo exporter")
    root = issuer.above[-1].public_bytes(Encoding.PEM)
    return issuer.chain_pem(issued) + root, issued.key_pem


def _write_client(folder: Path, certificates: bytes, key: bytes) -> None:
    write_pem(folder, "tls.crt", certificates)
    write_pem(folder, "tls.key", key)


def _backend(**settings: Any) -> Callable[[], Backend]:
    return lambda: PKI.backend("b", protocol="http/protobuf", **settings)


def _backend_with_a_chain_of_three(**settings: Any) -> Callable[[], Backend]:
    server = SERVERS.issue("demo collector", usages=("serverAuth",))
    chain = (*SERVERS.intermediates, PKI.server_ca.certificate)
    return _backend(server=server, chain=chain, **settings)


SIDECARS: Final = {
    "confirmed": Sidecar(
        outcome="confirmed", stage="export", backend=_backend(), client_pem=_a_client
    ),
    "failed at handshake": Sidecar(
        outcome="failed",
        stage="handshake",
        cause="server_name_mismatch",
        backend=_backend(server=PKI.server("DNS:other.example.com")),
        client_pem=_a_client,
    ),
    "failed at load": Sidecar(
        outcome="failed",
        stage="load",
        cause="client_cert_key_mismatch",
        backend=_backend(),
        client_pem=_another_key,
    ),
    "unconfirmed": Sidecar(
        outcome="unconfirmed",
        stage="accept",
        backend=_backend(behaviour="mute"),
        client_pem=_a_client,
        more={"timeout": "1s", "interval": "1s"},
    ),
    "mTLS findings": Sidecar(
        outcome="confirmed",
        stage="export",
        backend=_backend(client_ca=None),
        client_pem=_a_client,
    ),
    "chains of three, clocks": Sidecar(
        outcome="confirmed",
        stage="export",
        backend=_backend_with_a_chain_of_three(),
        client_pem=_a_chain_of_three,
    ),
    "chains of three, clocks, refused after a success": Sidecar(
        outcome="failed",
        stage="accept",
        cause="client_ca_untrusted",
        backend=_backend_with_a_chain_of_three(),
        client_pem=_a_chain_of_three,
        refused_later=True,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", SIDECARS.values(), ids=SIDECARS)
async def test_a_sidecar_has_at_most_a_hundred_series(case: Sidecar, tmp_path: Path) -> None:
    """Everything that `/metrics` answers is counted: of the process, of the service, of the target."""
    backend = case.backend()
    await backend.start()
    _write_client(tmp_path, *case.client_pem())
    environment = {
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://localhost:{backend.port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(write_pem(tmp_path, "ca.crt", PKI.server_ca.pem)),
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(tmp_path / "tls.crt"),
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(tmp_path / "tls.key"),
    }
    try:
        with ntp_server(Says()) as (clock, _):
            file = configuration(
                tmp_path,
                sources=[{"sdk": "environment"}],
                defaults={"interval": INTERVAL, **case.more},
                clock={"sources": [{"sntp": f"127.0.0.1:{clock}"}]},
            )
            async with running_service(file, env=environment) as service:
                found = await _series_after_attempts(service)
                if case.refused_later:
                    _write_client(tmp_path, *_a_chain_of_three(STRANGERS))
                    found = await _series_after_attempts(service, "mtls_probe_cause{")
    finally:
        await backend.stop()
    text = "\n".join(found)
    assert f'outcome="{case.outcome}"' in text
    assert case.stage == "load" or re.search(f'last_duration_seconds{{.*"{case.stage}"', text)
    assert case.cause is None or re.search(f'mtls_probe_cause{{.*"{case.cause}"', text)
    assert (FINDING in text) is (case.backend().client_ca is None)
    assert len(found) <= MOST, text
    if case is SIDECARS["confirmed"]:
        of_clocks = (
            "mtls_probe_clock_offset_seconds{",
            'mtls_probe_lookups_refused_total{for="clocks"',
        )
        assert sum(not name.startswith(of_clocks) for name in found) == OF_A_SIDECAR, text


def test_each_target_of_a_fleet_adds_the_stated_number() -> None:
    """What the reference states: so many for a target as expected, three for each certificate more."""
    confirmed = seen(
        ending=Ending(stage="export", kind="answered"),
        credentials=ONE_OF_EACH,
        durations=dict.fromkeys(STAGES, 0.004),
        clock=(),
    )

    def count(targets: int) -> int:
        fleet = [replace(EU, name=f"target {number}") for number in range(targets)]
        ledger, metrics = ledger_and_metrics(*fleet)
        for target in fleet:
            ledger.record(target, confirmed, CONFIRMED)
        return len(samples(metrics))

    assert [count(number + 1) - count(number) for number in (1, 9)] == [OF_A_TARGET] * 2
    reference = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    assert f"each target adds {OF_A_TARGET} series" in reference
    assert f"one target as expected has {OF_A_SIDECAR} series" in reference


def test_only_causes_that_were_seen_have_series() -> None:
    """Nothing before the first attempt; then what the target names, also when it is over."""
    ledger, metrics = ledger_and_metrics()
    assert (of(metrics, "cause_info"), of(metrics, "failures_by_cause_total")) == ([], [])

    ledger.record(EU, seen(), REFUSED)
    found = Diagnosis(
        outcome="confirmed", stage="export", findings=(Finding(cause=FINDING, fact=""),)
    )
    ledger.record(EU, seen(), found)

    assert {labels["cause"] for labels, _ in of(metrics, "cause_info")} == {REFUSED.cause, FINDING}
    assert of(metrics, "failures_by_cause_total") == [({"cause": REFUSED.cause}, 1)]


async def _series_after_attempts(service: RunningService, wanted: str = "") -> list[str]:
    """Return each series once the only target has had three attempts, and one begins with `wanted`."""
    async with asyncio.timeout(20):
        while True:
            _, text = await service.get("/metrics")
            lines = [line for line in text.splitlines() if not line.startswith("#")]
            found = {
                name: float(value) for name, _, value in (each.rpartition(" ") for each in lines)
            }
            [attempts] = [found[name] for name in found if "attempts_total" in name]
            if attempts >= 3 and any(name.startswith(wanted) for name in found):
                return list(found)
            await asyncio.sleep(0.05)
