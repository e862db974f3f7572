"""Every address of a name: its own attempt, result and history; the target is all of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from probe.ledger.ledger import Ledger
from probe.ledger.replicas import MOST_ADDRESSES, Replicas
from probe.metrics.scrape import Metrics
from probe.model.finding import Finding
from probe.model.target import Endpoint, Secret, Target, TlsSettings
from probe.service.address_rounds import (
    Spread,
    run_side_by_side,
    spread_over_interval,
    spread_within,
)
from probe.service.attempt_scope import AttemptScope
from probe.service.experiment_schedule import ExperimentSchedule
from probe.service.pipeline import Observation, Pipeline
from probe.text.secret_register import SecretRegister
from tests.support.backends import Backend
from tests.support.demo_pki import PKI
from tests.support.name_table import NameTable

HOST = "repl.example"
ONE, TWO, THREE = "127.0.1.1", "127.0.1.2", "127.0.1.3"


@asynccontextmanager
async def serving(*at: tuple[str, Backend]) -> AsyncIterator[int]:
    """Start each backend at its address, all at one port; yield that."""
    async with AsyncExitStack() as stack:
        port = 0
        for address, backend in at:
            await backend.start(port, address)
            stack.push_async_callback(backend.stop)
            port = backend.port
        yield port


def each(folder: Path, port: int, **fields: object) -> Target:
    """Return a target of which each address has its own result."""
    return Target(
        name="eu",
        endpoint=Endpoint(HOST, port),
        tls=PKI.settings(folder, PKI.exporter()),
        addresses="each",
        **fields,  # type: ignore[arg-type]
    )


class Probe:
    """A pipeline with a ledger, whose look-ups a table answers."""

    def __init__(self, target: Target, table: NameTable) -> None:
        """Probe `target`, whose name leads where `table` says."""
        self.ledger = Ledger([target])
        self.metrics = Metrics(self.ledger)
        self.pipeline = Pipeline(self.ledger)
        self.target = target
        register = SecretRegister()
        prober = self.pipeline.make_prober(table, register)
        self.scope = AttemptScope(prober, ExperimentSchedule(), register)

    async def round(self) -> dict[str, str]:
        """Make one round; return the cause of each address, `confirmed` where there is none."""
        observed = await self.pipeline.probe_addresses(self.target, self.scope)
        return causes(observed)

    def replicas(self) -> Replicas:
        """Return what is known of the addresses."""
        return self.ledger.runtime_of(self.target).get_store(Replicas)

    def series(self, name: str) -> set[str]:
        """Return the labels of each series of a metric, with its value."""
        text = self.metrics.exposition()[0].decode()
        return {line.removeprefix(name) for line in text.splitlines() if line.startswith(name)}


def causes(observed: tuple[Observation, ...]) -> dict[str, str]:
    """Return by address how attempts ended."""
    return {
        target.address: diagnosis.cause or diagnosis.outcome for target, _, diagnosis in observed
    }


async def test_three_addresses_are_told_apart(tmp_path: Path) -> None:
    """One is healthy, one serves another name, one refuses; SNI and verification stay the name's."""
    healthy = PKI.backend("healthy", server=PKI.server(f"DNS:{HOST}"))
    other = PKI.backend("other", server=PKI.server("DNS:elsewhere.example"))
    async with serving((ONE, healthy), (TWO, other)) as port:
        probe = Probe(each(tmp_path, port), NameTable(THREE, ONE, TWO))
        found = await probe.round()

    assert found == {ONE: "confirmed", TWO: "server_name_mismatch", THREE: "tcp_refused"}
    runtime = probe.ledger.find("eu")
    assert runtime is not None
    assert (runtime.expected, runtime.attempts) == (False, 1)
    assert probe.series("mtls_probe_success{") == {
        f'target="eu",address="{ONE}"}} 1',
        f'target="eu",address="{TWO}"}} 0',
        f'target="eu",address="{THREE}"}} 0',
    }
    assert probe.series("mtls_probe_addresses{") == {'target="eu"} 3'}
    assert probe.series("mtls_probe_addresses_unexpected{") == {'target="eu"} 2'}


async def test_every_sample_of_an_address_has_its_label(tmp_path: Path) -> None:
    """No series of an address can be taken for the target's."""
    healthy = PKI.backend("healthy", server=PKI.server(f"DNS:{HOST}"))
    async with serving((ONE, healthy)) as port:
        probe = Probe(each(tmp_path, port), NameTable(ONE))
        await probe.round()

    of_target = {line for line in probe.series("mtls_probe_") if 'target="eu"' in line}
    without = {line.partition("{")[0] for line in of_target if f'address="{ONE}"' not in line}
    assert without == {"addresses", "addresses_unexpected", "addresses_left_out"}


async def test_an_order_that_varies_changes_nothing(tmp_path: Path) -> None:
    """DNS round robin gives the same addresses in another order: the same results, no change."""
    healthy = PKI.backend("healthy", server=PKI.server(f"DNS:{HOST}"))
    table = NameTable(ONE, TWO, THREE)
    async with serving((ONE, healthy)) as port:
        probe = Probe(each(tmp_path, port), table)
        await probe.round()
        first = list(probe.replicas().by_address)
        table.addresses = (THREE, ONE, TWO, f"::ffff:{TWO}")
        await probe.round()

    assert list(probe.replicas().by_address) == first == [ONE, TWO, THREE]
    assert [one.changed for one in probe.replicas().results] == [False, False, False]
    assert [one.attempts for one in probe.replicas().results] == [2, 2, 2]


async def test_a_failed_look_up_is_a_result_and_keeps_the_addresses(tmp_path: Path) -> None:
    """The known addresses are attempted all the same; the target is not as expected meanwhile."""
    healthy = PKI.backend("healthy", server=PKI.server(f"DNS:{HOST}"))
    table = NameTable(ONE)
    async with serving((ONE, healthy)) as port:
        probe = Probe(each(tmp_path, port), table)
        assert await probe.round() == {ONE: "confirmed"}
        table.addresses = ()
        assert await probe.round() == {"": "dns_failure", ONE: "confirmed"}
        runtime = probe.ledger.find("eu")
        assert runtime is not None
        assert not runtime.expected
        assert probe.series("mtls_probe_success{") == {
            f'target="eu",address="{ONE}"}} 1',
            'target="eu"} 0',
        }
        table.addresses = (ONE,)
        assert await probe.round() == {ONE: "confirmed"}
        assert runtime.expected
        assert probe.series("mtls_probe_success{") == {f'target="eu",address="{ONE}"}} 1'}


async def test_a_name_that_never_resolves_is_one_failed_target(tmp_path: Path) -> None:
    """It has no address, and reads as any other target whose name does not resolve."""
    probe = Probe(each(tmp_path, 4317), NameTable())
    assert await probe.round() == {"": "dns_failure"}
    assert probe.series("mtls_probe_success{") == {'target="eu"} 0'}
    assert probe.series("mtls_probe_addresses{") == {'target="eu"} 0'}


def test_before_its_first_look_up_it_is_a_target_without_an_attempt(tmp_path: Path) -> None:
    """The rule that reports targets which are not probed finds it."""
    probe = Probe(each(tmp_path, 4317), NameTable())
    assert probe.series("mtls_probe_interval_seconds{") == {'target="eu"} 30'}
    assert probe.series("mtls_probe_last_attempt_timestamp_seconds{") == set()


async def test_more_addresses_than_the_bound_are_counted(tmp_path: Path) -> None:
    """64 are attempted, and which ones stays the same; a metric says how many are left out."""
    many = [f"127.0.2.{last}" for last in range(1, 101)]
    table = NameTable(*many)
    probe = Probe(each(tmp_path, 1, interval=2.0), table)
    first = await probe.round()
    table.addresses = tuple(reversed(many))
    again = await probe.round()

    assert len(first) == MOST_ADDRESSES
    assert first.keys() == again.keys()
    assert probe.series("mtls_probe_addresses_left_out{") == {'target="eu"} 36'}


async def test_an_address_is_its_own_answer() -> None:
    """A literal address is one address, of either family."""
    for host in ("127.0.0.1", "::1"):
        target = Target(name="t", endpoint=Endpoint(host, 1), addresses="each")
        observed = await Pipeline(Ledger([target])).probe_addresses(target)
        assert causes(observed) == {host: "tcp_refused"}


async def test_a_proxy_resolves_the_name_and_each_says_so() -> None:
    """There is one result, without an address, with the finding that the setting has no effect."""
    proxy = Secret("http://127.0.0.1:1")
    target = Target(name="t", endpoint=Endpoint(HOST, 4317), addresses="each", proxy_url=proxy)
    ((tried, _, diagnosis),) = await Pipeline(Ledger([target])).probe_addresses(target)
    assert tried.address == ""
    assert [finding.fact for finding in diagnosis.findings] == [
        "addresses: each has no effect: the proxy looks the name up, and connects to one of its "
        "addresses"
    ]


async def test_slow_addresses_delay_no_other(tmp_path: Path) -> None:
    """All of them give up in the time of one, its experiments included, and in the same round."""
    healthy, *silent = (
        PKI.backend(name, server=PKI.server(f"DNS:{HOST}"), behaviour=name)
        for name in ("collector", "silent", "silent")
    )
    async with serving((ONE, silent[0]), (TWO, healthy), (THREE, silent[1])) as port:
        probe = Probe(each(tmp_path, port, timeout=1.0), NameTable(ONE, TWO, THREE))
        began = monotonic()
        found = await probe.round()
        took = monotonic() - began

    assert found == {ONE: "tls_timeout", TWO: "confirmed", THREE: "tls_timeout"}
    assert took < 3.5


async def test_credentials_and_settings_are_shared(tmp_path: Path) -> None:
    """The files of a name's addresses are read once."""
    probe = Probe(each(tmp_path, 1), NameTable(ONE, TWO, THREE))
    await probe.round()
    assert len(probe.pipeline.credentials) == 1


async def test_a_removed_target_takes_its_addresses_along(tmp_path: Path) -> None:
    """One runtime per target: nothing of an address stays behind."""
    target = each(tmp_path, 1)
    probe = Probe(target, NameTable(ONE, TWO))
    await probe.round()
    changed = replace(target, interval=9.0)
    probe.ledger.replace_targets([changed])
    probe.target = changed
    assert probe.replicas().by_address == {}
    probe.ledger.replace_targets([])
    assert probe.series("mtls_probe_success{") == set()


@pytest.mark.parametrize(("addresses", "expected"), [(1, 1), (3, 3), (12, 4), (24, 8), (64, 22)])
def test_a_round_without_any_answer_takes_half_of_the_interval(
    addresses: int, expected: int
) -> None:
    """So many run side by side, and no more: attempts of one name do not bunch."""
    target = Target(name="t", endpoint=Endpoint(HOST, 1), interval=30.0, timeout=5.0)
    assert spread_over_interval(target, addresses) == Spread(5.0, expected, 0.02)


async def test_attempts_keep_to_their_lanes_and_to_the_slots() -> None:
    """Never more at once than lanes, and than free slots and the caller's own; all are done."""
    running = most = 0

    async def work(item: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.002)
        running -= 1
        return item * 2

    done = await run_side_by_side(range(20), work, Spread(1.0, 5, 0.0))
    assert (done, most) == ([item * 2 for item in range(20)], 5)

    most = 0
    slots = asyncio.Semaphore(2)
    await run_side_by_side(range(20), work, Spread(1.0, 5, 0.0), slots)
    assert most == 3

    async with slots, asyncio.timeout(5):
        await slots.acquire()
        most = 0
        await run_side_by_side(range(20), work, Spread(1.0, 5, 0.0), slots)
        assert most == 1
        slots.release()


async def test_attempts_of_one_name_begin_apart() -> None:
    """Not even free slots let them begin at one moment."""
    begun: list[float] = []
    start = monotonic()

    async def work(_: int) -> None:
        begun.append(monotonic() - start)
        await asyncio.sleep(0)

    await run_side_by_side(range(5), work, Spread(1.0, 5, 0.01))
    assert all(at >= 0.01 * place - 0.003 for place, at in enumerate(begun))


def test_time_is_divided_among_turns() -> None:
    """Sixteen at a time: seventeen addresses need two turns."""
    assert [spread_within(4.0, addresses).timeout for addresses in (1, 16, 17, 64)] == [
        4.0,
        4.0,
        2.0,
        1.0,
    ]
    assert spread_within(-1.0, 3).timeout == 0.05


def test_settings_that_lead_nowhere_are_one_result() -> None:
    """A target that no exporter can work with is not looked up."""
    target = Target(name="t", endpoint=Endpoint("", 0), addresses="each", tls=TlsSettings())
    assert target.has_replicas
    fault = Finding(cause="exporter_configuration_invalid", fact="the endpoint is empty")
    assert not replace(target, faults=(fault,)).has_replicas


class BrokenTable(NameTable):
    """A resolver with a bug."""

    async def resolve(self, *_: object, **__: object) -> tuple[str, ...]:
        """Fail as no look-up does.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("a bug")


async def test_a_bug_of_the_look_up_is_ours(tmp_path: Path) -> None:
    """It is a result, and no cause is blamed on the target."""
    probe = Probe(each(tmp_path, 4317), BrokenTable())
    assert await probe.round() == {"": "probe_fault"}


async def test_a_name_that_somebody_else_resolved_is_an_ordinary_target(tmp_path: Path) -> None:
    """A hosts file of a pod, or --resolve, names its address: it has no label, and one result."""
    healthy = PKI.backend("healthy", server=PKI.server(f"DNS:{HOST}"))
    async with serving((ONE, healthy)) as port:
        placed = replace(each(tmp_path, port), addresses="first", address=ONE)
        probe = Probe(placed, NameTable())
        observed = await probe.pipeline.probe_addresses(placed, probe.scope)

    ((_, evidence, diagnosis),) = observed
    assert (diagnosis.outcome, evidence.peer_address) == ("confirmed", ONE)
    assert evidence.target.address == ""
    assert probe.series("mtls_probe_success{") == {'target="eu"} 1'}
