"""One more handshake, capped at TLS 1.2, where a silent refusal in TLS 1.3 left its reason open.

In TLS 1.2 the backend judges the client certificate within the handshake, so that an alert of it
cannot be overtaken by the close.
"""

import asyncio
from time import monotonic
from typing import Final

from probe.attempt.open_stream import open_stream
from probe.attempt.own_time import OwnTime
from probe.attempt.prepared import Prepared
from probe.attempt.pump import Pump, say_farewell
from probe.attempt.session import OtlpConversation
from probe.credentials.tls_context import Variant
from probe.model.evidence import Ending, Handshake, Recheck
from probe.tls.client import TlsClient

CAPPED: Final = Variant(max_version="1.2")


def is_silent_refusal(ending: Ending, handshake: Handshake | None) -> bool:
    """Return whether a certificate may have been refused in TLS 1.3 without an alert."""
    return (
        ending.kind in {"close", "reset"}
        and ending.stage == "accept"
        and handshake is not None
        and handshake.complete
        and handshake.version == "1.3"
        and handshake.client_certificate_sent
    )


async def shake_hands_again(
    prepared: Prepared, tls: TlsClient, address: str, deadline: float, own: OwnTime, *, at: float
) -> Recheck | None:
    """Make the handshake, or return None where nothing came of it.

    Args:
        prepared: the target.
        tls: a client of the variant `CAPPED`.
        address: of the backend, or of its proxy.
        deadline: monotonic seconds.
        own: measures what this process itself loses of its time, of this handshake alone.
        at: epoch seconds.
    """
    began = monotonic()
    stream = await open_stream(prepared, address, deadline, own)
    if isinstance(stream, Ending):
        return None
    conversation = OtlpConversation(
        tls, prepared.request, purpose="handshake", grpc=False, quiet=0.0
    )
    with stream.sock:
        await Pump(asyncio.get_running_loop(), stream.sock, conversation).run(
            deadline, stream.leftover
        )
        say_farewell(stream.sock, conversation)
    assert conversation.ending is not None
    assert conversation.handshake is not None
    if own.noticeable and conversation.ending.kind != "alert":
        return None  # this process was held up: how it ended shows nothing
    return Recheck(
        handshake=conversation.handshake,
        ending=conversation.ending,
        at=at,
        duration=monotonic() - began,
    )
