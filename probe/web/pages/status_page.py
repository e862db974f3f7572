"""The status page: every target, the most urgent first, and how many targets are in which state."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from types import MappingProxyType
from typing import Final

from probe.diagnosis.cause import PARTIES, Cause
from probe.ledger.ledger import Ledger
from probe.ledger.replicas import list_causes
from probe.ledger.target_runtime import TargetRuntime
from probe.model.finding import Finding
from probe.model.target import SourcesSummary, list_down_sources
from probe.text.safe_text import safe_text
from probe.text.time_format import rfc3339
from probe.web.pages.rendering import list_frame_values, load_template
from probe.web.pages.target_filter import OUTCOMES, TargetFilter
from probe.web.pages.target_row import build_row, find_party, rank_urgency

PER_PAGE: Final = 250
"""Targets that one page lists; the next ones are a link away."""
BATCH: Final = 100
"""Targets that are counted in one go."""
LINES: Final = 20
LONGEST_LINE: Final = 1024
"""Lines, and characters of each, of what is wrong with a reload or a source."""
REFRESH: Final = 30
"""Seconds, where a reader asks for a page that reloads itself."""

FILES_SHOWN: Final = 20

_NO_QUERY: Final[Mapping[str, str]] = MappingProxyType({})
_NO_SOURCES: Final = SourcesSummary()


@dataclass(frozen=True, slots=True)
class FaultyFile:
    """A credential file that cannot be used, and how many targets it concerns."""

    fact: str
    cause: str
    replaced: bool
    """Whether what was read from it before stays in use."""
    targets: int


@dataclass(slots=True)
class TargetSummary:
    """Counts over all targets, whatever the page shows of them."""

    total: int = 0
    unexpected: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    parties: Counter[str] = field(default_factory=Counter)
    _faults: Counter[tuple[str, str, bool]] = field(default_factory=Counter)

    def add(self, state: TargetRuntime) -> None:
        """Count one target."""
        self.total += 1
        diagnosis = state.diagnosis
        if diagnosis is None:
            self.outcomes["pending"] += 1
            return
        self.outcomes[diagnosis.outcome] += 1
        self.unexpected += not state.expected
        self.causes.update(list_causes(state))
        if party := find_party(state):
            self.parties[party] += 1
        if state.evidence is not None:
            credentials = state.evidence.credentials
            self._add_faults(credentials.faults, replaced=False)
            self._add_faults(credentials.unusable, replaced=True)

    @property
    def faulty_files(self) -> tuple[FaultyFile, ...]:
        """The files that concern most targets, and of the rest only how many there are."""
        return tuple(
            FaultyFile(*fault, targets) for fault, targets in self._faults.most_common(FILES_SHOWN)
        )

    @property
    def faulty_files_left_off(self) -> int:
        """How many more there are."""
        return max(len(self._faults) - FILES_SHOWN, 0)

    def _add_faults(self, faults: tuple[Finding, ...], *, replaced: bool) -> None:
        for one in faults:
            if one.role == "setting":
                continue  # not a file of credentials; the target itself shows it
            self._faults[one.fact, one.cause, replaced] += 1


def render_status_page(
    ledger: Ledger,
    catalogue: Mapping[str, Cause],
    now: float,
    query: Mapping[str, str] = _NO_QUERY,
    *,
    reload_failure: str | None = None,
    warnings: Sequence[str] = (),
    sources: SourcesSummary = _NO_SOURCES,
) -> Iterator[bytes]:
    """Yield the page part by part, as of `now` (epoch seconds); an empty part is only a pause.

    Args:
        ledger: what is shown.
        catalogue: where a cause's title and who must act stand.
        now: for ages and days left.
        query: of the page's address: search, filters and place (`TargetFilter`).
        reload_failure: why the last reload left the old configuration in force.
        warnings: those of the configuration in force; the first are shown.
        sources: how each source of targets is, and why there is nothing to probe.
    """
    wanted, summary = TargetFilter.from_query(query), TargetSummary()
    ranked: list[tuple[tuple[int, int, float, str], TargetRuntime]] = []
    for count, state in enumerate(list(ledger), 1):
        summary.add(state)
        if wanted.matches(state):
            ranked.append((rank_urgency(state, catalogue), state))
        if not count % BATCH:
            yield b""
    ranked.sort(key=itemgetter(0))
    found = len(ranked)
    pages = max(-(-found // PER_PAGE), 1)
    at = min(wanted.page, pages)
    shown = [state for _, state in ranked[(at - 1) * PER_PAGE : at * PER_PAGE]]
    # A slow reader keeps what is left of this for a while.
    del ranked
    stream = load_template("status.html").stream(
        list_frame_values(),
        rows=(build_row(state, catalogue, now) for state in shown),
        summary=summary,
        wanted=wanted,
        found=found,
        first=(at - 1) * PER_PAGE + 1,
        page=at,
        pages=pages,
        refresh=REFRESH,
        outcomes=OUTCOMES,
        parties=PARTIES,
        known=catalogue,
        reload_failure=_lines(reload_failure),
        warnings=[safe_text(line) for line in warnings[:20]],
        down=[
            (safe_text(one.source), one.targets, _lines(one.error))
            for one in list_down_sources(sources.states)
        ],
        nothing=_lines(sources.nothing_to_probe),
        now=rfc3339(now),
    )
    stream.enable_buffering(50)
    yield from (part.encode() for part in stream)


def _lines(text: str | None) -> list[str]:
    return [safe_text(line, LONGEST_LINE) for line in (text or "").splitlines()[:LINES]]
