"""One thing that is true of settings, files or an attempt: its cause, its fact and its fix.

Configuration, credential files, `inspect` and the diagnosis all make the same value; where it is
listed says what it means: a fault stops the exporter, a remark or a finding does not.
"""

from typing import Final, Literal

from probe.model.record import Record

Role = Literal["cert", "key", "ca"]
"""What a credential file is configured as."""

ServerRole = Literal["server_cert", "server_key", "client_ca", "receiver"]
"""What a file of a backend is configured as; `receiver`: the configuration that names them."""

BYTE_ORDER_MARK: Final = "byte_order_mark"
"""The kind of the finding that a file begins with a UTF-8 byte order mark."""


class Finding(Record, frozen=True, kw_only=True):
    """What is true, by which cause it is known, and what to do about it."""

    cause: str
    """An id of the catalogue."""
    role: Role | ServerRole | Literal["setting", ""] = ""
    """The file's, or that it is about a setting; empty for what an attempt showed."""
    path: str = ""
    """The file, or the source that has the setting."""
    fact: str
    fix: tuple[str, ...] = ()
    kind: str = ""
    """Which of a cause's facts it is, where another stage asks; evidence leaves it out otherwise."""
