"""What differs between two attempts against one target: plain data, words are made at the end."""

from typing import Final, Literal, get_args

from probe.model.record import Record

What = Literal[
    "addresses",
    "proxy",
    "server_chain",
    "acceptable_cas",
    "client_certificate_requested",
    "tls_version",
    "cipher",
    "group",
    "alpn",
    "server_software",
    "client_certificate",
    "ca_file",
    "configuration",
    "exporter_start",
    "clock_offset",
]
"""What is compared, in the order in which it is listed."""
WHATS: Final[tuple[What, ...]] = get_args(What)
OF_THE_BACKEND: Final[frozenset[What]] = frozenset(
    {
        "addresses",
        "server_chain",
        "acceptable_cas",
        "client_certificate_requested",
        "tls_version",
        "cipher",
        "group",
        "alpn",
        "server_software",
    }
)
"""What the backend decides. Replicas behind one address may differ in it."""

Part = Literal["end_entity", "issuer", "key", "intermediates"]
"""What of a chain is another: its first certificate, who issued that, its key, what follows it."""


class Change(Record, frozen=True):
    """One thing that was one way in attempts that went well, and is another way now."""

    what: What
    before: tuple[str, ...]
    """As it was: one text, or one for each address, authority or certificate."""
    after: tuple[str, ...]
    at: float
    """When it was first seen as it is now, in seconds since 1970."""
    last_before: float
    """When it was last seen as it was before; between the two it changed."""
    parts: tuple[Part, ...] = ()
    """Of a chain: what of it is another."""

    @property
    def removed(self) -> tuple[str, ...]:
        """What is not there any more."""
        return tuple(each for each in self.before if each not in self.after)

    @property
    def added(self) -> tuple[str, ...]:
        """What was not there before."""
        return tuple(each for each in self.after if each not in self.before)
