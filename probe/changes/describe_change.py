"""What differs from earlier attempts, in sentences."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from probe.model.change import Change, Part, What
from probe.model.evidence import Evidence
from probe.text.time_format import format_duration, format_time

_MOST: Final = 4
"""How many names a sentence lists."""
_SUBJECTS: Final[Mapping[What, str]] = {
    "addresses": "the addresses of the backend's name",
    "proxy": "the proxy",
    "client_certificate_requested": "whether the backend asks for a client certificate",
    "tls_version": "the TLS version",
    "cipher": "the cipher suite",
    "group": "the key exchange group",
    "alpn": "the application protocol (ALPN)",
    "server_software": "the software that answers",
    "client_certificate": "the exporter's certificate",
    "clock_offset": "the offset of the clock",
}
_PARTS: Final[Mapping[Part, str]] = {
    "end_entity": "certificate",
    "issuer": "issuer",
    "key": "key",
    "intermediates": "intermediates",
}


def describe_changes(evidence: Evidence) -> Iterator[str]:
    """Yield a sentence for each change before the attempt: what, when, and how long before it."""
    for change in evidence.changed:
        yield f"{describe_change(change)}, {describe_moment(change, evidence.at)}"


def describe_change(change: Change) -> str:
    """Return what changed, without when."""
    describe = _DESCRIBE.get(change.what)
    if describe is not None:
        return describe(change)
    before, after = _list_names(change.before), _list_names(change.after)
    return f"{_SUBJECTS[change.what]}: was {before}, is {after}"


def describe_moment(change: Change, now: float) -> str:
    """Return when the change was seen, before what happened at `now`."""
    earlier = now - change.at
    seen = f"seen at {format_time(change.at)}"
    if earlier >= 1.0:
        seen += f", {format_duration(earlier)} before this attempt"
    if 0 < change.last_before < change.at:
        seen += f"; {format_duration(change.at - change.last_before)} earlier it was as before"
    return seen


def _describe_authorities(change: Change) -> str:
    return _describe_list(
        change, "the backend's list of accepted CAs", "has the same names, encoded in another way"
    )


def _describe_ca_file(change: Change) -> str:
    return _describe_list(change, "the exporter's ca_file", "holds the same in another order")


def _describe_list(change: Change, subject: str, same: str) -> str:
    """Say what a list lost and gained; `same` is said where the texts of both are equal."""
    if not change.after:
        return f"{subject} is empty: it was {_list_names(change.before)}"
    if not change.before:
        return f"{subject} was empty and is {_list_names(change.after)}"
    said = [
        f"{verb} {_list_names(names)}"
        for verb, names in (("lost", change.removed), ("gained", change.added))
        if names
    ]
    return f"{subject} {' and '.join(said) or same}"


def _describe_chain(change: Change) -> str:
    parts = " and ".join(_PARTS[part] for part in change.parts) or "order"
    before, after = _list_names(change.before), _list_names(change.after)
    return f"the backend's chain has another {parts}: was {before}; is {after}"


def _describe_configuration(change: Change) -> str:
    return (
        f"the configuration of the target was loaded anew with another {_list_names(change.after)}"
    )


def _describe_start(change: Change) -> str:
    return f"the exporter was restarted at {_list_names(change.after)}"


_DESCRIBE: Final[Mapping[What, Callable[[Change], str]]] = {
    "acceptable_cas": _describe_authorities,
    "ca_file": _describe_ca_file,
    "server_chain": _describe_chain,
    "configuration": _describe_configuration,
    "exporter_start": _describe_start,
}


def _list_names(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_MOST]) or "none"
    return shown if len(names) <= _MOST else f"{shown} and {len(names) - _MOST} more"
