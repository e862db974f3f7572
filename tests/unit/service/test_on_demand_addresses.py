"""`/probe` with a module that wants every address: success only if all are, within the scrape's time."""

from pathlib import Path

from probe.ledger.ledger import Ledger
from probe.model.module import AllowEntry, AllowList, Module
from probe.model.target import Endpoint, Target
from probe.service.on_demand import TIMEOUT_HEADER, OnDemand
from probe.service.pipeline import Pipeline
from tests.support.demo_pki import PKI
from tests.support.name_table import NameTable
from tests.unit.service.test_address_rounds import HOST, ONE, THREE, TWO, serving


def probing(folder: Path, table: NameTable, *allow: str) -> OnDemand:
    """Return what answers for a module that wants every address."""
    template = Target(
        name="m",
        endpoint=Endpoint("module.invalid", 4317),
        tls=PKI.settings(folder, PKI.exporter()),
        addresses="each",
    )
    entries = AllowList(tuple(map(AllowEntry.parse, allow or (HOST,))))
    module = Module("m", {("", "grpc"): template}, "grpc", entries)
    made = OnDemand(Pipeline(Ledger()), lambda: {"m": module}, concurrency=4)
    made.resolver = table
    return made


async def scrape(made: OnDemand, port: int, **query: str) -> set[str]:
    """Return the lines of one scrape."""
    reply = await made.answer({"target": f"{HOST}:{port}"} | query, {TIMEOUT_HEADER: "5"})
    assert reply.status == 200, reply.body
    return set(reply.body.decode().splitlines())


async def test_it_succeeds_only_if_all_addresses_do(tmp_path: Path) -> None:
    """Blackbox names are those of the worst; ours have a series for each address."""
    server = PKI.server(f"DNS:{HOST}")
    healthy = [PKI.backend(name, server=server) for name in ("a", "b")]
    table = NameTable(ONE, TWO)
    async with serving((ONE, healthy[0]), (TWO, healthy[1])) as port:
        made = probing(tmp_path, table)
        assert "probe_success 1" in await scrape(made, port)
        table.addresses = (ONE, TWO, THREE)
        lines = await scrape(made, port)
        debug = "\n".join(await scrape(made, port, debug="true"))

    assert "probe_success 0" in lines
    name = f"{HOST}:{port}"
    assert f'mtls_probe_addresses{{target="{name}"}} 3' in lines
    assert f'mtls_probe_addresses_unexpected{{target="{name}"}} 1' in lines
    (cause,) = (line for line in lines if line.startswith("mtls_probe_cause{"))
    assert f'address="{THREE}"' in cause
    assert 'cause="tcp_refused"' in cause
    assert f"1 of 3 addresses fails: {THREE} (tcp_refused)" in debug


async def test_only_allowed_addresses_are_tried(tmp_path: Path) -> None:
    """A name that only a pattern fits does not lead to this machine, whatever each means."""
    made = probing(tmp_path, NameTable(ONE, TWO), "*.example")
    reply = await made.answer({"target": f"{HOST}:1"}, {})
    assert reply.status == 403


async def test_a_name_that_does_not_resolve_is_no_success(tmp_path: Path) -> None:
    """It has the cause, and no address."""
    lines = await scrape(probing(tmp_path, NameTable()), 1)
    assert "probe_success 0" in lines
    assert any('cause="dns_failure"' in line for line in lines)


async def test_silent_addresses_end_within_the_time_of_the_scrape(tmp_path: Path) -> None:
    """Sixteen at a time share what is left of it."""
    silent = PKI.backend("silent", server=PKI.server(f"DNS:{HOST}"), behaviour="silent")
    async with serving((ONE, silent)) as port:
        made = probing(tmp_path, NameTable(ONE))
        reply = await made.answer({"target": f"{HOST}:{port}"}, {TIMEOUT_HEADER: "1.5"})
    assert reply.status == 200
    assert b"probe_success 0" in reply.body
    assert b'cause="tls_timeout"' in reply.body


async def test_an_address_that_is_not_allowed_is_counted(tmp_path: Path) -> None:
    """The others are tried; nobody takes them for all."""
    server = PKI.server(f"DNS:{HOST}")
    async with serving((ONE, PKI.backend("a", server=server))) as port:
        made = probing(tmp_path, NameTable(ONE, TWO), "*.example", f"{ONE}/32")
        lines = await scrape(made, port)
    name = f"{HOST}:{port}"
    assert "probe_success 1" in lines
    finding = f'mtls_probe_finding{{target="{name}",address="{ONE}",cause="addresses_left_out"}} 1'
    assert finding in lines
