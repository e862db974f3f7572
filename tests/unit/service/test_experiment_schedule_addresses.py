"""Where one address stands for all: others are tried at most once an hour, and what differs is said."""

import itertools
from pathlib import Path

import pytest

from probe.ledger.ledger import Ledger
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.target import Endpoint, Target
from probe.service.attempt_scope import AttemptScope
from probe.service.experiment_schedule import HOUR, ExperimentSchedule
from probe.service.pipeline import Pipeline
from probe.text.secret_register import SecretRegister
from tests.support.backends import Backend
from tests.support.demo_pki import PKI
from tests.support.name_table import NameTable
from tests.unit.service.test_address_rounds import HOST, ONE, THREE, TWO, serving


class Probe:
    """A pipeline whose look-ups a table answers, and whose hours a test lets pass."""

    def __init__(self, folder: Path, port: int, table: NameTable, *, enabled: bool = True) -> None:
        """Probe the name at `port`."""
        self.now = 0.0
        self.target = Target(
            name="eu",
            endpoint=Endpoint(HOST, port),
            tls=PKI.settings(folder, PKI.exporter()),
            timeout=2.0,
        )
        self.pipeline = Pipeline(Ledger([self.target]))
        register = SecretRegister()

        def clock() -> float:
            return self.now

        self.scope = AttemptScope(
            self.pipeline.make_prober(table, register),
            ExperimentSchedule(enabled=enabled, clock=clock),
            register,
        )

    async def attempt(self) -> tuple[Evidence, Diagnosis]:
        """Make one attempt."""
        _, evidence, diagnosis = await self.pipeline.probe_once(self.target, self.scope)
        return evidence, diagnosis

    async def differences(self) -> list[str]:
        """Make one attempt that is confirmed; return what it says of other addresses."""
        _, diagnosis = await self.attempt()
        assert diagnosis.outcome == "confirmed", diagnosis
        return [one.fact for one in diagnosis.findings if one.cause == "addresses_differ"]


def named(name: str, san: str = f"DNS:{HOST}", **more: object) -> Backend:
    """Return a backend with a certificate of its own."""
    return PKI.backend(name, server=PKI.server(san), **more)


async def test_what_differs_is_said_and_holds_for_an_hour(tmp_path: Path) -> None:
    """Others are tried once; later attempts say the same, and after an hour it is tried anew."""
    healthy, other = named("healthy"), named("other", "DNS:elsewhere.example")
    async with serving((ONE, healthy), (TWO, other)) as port:
        probe = Probe(tmp_path, port, NameTable(ONE, TWO, THREE))
        first = await probe.differences()
        assert [fact.partition(" ")[0] for fact in first] == [TWO, THREE]
        assert "presents a certificate that the exporter does not accept" in first[0]
        assert f"refuses connections (ECONNREFUSED), and {ONE}" in first[1]

        alerts = len(other.alerts)
        probe.now = HOUR - 1
        assert await probe.differences() == first
        assert len(other.alerts) == alerts

        await other.stop()
        probe.now = HOUR
        assert "refuses connections" in (await probe.differences())[0]


async def test_replicas_with_one_certificate_bring_no_finding(tmp_path: Path) -> None:
    """Addresses that do the same are tried, and nothing is said; nothing is exported there."""
    server = PKI.server(f"DNS:{HOST}")
    backends = [PKI.backend(name, server=server) for name in ("a", "b")]
    async with serving((ONE, backends[0]), (TWO, backends[1])) as port:
        probe = Probe(tmp_path, port, NameTable(ONE, TWO))
        assert await probe.differences() == []
        evidence, _ = await probe.attempt()
    assert [one.address for one in evidence.other_addresses] == [TWO]
    assert len(backends[1].requests) == 0


async def test_another_certificate_is_named(tmp_path: Path) -> None:
    """A replica that still serves the certificate of before."""
    async with serving((ONE, named("new")), (TWO, named("old"))) as port:
        (fact,) = await Probe(tmp_path, port, NameTable(ONE, TWO)).differences()
    assert fact.startswith(f"{TWO} serves another certificate (CN=demo collector, until ")


async def test_a_resolver_that_turns_the_order_changes_nothing(tmp_path: Path) -> None:
    """Whichever address an attempt uses, the facts are about those that do otherwise."""
    server = PKI.server(f"DNS:{HOST}")
    table = NameTable(ONE, TWO, THREE)
    backends = (PKI.backend("a", server=server), PKI.backend("b", server=server))
    async with serving((ONE, backends[0]), (TWO, backends[1])) as port:
        probe = Probe(tmp_path, port, table)
        for order in itertools.permutations((ONE, TWO, THREE)):
            table.addresses = order
            facts = await probe.differences()
            assert [fact.partition(" ")[0] for fact in facts] == [THREE], order


async def test_what_was_known_ends_with_the_attempt_that_does_otherwise(tmp_path: Path) -> None:
    """All replicas got a new certificate: the old ones' is not held against them for an hour."""
    folder = tmp_path
    server = PKI.server(f"DNS:{HOST}")
    before = [PKI.backend(name, server=server) for name in ("a", "b")]
    async with serving((ONE, before[0]), (TWO, before[1])) as port:
        probe = Probe(folder, port, NameTable(ONE, TWO))
        assert await probe.differences() == []
        renewed = PKI.server(f"DNS:{HOST}")
        for backend in before:
            await backend.stop()
            backend.server = renewed
        for backend, address in zip(before, (ONE, TWO), strict=True):
            await backend.start(port, address)
        assert await probe.differences() == []
        evidence, _ = await probe.attempt()
    assert evidence.other_addresses == ()


@pytest.mark.parametrize(
    ("table", "enabled"), [(NameTable(ONE), True), (NameTable(ONE, TWO), False)],
    ids=["one address", "experiments are off"],
)  # fmt: skip  # one case each
async def test_nothing_is_tried(tmp_path: Path, table: NameTable, enabled: bool) -> None:
    """Where there is nothing to compare with, or the user wants no further connection."""
    async with serving((ONE, named("healthy"))) as port:
        evidence, _ = await Probe(tmp_path, port, table, enabled=enabled).attempt()
    assert evidence.other_addresses == ()


async def test_both_loopback_addresses_are_one_host(tmp_path: Path) -> None:
    """A server that listens on IPv4 alone is reached under localhost by every exporter."""
    async with serving(("127.0.0.1", named("healthy"))) as port:
        for order in (("::1", "127.0.0.1"), ("127.0.0.1", "::1")):
            assert await Probe(tmp_path, port, NameTable(*order)).differences() == []


async def test_an_address_tried_in_vain_is_a_difference(tmp_path: Path) -> None:
    """It costs no further connection: the attempt itself was refused there."""
    async with serving((TWO, named("healthy"))) as port:
        probe = Probe(tmp_path, port, NameTable(ONE, TWO), enabled=False)
        (fact,) = await probe.differences()
    assert fact == (
        f"{ONE} port {port} does not take connections (ECONNREFUSED), and {TWO}, another address "
        "of the same name, does"
    )
