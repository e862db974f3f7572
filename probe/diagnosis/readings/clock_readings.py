"""What the readings of other clocks say of ours: pure functions of one `Evidence`.

Three kinds of clock: the backend's own (the Date of its answer), a reference (SNTP, taken for
right), and a further machine's (a configured URL). A reference judges our clock alone; the others
outvote it only where more of them disagree with it than agree.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from probe.diagnosis.fixes.steps import escape_braces
from probe.model.certificate import CertificateFacts
from probe.model.diagnosis import Party
from probe.model.evidence import ClockReading, Evidence
from probe.text.time_format import format_duration
from probe.x509.validity import find_invalid, is_valid

BACKEND: Final = "http_date"
"""The source of a reading that comes from the backend's own answer."""

_REFERENCE: Final = "sntp"
_CREDIBLE: Final = 60.0
"""Seconds of uncertainty from which a reading decides nothing, unless the tolerance is wider."""

ANOTHER_CLOCK: Final = (
    "another clock: an HTTP or SNTP source in clock.sources, or date -u here and on the backend"
)
"""What decides where no other clock was read."""


def set_probe_clock(how_far: str) -> tuple[str, ...]:
    """Return the steps on the probe's machine; `how_far` its clock is off, as a clause."""
    return (
        f"Set the clock of the machine that the probe runs on, and the exporters next to it: "
        f"{escape_braces(how_far)}. Start or repair NTP there; chronyc tracking or timedatectl show "
        "says how it is.",
        "Then attempts on {endpoint}, and those exporters, recover by themselves.",
    )


def set_backend_clock(how_far: str = "compare date -u there with a good clock") -> tuple[str, ...]:
    """Return the steps on the backend's machine; `how_far` its clock is off, as a clause."""
    return (
        f"Set the clock of the backend's machine, {{host}}: {escape_braces(how_far)}. Start or repair "
        "NTP there (chronyc tracking or timedatectl show says how it is); a paused or restored "
        "virtual machine often is wrong.",
    )


@dataclass(frozen=True, slots=True)
class ClockVerdict:
    """Which clock is wrong as far as the readings tell, and the facts that say so."""

    facts: tuple[str, ...]
    ours: str = ""
    """How far our clock is off, as a clause; empty where it is not shown to be wrong."""
    theirs: str = ""
    """The same of the backend's."""

    @property
    def fix(self) -> tuple[str, ...]:
        """The steps on the machine that is wrong; empty where that is open."""
        steps: tuple[str, ...] = ()
        if self.ours:
            steps += set_probe_clock(self.ours)
        if self.theirs:
            steps += set_backend_clock(self.theirs)
        return steps

    @property
    def party(self) -> Party:
        """Who must act: the side of the machine whose clock is wrong; "either" where that is open."""
        if self.ours:
            return "both" if self.theirs else "probe"
        return "backend" if self.theirs else "either"


def get_credible_readings(evidence: Evidence) -> tuple[ClockReading, ...]:
    """Return the readings that are sure enough to decide something."""
    most = max(_CREDIBLE, evidence.target.clock_tolerance)
    return tuple(reading for reading in evidence.clock if reading.uncertainty <= most)


def is_reference(reading: ClockReading) -> bool:
    """Whether a reading comes from a clock that is assumed to be right."""
    return reading.source.partition(":")[0] == _REFERENCE


def is_out_of_tolerance(
    evidence: Evidence, reading: ClockReading, *, compared_to: float = 0.0
) -> bool:
    """Whether a clock differs too much from one that is `compared_to` seconds ahead of ours."""
    beyond = evidence.target.clock_tolerance + reading.uncertainty
    return abs(reading.offset - compared_to) > beyond


def find_clock_of_validity(
    evidence: Evidence, is_valid_at: Callable[[float], bool]
) -> ClockReading | None:
    """Return the clock by which something is valid that is not by ours; None where none counts."""
    known = get_credible_readings(evidence)
    judges = [r for r in known if is_reference(r)] or list(known)
    agreeing = [r for r in judges if is_valid_at(evidence.at + r.offset)]
    return agreeing[0] if len(agreeing) > len(judges) - len(agreeing) else None


def find_clock_outside_validity(evidence: Evidence) -> tuple[CertificateFacts, ClockReading] | None:
    """Return a certificate that we send and the clock by which it is outside its validity.

    Only the backend's own clock counts where it is known, else the others replace it. None
    where the certificate is outside by ours too.
    """
    known = get_credible_readings(evidence)
    chain = evidence.credentials.client_chain
    valid_here = [each for each in chain if is_valid(each, evidence.at)]
    for reading in [r for r in known if r.source == BACKEND] or known:
        for certificate in valid_here:
            if not is_valid(certificate, evidence.at + reading.offset):
                return certificate, reading
    return None


def is_valid_by_another_clock(evidence: Evidence) -> bool:
    """Whether what we send is outside its validity by our own clock alone."""

    def is_valid_at(there: float) -> bool:
        return find_invalid(evidence.credentials.client_chain, there) is None

    valid = is_valid_at(evidence.at)
    return not valid and find_clock_of_validity(evidence, is_valid_at) is not None


def does_backend_clock_agree(evidence: Evidence) -> bool:
    """Whether the backend's own Date rules out that its clock is why it refuses.

    It is compared with the time that is assumed to be right: a reference's where one was read.
    """
    readings = get_credible_readings(evidence)
    known = [reading for reading in readings if reading.source == BACKEND]
    reference = _find_surest(r for r in readings if is_reference(r))
    right = reference.offset if reference is not None else 0.0
    return bool(known) and not any(
        is_out_of_tolerance(evidence, one, compared_to=right) for one in known
    )


def is_outside_by_backend_clock(evidence: Evidence) -> bool:
    """Whether the backend's own Date puts what we send outside its validity."""
    return any(
        reading.source == BACKEND
        and find_invalid(evidence.credentials.client_chain, evidence.at + reading.offset)
        for reading in get_credible_readings(evidence)
    )


def judge_clocks(evidence: Evidence) -> ClockVerdict:
    """Say what was measured and, where two clocks allow it, which machine is wrong."""
    known = get_credible_readings(evidence)
    facts = tuple(_describe_reading(reading) for reading in known)
    reference = _find_surest(r for r in known if is_reference(r))
    backend = _find_surest(r for r in known if r.source == BACKEND)
    other = _find_surest(r for r in known if r.source != BACKEND and not is_reference(r))
    if reference is not None:
        return _judge_by_reference(evidence, reference, backend, facts)
    if backend is None or other is None or not is_out_of_tolerance(evidence, backend):
        return ClockVerdict(facts)
    if not is_out_of_tolerance(evidence, other):
        fact = f"{other.source} agrees with the probe: the backend's clock is likely the wrong one"
        off = _describe_offset(-backend.offset, "the probe's")
        return ClockVerdict((*facts, fact), theirs=off)
    if not is_out_of_tolerance(evidence, other, compared_to=backend.offset):
        fact = f"{other.source} agrees with the backend: the probe's clock is likely the wrong one"
        off = _describe_offset(backend.offset, other.source)
        return ClockVerdict((*facts, fact), ours=off)
    return ClockVerdict(facts)


def _judge_by_reference(
    evidence: Evidence,
    reference: ClockReading,
    backend: ClockReading | None,
    facts: tuple[str, ...],
) -> ClockVerdict:
    by, right = reference.source, reference.offset
    ours, theirs = "", ""
    if is_out_of_tolerance(evidence, reference):
        ours = _describe_offset(right, by)
    if backend is not None and is_out_of_tolerance(evidence, backend, compared_to=right):
        theirs = _describe_offset(right - backend.offset, by)
    if ours and theirs:
        facts += (f"by {by} both clocks are wrong",)
    elif theirs:
        facts += (f"by {by} the probe's clock is right, and the backend's is wrong",)
    return ClockVerdict(facts, ours, theirs)


def _describe_offset(difference: float, by: str) -> str:
    """Say how far a clock is off: `difference` is what must be added to it, in seconds."""
    return f"by {by} it is {format_duration(difference)} {'behind' if difference > 0 else 'ahead'}"


def _describe_reading(reading: ClockReading) -> str:
    """State the direction and size of what was measured."""
    size = format_duration(reading.offset)
    exact = f"({reading.offset:+.0f} s, give or take {max(reading.uncertainty, 1):.0f})"
    if is_reference(reading):
        direction = "behind" if reading.offset > 0 else "ahead"
        return f"measured: by {reading.source} the probe's own clock is {size} {direction} {exact}"
    whose = "the backend's clock (Date of its answer)"
    if reading.source != BACKEND:
        whose = f"the clock of {reading.source}"
    direction = "ahead of" if reading.offset > 0 else "behind"
    return f"measured: {whose} is {size} {direction} the probe's {exact}"


def _find_surest(readings: Iterable[ClockReading]) -> ClockReading | None:
    return min(readings, key=lambda reading: reading.uncertainty, default=None)
