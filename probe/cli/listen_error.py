"""Why an address cannot be listened on, and what to write instead."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from probe.config.configuration import WebSettings
from probe.text.host_port import join_host_port
from probe.text.safe_text import safe_text

_USUAL: Final = 9943
_FIRST_UNPRIVILEGED: Final = 1024
_LAST: Final = 65_535


@contextmanager
def translate_listen_error(web: WebSettings, command: str, setting: str = "") -> Iterator[None]:
    """Turn a failure to listen into a message that says what to change.

    Args:
        web: Where it was to listen.
        command: What to type again, without `--listen`.
        setting: What holds the address, where the command line does not.

    Raises:
        click.ClickException: instead of the OSError.
    """
    try:
        yield
    except (OSError, UnicodeError) as error:
        where = safe_text(join_host_port(web.host, web.port))
        number = error.errno if isinstance(error, OSError) else None
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        means, host, port = _explain(number, web.host, web.port)
        change = f"change {setting}, or write" if setting else "write"
        address = safe_text(join_host_port(host, port))
        raise click.ClickException(
            f"cannot listen on {where}: {reason}. {means} {change}: {command} --listen {address}"
        ) from None


def _explain(number: int | None, host: str, port: int) -> tuple[str, str, int]:
    """Return what the error means, with the beginning of what to do, and another host and port."""
    if number == errno.EADDRINUSE:
        return (
            "Another program listens there, perhaps another mtls-probe: "
            f"ss -ltnp 'sport = :{port}' names it. End it; or",
            host,
            port + 1 if port < _LAST else _USUAL,
        )
    if number == errno.EACCES and port < _FIRST_UNPRIVILEGED:
        return (
            f"Ports below {_FIRST_UNPRIVILEGED} are for root, and for who has CAP_NET_BIND_SERVICE. "
            "To take another one,",
            host,
            _USUAL,
        )
    if host.startswith("127."):
        return (
            "The loopback interface has no IPv4 here, or is down; root brings it up: "
            "ip link set lo up. Do that; or",
            "::1",
            port,
        )
    if ":" in host:
        return (
            "This machine, or this container, does not have this IPv6 address, or no IPv6 at all. "
            "To take IPv4,",
            "0.0.0.0" if host == "::" else "127.0.0.1",  # noqa: S104  (what :: means in IPv4)
            port,
        )
    return (
        "This machine has no such name or address. For all of its addresses (127.0.0.1: for itself "
        "alone)",
        "0.0.0.0",  # noqa: S104  (offered, not listened on)
        port,
    )
