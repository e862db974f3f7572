"""Which targets are receivers on this host, whose certificate file the probe can read too: pure."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from probe.config.sources.collector.receiver import ServedCertificate
from probe.model.target import ServerCertificateFile, Target

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def with_served_files(
    targets: Iterable[Target], served: Iterable[ServedCertificate], hostname: str = ""
) -> tuple[Target, ...]:
    """Name to each target the file that its backend's certificate is read from.

    A target is a receiver's where the port is the receiver's and the host is this one: a name of
    loopback, `hostname`, or the very host that the receiver listens on. Behind a proxy, and where
    the user has named a file, nothing is added.
    """
    by_port: dict[int, list[ServedCertificate]] = {}
    for one in served:
        by_port.setdefault(one.endpoint.port, []).append(one)
    if not by_port:
        return tuple(targets)
    return tuple(_with_file(target, by_port, hostname.lower()) for target in targets)


def _with_file(target: Target, by_port: dict[int, list[ServedCertificate]], name: str) -> Target:
    if target.server_certificate_file or target.proxy_url or target.plaintext:
        return target
    host = target.endpoint.host.lower()
    here = host in _LOOPBACK or bool(name and host == name)
    for one in by_port.get(target.endpoint.port, ()):
        listens = one.endpoint.host.lower()
        if host == listens or (here and listens in _LOOPBACK):
            file = ServerCertificateFile(one.cert_file, one.receiver, one.reload_interval)
            return replace(target, server_certificate_file=file)
    return target
