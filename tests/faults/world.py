"""The world that faults are injected into: servers, names, files, a probe, and the truth about each target."""

import json
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.faults import name_server, real_servers, wall_clock
from tests.faults.certificates import Certificates, ClientFiles
from tests.faults.judging import Attempt, Complaint, History, Limits
from tests.faults.name_server import DOMAIN, NameServer
from tests.faults.page_watch import PageWatch
from tests.faults.probe_process import ProbeProcess
from tests.faults.real_servers import CollectorServer, GoServer
from tests.faults.servers import STARTS_WITHIN, DemoServer, Server
from tests.faults.truth import Timeline, Trouble

PORT: Final = 14317
"""On addresses that no other program uses, and below the ephemeral ports."""
MODULE: Final = "hanging"
"""The module of /probe that allows every name of the world."""
PROXY: Final = {"kind": "proxy"}
"""What a proxy does when it is healthy."""
LIMITS: Final = Limits(interval=0.5, timeout=1.0)


@dataclass(frozen=True, slots=True)
class Site:
    """One target and the server behind it."""

    name: str
    protocol: str
    behaviour: str = "collector"
    """The behaviour of the demo's backend; `go` and `otelcol` are real servers."""
    max_version: str = "1.3"
    named: bool = False
    """Whether it is reached by a name, so that faults can change the name."""
    proxied: bool = False
    """Whether it is reached through a proxy."""


SITES: Final = (
    Site("grpc-13", "grpc"),
    Site("grpc-12", "grpc", max_version="1.2"),
    Site("http-13", "http/protobuf"),
    Site("http-12", "http/protobuf", max_version="1.2"),
    Site("grpc-core", "grpc", behaviour="grpc_core"),
    Site("nginx", "http/protobuf", behaviour="nginx"),
    Site("go", "http/protobuf", behaviour="go"),
    Site("otelcol", "grpc", behaviour="otelcol"),
    Site("proxied", "grpc", proxied=True),
    Site("named-grpc", "grpc", named=True),
    Site("named-http", "http/protobuf", named=True),
)


@dataclass(slots=True)
class World:
    """All parts, by the names of the sites.

    Attributes:
        folder: where all files are.
        sites: the targets.
        addresses: where the server of each listens.
        nowhere: an address on which nothing listens.
        stranger: a server with another CA that no target should reach, without faults.
        proxy: the proxy of the targets that use one.
        names: the name server, None where names cannot be changed.
        left_out: what cannot be done on this machine, each with the reason.
    """

    folder: Path
    sites: dict[str, Site]
    addresses: dict[str, str]
    nowhere: str
    stranger: DemoServer
    proxy: DemoServer
    certificates: Certificates
    files: dict[str, ClientFiles]
    servers: dict[str, Server]
    names: NameServer | None
    left_out: tuple[str, ...]
    timelines: dict[str, Timeline]
    troubles: list[Trouble] = field(default_factory=list)
    up: list[tuple[float, float]] = field(default_factory=list)
    ends: list[Complaint] = field(default_factory=list)
    address: str = ""
    """Where the probe's pages are."""
    _probe: ProbeProcess | None = None
    _records: list[ProbeProcess] = field(default_factory=list)
    _since: float = 0.0
    _watch: PageWatch | None = None
    _answers: list[float] = field(default_factory=list)

    @property
    def probe(self) -> ProbeProcess:
        """The probe that runs now."""
        assert self._probe is not None
        return self._probe

    def wanted(self, site: Site, **other: Any) -> dict[str, Any]:
        """Return the settings of the server of `site` when it is healthy, changed by `other`."""
        return {
            "kind": "backend",
            "protocol": site.protocol,
            "server": self.certificates.pairs["server"],
            "client_ca": self.certificates.pairs["client-ca"],
            "max_version": site.max_version,
            "behaviour": site.behaviour,
            **other,
        }

    def start_probe(self, *, movable_clock: bool = False) -> None:
        """Run a new probe, until it has confirmed every target once.

        Raises:
            AssertionError: where it does not come to that.
        """
        before = [] if self.names is None else name_server.asking(self.names.address, self.folder)
        if not name_server.rights_cannot_be_dropped():
            before += name_server.without_root_rights()
        record = self.folder / f"attempts-{len(self._records)}.jsonl"
        self._probe = ProbeProcess(
            self._configuration(), record, before, movable_clock=movable_clock
        )
        self._records.append(self._probe)
        self.address = self._probe.address()
        end = time.monotonic() + STARTS_WITHIN
        while True:
            well = {one.target for one in self.probe.attempts() if one.outcome == "confirmed"}
            if well == set(self.sites):
                break
            assert time.monotonic() < end, f"never confirmed: {set(self.sites) - well}"
            time.sleep(0.1)
        self._since = time.monotonic()
        self._watch = PageWatch(self.address)

    def stop_probe(self) -> None:
        """End it as an operator does."""
        if self._watch is not None:
            self._watch.end()
            self._answers += self._watch.answers
            self._watch = None
        now = time.monotonic()
        self.up.append((self._since, now))
        if said := self.probe.stop():
            self.ends.append(Complaint("exit", "", now, said))
        self._probe = None

    def history(self) -> History:
        """Return all attempts of ended probes, and what was true."""
        attempts: list[Attempt] = []
        for each in self._records:
            # Requests to /probe are recorded too.
            attempts += (one for one in each.attempts() if one.target in self.sites)
        # A server that does not measure stalls is judged by those of an undisturbed neighbour.
        neighbour = self.stranger.stalls()
        stalls = {
            name: (server.stalls() or neighbour)
            + (self.proxy.stalls() if self.sites[name].proxied else ())
            for name, server in self.servers.items()
        }
        return History(attempts, self.timelines, self.troubles, stalls, self.up, self._answers)

    def _configuration(self) -> Path:
        proxied = {"proxy_url": f"http://{self.proxy.address}:{PORT}"}
        targets = [
            {
                **(proxied if site.proxied else {}),
                "name": site.name,
                "endpoint": f"https://{host_of(self, site)}:{PORT}",
                "protocol": site.protocol,
                "tls": {
                    "ca_file": str(self.files[site.name].ca_file),
                    "cert_file": str(self.files[site.name].cert_file),
                    "key_file": str(self.files[site.name].key_file),
                },
            }
            for site in self.sites.values()
        ]
        path = self.folder / "probe.yml"
        defaults = {"interval": f"{LIMITS.interval}s", "timeout": f"{LIMITS.timeout}s"}
        document = {
            "defaults": defaults,
            "targets": targets,
            "web": {"listen": "127.0.0.1:0"},
            "modules": {MODULE: {"protocol": "grpc", "allow": [f"*.{DOMAIN}:{PORT}"]}},
        }
        path.write_text(json.dumps(document), encoding="utf-8")
        return path


def host_of(world: World, site: Site) -> str:
    """Return the host in the endpoint of `site`."""
    return f"{site.name}.{DOMAIN}" if site.named else world.addresses[site.name]


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Make a world in `folder`, with every server healthy, and no probe yet."""
    left_out = []
    if why := name_server.unavailable():
        left_out.append(f"faults of names: {why}")
    if why := name_server.rights_cannot_be_dropped():
        left_out.append(f"unreadable files: {why}")
    if why := wall_clock.unmovable():
        left_out.append(f"steps of the probe's clock: {why}")
    left_out += [
        f"{behaviour}: {why}"
        for behaviour in ("go", "otelcol")
        if (why := real_servers.missing(behaviour))
    ]
    sites = {site.name: site for site in SITES if _possible(site)}
    # 127.64.0.0 and above: programs that choose any address choose 127.0.0.1.
    network = f"127.{64 + secrets.randbelow(190)}.{secrets.randbelow(256)}"
    addresses = {name: f"{network}.{at}" for at, name in enumerate(sites, 1)}
    names = None if name_server.unavailable() else NameServer(f"{network}.253")
    sans = [f"IP:{address}" for address in addresses.values()]
    sans += [f"DNS:{site.name}.{DOMAIN}" for site in sites.values() if site.named]
    certificates = Certificates.create(folder, sans)
    made = World(
        folder=folder,
        sites=sites,
        addresses=addresses,
        nowhere=f"{network}.252",
        stranger=DemoServer(f"{network}.251", PORT, folder),
        proxy=DemoServer(f"{network}.250", PORT, folder),
        certificates=certificates,
        files={name: ClientFiles.create(folder / name, certificates) for name in sites},
        servers={name: _server(site, addresses[name], folder) for name, site in sites.items()},
        names=names,
        left_out=tuple(left_out),
        timelines={name: Timeline() for name in sites},
    )
    try:
        pairs = certificates.pairs
        with ThreadPoolExecutor() as pool:
            starting = [
                pool.submit(server.serve, made.wanted(sites[name]))
                for name, server in made.servers.items()
            ]
            other = made.wanted(SITES[0], server=pairs["server-of-another-ca"])
            starting.append(pool.submit(made.stranger.serve, other))
            starting.append(pool.submit(made.proxy.serve, PROXY))
            for one in starting:
                one.result()
        for site in sites.values():
            if site.named and names is not None:
                names.set(host_of(made, site), addresses[site.name])
        yield made
    finally:
        if made._probe is not None:
            made.stop_probe()
        for server in (*made.servers.values(), made.stranger, made.proxy):
            server.end()
        if names is not None:
            names.end()


def _possible(site: Site) -> bool:
    if site.behaviour in {"go", "otelcol"}:
        return not real_servers.missing(site.behaviour)
    return not (site.named and name_server.unavailable())


def _server(site: Site, address: str, folder: Path) -> Server:
    match site.behaviour:
        case "go":
            return GoServer(address, PORT, folder)
        case "otelcol":
            return CollectorServer(address, PORT, folder)
        case _:
            return DemoServer(address, PORT, folder)
