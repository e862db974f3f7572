"""What each runtime prints for each cause: for its alerts, and in the runtime's own words.

Derived where it can be: alerts by number (each fault's alerts by TLS stack of the backend), words
of local checks from one table per kind of fault. A text is a line of a log, without ports and
paths; a runtime for which nothing is known is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Final

from probe.messages.printed_alerts import get_alert_text
from probe.messages.printed_answers import ANSWER_TEXTS, FORBIDDEN_BY_PROXY, REFUSED_BY_HTTP
from probe.messages.printed_files import FILE_TEXTS
from probe.messages.printed_network import (
    CLOSED_AFTER_THE_HANDSHAKE,
    LOST_IN_THE_RACE,
    NETWORK_TEXTS,
)
from probe.messages.printed_server import SERVER_TEXTS
from probe.model.runtime import GO, JAVA, RUNTIMES, Runtime, RuntimeText, TextsByCause


@dataclass(frozen=True, slots=True)
class PrintedText:
    """One text that a runtime's users read: `runtime_id` is a `Runtime.id`."""

    runtime_id: str
    text: str


_ALERTS_OF_SOME: Final[dict[tuple[str, Runtime], tuple[int, ...]]] = {
    # They send no certificate that does not fit the acceptable-CA list (exporters/withholding.py).
    **{("client_ca_untrusted", each): (116, 40, 48) for each in (*GO, *JAVA)},
    **{("client_chain_incomplete", each): (116, 40, 48) for each in (*GO, *JAVA)},
    # JSSE does not compare key and certificate: the backend detects it.
    **{("client_cert_key_mismatch", each): (51,) for each in JAVA},
}

_TABLES: Final[tuple[TextsByCause, ...]] = (FILE_TEXTS, SERVER_TEXTS, NETWORK_TEXTS, ANSWER_TEXTS)
_FURTHER: Final[dict[str, tuple[RuntimeText, ...]]] = {
    "client_ca_untrusted": LOST_IN_THE_RACE,
    "client_cert_not_sent": REFUSED_BY_HTTP,
    "client_cert_rejected": CLOSED_AFTER_THE_HANDSHAKE,
    "client_san_rejected": FORBIDDEN_BY_PROXY,
}


@cache
def list_printed_texts(cause_id: str, alerts: tuple[int, ...] = ()) -> tuple[PrintedText, ...]:
    """Return what exporters print for this cause, by runtime; empty where nothing is known.

    Args:
        cause_id: the cause's id.
        alerts: what backends send for it (`Cause.alerts`).
    """
    return tuple(
        PrintedText(runtime.id, text)
        for runtime in RUNTIMES
        for text in dict.fromkeys(_list_texts(cause_id, alerts, runtime))
    )


def _list_texts(cause_id: str, alerts: tuple[int, ...], runtime: Runtime) -> Iterator[str]:
    for number in _ALERTS_OF_SOME.get((cause_id, runtime), alerts):
        if text := get_alert_text(runtime, number):
            yield text
    tables = chain.from_iterable(table.get(cause_id, ()) for table in _TABLES)
    for runtimes, text in chain(tables, _FURTHER.get(cause_id, ())):
        if runtime in runtimes:
            yield text


def get_silent_text(runtime: Runtime) -> str:
    """Return what `runtime` prints where a backend refuses by closing, without an alert."""
    return _get_text(CLOSED_AFTER_THE_HANDSHAKE, runtime)


def get_http_refusal_text(runtime: Runtime) -> str:
    """Return what `runtime` prints where a backend refuses by HTTP 400, as nginx does."""
    return _get_text(REFUSED_BY_HTTP, runtime)


def _get_text(words: tuple[RuntimeText, ...], runtime: Runtime) -> str:
    return next((text for who, text in words if runtime in who), "")
