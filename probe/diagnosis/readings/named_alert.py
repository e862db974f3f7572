"""An alert that names its cause by itself, with no client certificate in play."""

from probe.diagnosis.cause import Match, Strength
from probe.diagnosis.readings.observed import alert_text, fatal_alert, refusal
from probe.model.evidence import Evidence


def received(evidence: Evidence, number: int) -> Match | None:
    """Match the alert `number` where it ended the attempt and refused no certificate."""
    handshake = evidence.handshake
    if handshake is None or evidence.ending.kind != "alert" or refusal(evidence) is not None:
        return None
    if fatal_alert(handshake) != number:
        return None
    return Match(Strength.NAMED, (f"the backend sent alert {alert_text(handshake, number)}",))
