"""Which targets the status page is asked for, as its address says: search, filters and page.

A value of the address is compared and shown as `safe_text`, never used otherwise. An unknown value
finds nothing; what is not a number becomes the default.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self
from urllib.parse import urlencode

from probe.ledger.replicas import list_causes, list_results
from probe.ledger.target_runtime import TargetRuntime
from probe.text.safe_text import safe_text
from probe.web.pages.target_row import find_party, label_texts

OUTCOMES: Final[Mapping[str, str]] = {
    "unexpected": "not as expected",
    "failed": "failed",
    "unconfirmed": "unconfirmed",
    "confirmed": "confirmed",
    "pending": "not probed yet",
}
"""The values of `outcome`, in words."""

_LAST_PAGE: Final = 1_000_000
_INTERVALS: Final = range(5, 3601)
"""Seconds between two refreshes of the page."""


@dataclass(frozen=True, slots=True)
class TargetFilter:
    """What to show; an empty field asks for everything."""

    q: str = ""
    """Words that must all be in a target's name, endpoint, labels (`name=value`) or cause."""
    outcome: str = ""
    cause: str = ""
    party: str = ""
    label: str = ""
    """`name=value`."""
    page: int = 1
    refresh: int = 0
    """Seconds after which the page reloads itself; 0: never."""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """Read the query of an address."""
        texts = {
            name: safe_text(query.get(name, "").strip())
            for name in ("q", "outcome", "cause", "party", "label")
        }
        refresh = _number(query.get("refresh", ""))
        return cls(
            **texts,
            page=min(max(_number(query.get("page", "")), 1), _LAST_PAGE),
            refresh=refresh if refresh in _INTERVALS else 0,
        )

    @property
    def narrows(self) -> bool:
        """Whether anything is left out."""
        return any((self.q, self.outcome, self.cause, self.party, self.label))

    def address(self, **changes: Any) -> str:
        """Return the address of the page with `changes`; another choice starts at page 1."""
        fields = asdict(replace(self, **{"page": 1} | changes))
        given = {name: value for name, value in fields.items() if value}
        if given["page"] == 1:
            del given["page"]
        return f"/?{urlencode(given)}" if given else "/"

    def matches(self, state: TargetRuntime) -> bool:
        """Return whether `state` is asked for."""
        causes = list_causes(state)
        if self.outcome and not _has_outcome(state, self.outcome):
            return False
        if self.cause and self.cause not in causes:
            return False
        if self.party and self.party != find_party(state):
            return False
        labels = label_texts(state)
        if self.label and self.label not in labels:
            return False
        if not self.q:
            return True
        target = state.target
        named = (safe_text(target.name), safe_text(str(target.endpoint)))
        addresses = (each.target.address for each in list_results(state))
        held = " ".join((*named, *causes, *labels, *addresses))
        held = held.casefold()
        return all(word in held for word in self.q.casefold().split())


def _has_outcome(state: TargetRuntime, outcome: str) -> bool:
    if state.diagnosis is None:
        return outcome == "pending"
    if outcome == "unexpected":
        return not state.expected
    return outcome == state.diagnosis.outcome


def _number(text: str) -> int:
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
