"""The network that a target is reached from: the probe's own, or that of the exporter's process.

Sockets are made, and names are looked up, on threads which enter the process's namespace and end.
A look-up reads the files of the process's root and asks as its resolver would; no code of another
root (NSS modules) is loaded. Where the probe may not enter, it says so, and uses its own network.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from probe.attempt.address_order import sort_addresses
from probe.attempt.resolver_files import (
    HOSTS,
    NSSWITCH,
    RESOLV_CONF,
    Library,
    find_in_hosts,
    parse_nsswitch,
    parse_resolv_conf,
)
from probe.attempt.stub_resolver import UnresolvedError, resolve_as_stub
from probe.model.evidence import NetworkView
from probe.model.runtime import GO_BASED
from probe.model.surroundings import RunningProcess, Surroundings
from probe.surroundings.file_view import HOST_FILES, FileView, ViewError
from probe.surroundings.own_thread import await_thread
from probe.surroundings.process_entry import enter_process
from probe.surroundings.process_files import ProcessFiles
from probe.surroundings.process_network import (
    ENTER,
    NetworkClosedError,
    is_own_network,
    join_network,
)

_FILE_SIZE: Final = 256 * 1024
"""Bytes of hosts or resolv.conf that are read."""
_MAPS_SIZE: Final = 1024 * 1024
_GLIBC: Final = (b"/libc.so.6", b"/libc-2.")
"""Its file, and its file before 2.34."""
_GO: Final = frozenset(runtime.id for runtime in GO_BASED)


@dataclass(frozen=True, slots=True)
class Network:
    """The probe's own network, and the system's own look-ups."""

    seen: NetworkView | None = None
    """What evidence says of it; None where the exporter is not known to run anywhere else."""
    look_up: Callable[[str], tuple[str, ...]] | None = None
    """Finds the addresses of a name, on a thread that ends thereafter; None: getaddrinfo."""
    key: object = None
    """Look-ups of equal ones are shared."""

    async def make_socket(self, family: int, kind: int) -> socket.socket:
        """Return a socket of this network."""
        return socket.socket(family, kind)

    def refuse_addresses(self, addresses: Sequence[str]) -> str:
        """Say why none of `addresses` is what the exporter would reach from its own network, or nothing.

        In a network that may not be entered, loopback is another one: whatever answers on the probe's
        is not the exporter's backend.
        """
        seen = self.seen
        if seen is None or seen.network != "closed" or seen.right != ENTER:
            return ""
        if not all(ip_address(one.partition("%")[0]).is_loopback for one in addresses):
            return ""
        return (
            f"{addresses[0]} is the loopback of {seen.process}, which has a network of its own; to enter "
            f"it the probe lacks {seen.right}"
        )


OWN_NETWORK: Final = Network()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessNetwork(Network):
    """The network of a process that has another one than the probe."""

    process: RunningProcess

    async def make_socket(self, family: int, kind: int) -> socket.socket:
        """Return a socket made within the namespace, in which it stays.

        Raises:
            ViewError: where the process has ended.
        """

        def make() -> socket.socket:
            join_network(self.process)
            return socket.socket(family, kind)

        try:
            return await await_thread(make, f"the network of {self.process.name}")
        except NetworkClosedError as error:
            raise ViewError(f"its network may not be entered any more: {error.right}") from None


async def open_network(runs_in: Surroundings | None, exporter: str) -> Network:
    """Return the network that an attempt of this target is made from.

    Args:
        runs_in: where the exporter runs.
        exporter: the id of its runtime, whose look-ups are imitated.

    Raises:
        ViewError: where the process has ended.
    """
    if not isinstance(runs_in, RunningProcess):
        return OWN_NETWORK
    what = f"the network of {runs_in.name}"
    return await await_thread(lambda: _choose_network(runs_in, exporter), what)


def _choose_network(process: RunningProcess, exporter: str) -> Network:
    name = process.name
    try:
        own = is_own_network(process)
        if not own:
            join_network(process)  # this thread ends with this function
    except NetworkClosedError as error:
        return Network(NetworkView(process=name, network="closed", right=error.right))
    files = ProcessFiles(process)
    if own and _has_own_files(files):
        return Network(NetworkView(process=name, network="own"))

    def look_up(host: str) -> tuple[str, ...]:
        if not own:
            join_network(process)
        return _look_up(host, process, files, exporter)

    key = (process.pid, process.start_ticks, exporter in _GO)
    servers = parse_resolv_conf(_read_text(files, RESOLV_CONF)).servers
    seen = NetworkView(
        process=name, network="own" if own else "entered", look_up="files", name_servers=servers
    )
    if own:
        return Network(seen, look_up, key)
    return ProcessNetwork(seen, look_up, key, process=process)


def _has_own_files(files: FileView) -> bool:
    """Return whether the process's resolver reads the very files that the probe's does."""
    return all(
        files.read_fingerprint(path) == HOST_FILES.read_fingerprint(path)
        for path in (RESOLV_CONF, HOSTS, NSSWITCH)
    )


def _look_up(host: str, process: RunningProcess, files: FileView, exporter: str) -> tuple[str, ...]:
    """Return the addresses of `host`, on a thread in the network that is to be asked.

    Raises:
        UnresolvedError: where there are none.
        OwnLimitError: where the probe lacks something for it, or cannot look.
    """
    try:
        name = host.encode("idna").decode("ascii")
    except UnicodeError:
        raise UnresolvedError("EAI_NONAME") from None
    library = _find_library(process, exporter)
    failure = UnresolvedError("EAI_NONAME")
    for service in parse_nsswitch(_read_text(files, NSSWITCH), library):
        if service == "files":
            if found := find_in_hosts(_read_text(files, HOSTS), name, library):
                return sort_addresses(found)
            continue
        try:
            settings = parse_resolv_conf(_read_text(files, RESOLV_CONF))
            return resolve_as_stub(name, settings, library)
        except UnresolvedError as error:
            failure = error
    raise failure


def _find_library(process: RunningProcess, exporter: str) -> Library:
    """Return whose resolver an exporter of that runtime has, by what is in its memory.

    A program without a shared C library is taken to be linked with musl: glibc is not meant for that.
    """
    if exporter in _GO:
        return "go"
    with enter_process(process) as entry:
        maps = entry.read("maps", _MAPS_SIZE)
    return "glibc" if any(name in maps for name in _GLIBC) else "musl"


def _read_text(files: FileView, path: str) -> str:
    try:
        return files.read(path, _FILE_SIZE).decode("utf-8", "replace")
    except OSError:
        return ""
