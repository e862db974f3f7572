"""One log line for each change of a target's outcome or cause; laws 10 and 11 hold in every field.

JSON on stderr for machines, a readable form on a terminal. Repetitions of the same outcome are
silent: the metrics count them.
"""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict

from probe.evidence import Evidence
from probe.ledger import TargetState
from probe.safe_text import safe_text

_LINE = 1024


def configure_logging(*, human: bool) -> None:
    """Set structlog up for this process: JSON lines, or where `human` a readable form."""
    # hpack shows header blocks, and with them header values, at DEBUG.
    logging.getLogger("hpack").setLevel(logging.WARNING)
    renderer: Any = (
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
        if human
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _safe_exception,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def _safe_exception(_logger: Any, _method: str, event: EventDict) -> EventDict:
    # An exception's text may repeat what a peer sent or a file holds.
    if (text := event.get("exception")) is not None:
        event["exception"] = "\n".join(safe_text(line, _LINE) for line in text.split("\n"))
    return event


class ChangeLog:
    """Listens to the ledger and writes when what is known of a target changes."""

    def __init__(self) -> None:
        """Start with nothing said yet."""
        self._log = structlog.get_logger("mtls_probe")
        self._said: dict[str, tuple[str, str | None]] = {}

    def recorded(self, state: TargetState) -> None:
        """Write a line if the outcome or the cause is another than last time."""
        diagnosis, evidence = state.diagnosis, state.evidence
        assert diagnosis is not None
        assert evidence is not None
        now = (diagnosis.outcome, diagnosis.cause)
        name = state.target.name
        if self._said.get(name) == now:
            return
        self._said[name] = now
        write = self._log.info if state.expected else self._log.warning
        write(
            "outcome_changed",
            target=safe_text(name),
            outcome=diagnosis.outcome,
            stage=diagnosis.stage,
            certain=diagnosis.certain,
            facts=list(diagnosis.facts),
            **_semantic(evidence, diagnosis.cause),
        )


def _semantic(evidence: Evidence, cause: str | None) -> dict[str, Any]:
    """Return the fields that OTel's semantic conventions name."""
    fields: dict[str, Any] = {
        "server.address": safe_text(evidence.target.host),
        "server.port": evidence.target.port,
    }
    if cause is not None:
        fields["error.type"] = cause
    if evidence.handshake is not None and evidence.handshake.version:
        fields["tls.protocol.version"] = evidence.handshake.version
    return fields
