"""The backend's acceptable-CA list set against our chain: in a sentence, and name by name.

Pure. Names are compared as exporters compare them, by their DER (RFC 8446 §4.2.4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from probe.diagnosis.readings.client_certificate import is_issuer_listed
from probe.model.certificate import CredentialFacts, Name
from probe.model.evidence import Evidence

SHOWN: Final = 50
"""Names of a list that are shown one by one."""
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class AcceptableCas:
    """What the list says: `rows` are names with what they are to our chain, empty for nothing."""

    sentence: str
    fits: bool | None
    """Whether the list names an issuer of what we send; None where there is nothing to compare."""
    rows: tuple[tuple[str, str], ...] = ()
    left_off: int = 0


def compare_acceptable_cas(evidence: Evidence) -> AcceptableCas | None:
    """Return what the backend accepts, next to our chain; None where no handshake got so far."""
    handshake = evidence.handshake
    if handshake is None or not handshake.server_chain:
        return None
    listed = handshake.acceptable_cas
    if not handshake.client_certificate_requested:
        return AcceptableCas("The backend did not ask for a client certificate.", None)
    if not listed:
        sentence = (
            "The backend asked for a client certificate and named no CA that it accepts: "
            "which ones it trusts cannot be seen from outside."
        )
        return AcceptableCas(sentence, None)
    fits = is_issuer_listed(evidence)
    ours = _ours(evidence)
    rows = [(name.text, ours.get(name.digest, "")) for name in listed]
    # What is ours must be in sight, however long the list is.
    rows.sort(key=lambda row: not row[1])
    return AcceptableCas(
        f"The backend accepts {_join_names(listed)}; {_our_side(evidence.credentials, listed, fits)}",
        fits,
        tuple(rows[:SHOWN]),
        max(len(rows) - SHOWN, 0),
    )


def _our_side(credentials: CredentialFacts, listed: Sequence[Name], fits: bool | None) -> str:
    if not credentials.client_chain:
        return "no certificate is available to send."
    beyond = [one.certificate for one in credentials.unsent_issuers]
    top = beyond[-1] if beyond else credentials.client_chain[-1]
    chain = f"your certificate chains to {(top.subject if top.self_signed else top.issuer).text}"
    if fits:
        return f"{chain}, and the list names an issuer of what is sent."
    accepted = {name.digest for name in listed}
    if any(one.subject.digest in accepted for one in beyond):
        return f"{chain}, but what is sent does not reach a CA of the list: an issuer is left out."
    return f"{chain}, which the list does not name."


def _ours(evidence: Evidence) -> dict[str, str]:
    """Return what a name is to our chain, by its digest."""
    credentials = evidence.credentials
    ours: dict[str, str] = {}
    for one in credentials.unsent_issuers:
        ours[one.certificate.subject.digest] = f"an issuer that is not sent, in {one.path}"
    for certificate in reversed(credentials.client_chain):
        ours[certificate.issuer.digest] = f"issued {certificate.subject.text or 'ours'}, as sent"
    return ours


def _join_names(names: Sequence[Name]) -> str:
    first = [name.text or "(an empty name)" for name in names[:_NAMED]]
    if len(names) > _NAMED:
        return f"{', '.join(first)} and {len(names) - _NAMED} more"
    return " and ".join(filter(None, (", ".join(first[:-1]), first[-1])))
