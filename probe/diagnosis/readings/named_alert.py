"""An alert that names its cause by itself, with no client certificate in play."""

from probe.diagnosis.cause import Match, Strength
from probe.diagnosis.readings.observed import find_refusal, format_alert, get_fatal_alert
from probe.model.evidence import Evidence


def match_received_alert(evidence: Evidence, number: int) -> Match | None:
    """Match the alert `number` where it ended the attempt and refused no certificate."""
    handshake = evidence.handshake
    if handshake is None or evidence.ending.kind != "alert" or find_refusal(evidence) is not None:
        return None
    if get_fatal_alert(handshake) != number:
        return None
    return Match(Strength.NAMED, (f"the backend sent alert {format_alert(handshake, number)}",))
