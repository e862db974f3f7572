"""What other addresses of one name do otherwise than the one that an attempt was connected to. Pure.

It is the handshake that is compared: whether the address takes the connection, speaks TLS, takes the
certificate and serves the same one. What the attempt itself tried in vain belongs to it.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from probe.model.evidence import Ending, Evidence, Experiment, Handshake, OtherAddress
from probe.model.tls_alerts import get_fatal_alert, name_alert
from probe.text.time_format import rfc3339

MOST_OTHERS: Final = 8
"""Addresses that are tried besides the attempt's own, at most."""

_NO_ROUTE: Final = frozenset({"ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT"})
"""What says that this host has no way there, as one without IPv6; exporters then take another one."""
_WAYS: Final = {
    "refused": "refuses connections",
    "unverified": "presents a certificate that the exporter does not accept",
    "not_tls": "does not answer in TLS",
    "alpn": "does not offer h2",
    "garbage": "does not answer in the protocol",
    "tls": "breaks the TLS protocol",
    "budget": "sends more than an attempt takes",
    "proxy": "does not open a tunnel",
}
_ENDS: Final = {"close": "closes the connection", "reset": "resets the connection"}


def choose_other_addresses(evidence: Evidence) -> tuple[str, ...]:
    """Return the addresses that are worth a handshake after this attempt; most have none."""
    peer = evidence.peer_address
    if len(evidence.addresses) < 2 or not peer or evidence.target.proxy:
        return ()
    tried = {one.address for one in evidence.connects}
    others = (
        address
        for address in dict.fromkeys(evidence.addresses)
        if address not in tried and not _is_same_host(address, peer)
    )
    return tuple(sorted(others, key=_order)[:MOST_OTHERS])


def read_own_address(evidence: Evidence) -> OtherAddress:
    """Return how the attempt itself ended, as it is compared with other addresses."""
    seen = Experiment(
        varied="unvaried", at=evidence.at, ending=evidence.ending, handshake=evidence.handshake
    )
    return OtherAddress(address=evidence.peer_address, seen=seen)


def is_alike(one: OtherAddress, other: OtherAddress) -> bool:
    """Whether two handshakes ended in the same way, with the same certificate."""
    same = _describe_way(one.seen.ending, one.seen.handshake) == _describe_way(
        other.seen.ending, other.seen.handshake
    )
    return same and _get_leaf(one.seen.handshake) == _get_leaf(other.seen.handshake)


def compare_addresses(evidence: Evidence) -> Iterator[str]:
    """Yield what differs between the attempt's address and others of the name, a fact for each."""
    peer, own = evidence.peer_address, evidence.handshake
    if not peer or evidence.target.proxy or evidence.ending.kind == "probe_fault":
        return
    way = _describe_way(evidence.ending, own)
    port = evidence.target.port
    for one in evidence.connects:
        if one.error and one.error not in _NO_ROUTE and not _is_same_host(one.address, peer):
            yield (
                f"{one.address} port {port} does not take connections ({one.error}), and {peer}, "
                "another address of the same name, does"
            )
    for other in evidence.other_addresses:
        ending, handshake = other.seen.ending, other.seen.handshake
        if ending.kind == "probe_fault" or ending.detail in _NO_ROUTE:
            continue
        found = _describe_way(ending, handshake)
        if found != way:
            if ending.kind == "unverified" and _get_leaf(handshake):
                found += f" ({_describe_leaf(handshake)})"
            yield (
                f"{other.address} {found or 'lets the handshake pass'}, and {peer}, another address "
                f"of the same name, {way or 'does not'}"
            )
        elif (theirs := _get_leaf(handshake)) != (ours := _get_leaf(own)) and theirs and ours:
            yield (
                f"{other.address} serves another certificate ({_describe_leaf(handshake)}) than "
                f"{peer} ({_describe_leaf(own)}), another address of the same name"
            )


def _describe_way(ending: Ending, handshake: Handshake | None) -> str:
    """Return in words how an address does not let the exporter through; empty where it does."""
    kind = ending.kind
    if ending.stage == "connect":
        if kind == "timeout":
            return "does not answer"
        detail = f" ({ending.detail})" if ending.detail else ""
        return f"{_WAYS.get(kind, 'does not take connections')}{detail}"
    if kind in _WAYS and ending.stage in {"handshake", "accept"}:
        return _WAYS[kind]
    if ending.stage == "export":
        return _WAYS["garbage"] if kind == "garbage" else ""
    number = get_fatal_alert(handshake) if handshake is not None else None
    if kind == "alert" and number is not None:
        return f"ends the handshake with the alert {name_alert(number)}"
    if kind in _ENDS:
        return f"{_ENDS[kind]} in the handshake"
    # Silence after a finished handshake says nothing: a bare opening need not be answered.
    if kind == "timeout" and ending.stage == "handshake":
        return "does not finish the handshake"
    return ""


def _get_leaf(handshake: Handshake | None) -> str:
    return handshake.server_chain[0].sha256 if handshake and handshake.server_chain else ""


def _describe_leaf(handshake: Handshake | None) -> str:
    assert handshake is not None
    leaf = handshake.server_chain[0]
    return f"{leaf.subject.text}, until {rfc3339(leaf.not_after)}, SHA-256 {leaf.sha256[:16]}…"


def _is_same_host(one: str, other: str) -> bool:
    """Whether they are the loopback addresses of both families: a server may listen on one alone."""
    here, there = ip_address(one), ip_address(other)
    return here.version != there.version and here.is_loopback and there.is_loopback


def _order(text: str) -> tuple[int, int]:
    address = ip_address(text)
    return address.version, int(address)
