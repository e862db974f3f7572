"""What the readings of other clocks say of ours: pure functions of one `Evidence`.

Three kinds of clock: the backend's own (the Date of its answer), a reference (SNTP, taken for
right), and a further machine's (a configured URL). A reference judges our clock alone; the others
outvote it only where more of them disagree with it than agree.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

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
        f"{escape_braces(how_far)}. Start or repair NTP there; chronyc tracking or timedatectl show says "
        "how it is.",
        "Then attempts on {endpoint}, and those exporters, recover by themselves.",
    )


def set_backend_clock(how_far: str = "compare date -u there with a good clock") -> tuple[str, ...]:
    """Return the steps on the backend's machine; `how_far` its clock is off, as a clause."""
    return (
        f"Set the clock of the backend's machine, {{host}}: {escape_braces(how_far)}. Start or repair NTP "
        "there (chronyc tracking or timedatectl show says how it is); a paused or restored virtual "
        "machine often is wrong.",
    )


Culprit = Literal["probe", "backend", "both", "unknown"]
_PARTIES: Final[dict[str, Party]] = {
    "probe": "probe",
    "backend": "backend",
    "both": "both",
    "unknown": "either",
}


@dataclass(frozen=True, slots=True)
class ClockVerdict:
    """Which clock is wrong as far as the readings tell, and the facts that say so."""

    culprit: Culprit
    facts: tuple[str, ...]
    ours: str = ""
    """How far our clock is off, as a clause; for a culprit that is not us, empty."""
    theirs: str = ""
    """The same of the backend's."""

    @property
    def fix(self) -> tuple[str, ...]:
        """The steps on the machine that is wrong; empty where that is open."""
        on_the_probe, on_the_backend = set_probe_clock(self.ours), set_backend_clock(self.theirs)
        return {
            "probe": on_the_probe,
            "backend": on_the_backend,
            "both": on_the_probe + on_the_backend,
            "unknown": (),
        }[self.culprit]

    @property
    def party(self) -> Party:
        """Who must act: whoever runs the machine that is wrong."""
        return _PARTIES[self.culprit]


def get_credible_readings(evidence: Evidence) -> tuple[ClockReading, ...]:
    """Return the readings that are sure enough to decide something."""
    most = max(_CREDIBLE, evidence.target.clock_tolerance)
    return tuple(reading for reading in evidence.clock if reading.uncertainty <= most)


def is_out_of_tolerance(
    evidence: Evidence, reading: ClockReading, *, compared_to: float = 0.0
) -> bool:
    """Whether a clock is out of tolerance with ours, or with one that is `compared_to` seconds from ours."""
    beyond = evidence.target.clock_tolerance + reading.uncertainty
    return abs(reading.offset - compared_to) > beyond


def find_clock_of_validity(
    evidence: Evidence, valid_at: Callable[[float], bool]
) -> ClockReading | None:
    """Return the clock by which something is valid that is not by ours; None where none counts."""
    known = get_credible_readings(evidence)
    judges = [r for r in known if is_reference(r)] or list(known)
    agreeing = [r for r in judges if valid_at(evidence.at + r.offset)]
    return agreeing[0] if len(agreeing) > len(judges) - len(agreeing) else None


def find_clock_outside_validity(
    evidence: Evidence,
) -> tuple[CertificateFacts, ClockReading] | None:
    """Return a certificate that we send and the clock by which it is outside its validity.

    The backend's own clock counts alone where it is known, else the others stand for it. None
    where the certificate is outside by ours too.
    """
    known = get_credible_readings(evidence)
    backends = [r for r in known if r.source == BACKEND]
    for reading in backends or known:
        there = evidence.at + reading.offset
        for certificate in evidence.credentials.client_chain:
            if is_valid(certificate, evidence.at) and not is_valid(certificate, there):
                return certificate, reading
    return None


def is_valid_by_another_clock(evidence: Evidence) -> bool:
    """Whether what we send is outside its validity by our own clock alone."""
    chain = evidence.credentials.client_chain

    def valid_at(there: float) -> bool:
        return find_invalid(chain, there) is None

    return not valid_at(evidence.at) and find_clock_of_validity(evidence, valid_at) is not None


def does_backend_clock_agree(evidence: Evidence) -> bool:
    """Whether the backend's own Date rules out that its clock is why it refuses.

    It is compared with the time that is taken for right: a reference's where one was read.
    """
    known = [reading for reading in get_credible_readings(evidence) if reading.source == BACKEND]
    reference = _surest([r for r in get_credible_readings(evidence) if is_reference(r)])
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
    reference = _surest([r for r in known if is_reference(r)])
    backend = _surest([r for r in known if r.source == BACKEND])
    other = _surest([r for r in known if r.source != BACKEND and not is_reference(r)])
    if reference is not None:
        ours = is_out_of_tolerance(evidence, reading=reference)
        theirs = backend is not None and is_out_of_tolerance(
            evidence, backend, compared_to=reference.offset
        )
        return _by_reference(reference, backend if theirs else None, facts, ours=ours)
    if backend is None or other is None or not is_out_of_tolerance(evidence, backend):
        return ClockVerdict("unknown", facts)
    if not is_out_of_tolerance(evidence, other):
        agrees = (
            f"{other.source} agrees with the probe: the backend's clock is likely the wrong one"
        )
        return ClockVerdict(
            "backend", (*facts, agrees), theirs=_describe_offset(-backend.offset, "the probe's")
        )
    if not is_out_of_tolerance(evidence, other, compared_to=backend.offset):
        agrees = (
            f"{other.source} agrees with the backend: the probe's clock is likely the wrong one"
        )
        return ClockVerdict(
            "probe", (*facts, agrees), ours=_describe_offset(backend.offset, other.source)
        )
    return ClockVerdict("unknown", facts)


def _by_reference(
    reference: ClockReading, wrong: ClockReading | None, facts: tuple[str, ...], *, ours: bool
) -> ClockVerdict:
    """Judge both clocks by a reference; `wrong` is the backend's where it is out of tolerance."""
    off = _describe_offset(reference.offset, reference.source)
    theirs = (
        _describe_offset(reference.offset - wrong.offset, reference.source)
        if wrong is not None
        else ""
    )
    if ours and wrong is not None:
        both = (*facts, f"by {reference.source} both clocks are wrong")
        return ClockVerdict("both", both, ours=off, theirs=theirs)
    if ours:
        return ClockVerdict("probe", facts, ours=off)
    right = f"by {reference.source} the probe's clock is right"
    if wrong is not None:
        said = (*facts, f"{right}, and the backend's is wrong")
        return ClockVerdict("backend", said, theirs=theirs)
    return ClockVerdict("unknown", facts)


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


def is_reference(reading: ClockReading) -> bool:
    """Whether a reading comes from a clock that is taken for right."""
    return reading.source.partition(":")[0] == _REFERENCE


def _surest(found: list[ClockReading]) -> ClockReading | None:
    return min(found, key=lambda reading: reading.uncertainty, default=None)
