"""Which proxy the environment gives for an endpoint, by the rules of Go's `httpproxy` package.

Pure. Honoured for targets that come from an SDK or a Collector only: those exporters do the same.
"""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from probe.config.check_settings import proxy_fault
from probe.config.errors import ConfigurationError
from probe.model.runtime import GO_IDS
from probe.model.target import Endpoint, Secret, Target
from probe.text.host_port import split_host_port


def find_proxy(target: Target, environ: Mapping[str, str]) -> Secret | None:
    """Return the URL of the proxy that the exporter of `target` asks, or None.

    `HTTPS_PROXY` names it and `NO_PROXY` excepts hosts, the upper-case names first; localhost and
    loopback addresses never go through a proxy. gRPC asks for a proxy as if for https, whatever the
    scheme; HTTP without TLS needs no tunnel.

    Raises:
        ConfigurationError: where HTTPS_PROXY is not the URL of a proxy.
    """
    url = find_proxy_url(target, environ)
    if url is None:
        return None
    if fault := proxy_fault(url):
        raise ConfigurationError(fault, file="environment", key="HTTPS_PROXY")
    return Secret(url)


def find_proxy_url(target: Target, environ: Mapping[str, str]) -> str | None:
    """Return what `find_proxy` checks.

    grpc-go speaks CONNECT in plaintext to a proxy of any scheme, by default at port 443 (measured).
    """
    url = (environ.get("HTTPS_PROXY") or environ.get("https_proxy") or "").strip()
    excepted = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    without_tunnel = target.plaintext and target.protocol == "http/protobuf"
    if not url or without_tunnel or _is_direct(target.endpoint, excepted):
        return None
    url = url if "://" in url else f"http://{url}"
    if target.protocol != "grpc" or target.exporter not in GO_IDS:
        return url
    host = url.partition("://")[2].partition("/")[0]
    _, port = split_host_port(host.rpartition("@")[2])
    return f"http://{host}" if port else f"http://{host}:443"


def apply_proxy(
    target: Target, faults: tuple[ConfigurationError, ...], environ: Mapping[str, str]
) -> tuple[Target, tuple[ConfigurationError, ...]]:
    """Return `target` with the proxy of its exporter, and `faults` with what is wrong with it."""
    try:
        return replace(target, proxy_url=find_proxy(target, environ)), faults
    except ConfigurationError as error:
        return target, (*faults, error)


def _is_direct(endpoint: Endpoint, excepted: str) -> bool:
    host = endpoint.host.lower().rstrip(".")
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    items = (item.strip().lower() for item in excepted.split(","))
    return any(_matches_exception(item, host, address, endpoint.port) for item in items if item)


def _matches_exception(
    item: str, host: str, address: IPv4Address | IPv6Address | None, port: int
) -> bool:
    if item == "*":
        return True
    if "/" in item:
        try:
            return address is not None and address in ip_network(item, strict=False)
        except ValueError:
            return False
    name, only_port = split_host_port(item)
    if only_port and only_port != str(port):
        return False
    if address is not None:
        try:
            return address == ip_address(name)
        except ValueError:
            return False
    suffix = name.removeprefix("*")
    return host.endswith(suffix) if suffix.startswith(".") else f".{host}".endswith(f".{suffix}")
