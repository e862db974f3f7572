"""What a changed web file would take away of who is let in: pure.

An emptied file is as often an accident (a volume that is not there yet, an editor that truncates, a
template without its values) as a decision. Nobody would see that passwords are gone; so a running
service keeps them, says so, and a restart is the decision.
"""

from collections.abc import Iterator
from typing import Final

from probe.web.server.web_file import ServerSettings

_STRICTNESS: Final = {"none": 0, "if_given": 1, "required": 2}


def weakenings(old: ServerSettings, new: ServerSettings) -> Iterator[str]:
    """Yield the keys that guard in `old` and no longer, or less, in `new`, as clauses."""
    if old.users and not new.users:
        yield "basic_auth_users would be gone, and with them every password"
    if old.tls is None:
        return
    if new.tls is None:
        yield "tls_server_config would be gone, and with it TLS"
        return
    if _STRICTNESS[new.tls.client_auth] < _STRICTNESS[old.tls.client_auth]:
        yield "tls_server_config.client_auth_type would let clients in without a certificate"
    if old.tls.client_allowed_sans is not None and new.tls.client_allowed_sans is None:
        yield "tls_server_config.client_allowed_sans would be gone: any verified client gets in"
