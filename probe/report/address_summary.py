"""How the addresses of one name are, in words and as data: `2 of 3 addresses fail: …`.

Pure, and the same for tables, documents, pages, badges and the log.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from msgspec import Struct

from probe.ledger.replicas import list_results
from probe.ledger.target_runtime import TargetRuntime, is_expected
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.text.safe_text import safe_text

NAMED: Final = 6
"""Addresses that a summary names."""


Row = tuple[Evidence, Diagnosis]
"""What one attempt saw, and what that means."""


class AddressResult(NamedTuple):
    """How one address is; without an address, the look-up of the name, which failed."""

    address: str
    outcome: str
    cause: str
    expected: bool


class ResultAddress(Struct, frozen=True):
    """One address of a target and how it is."""

    address: str
    outcome: str
    cause: str | None
    expected: bool


class TargetAddresses(Struct, frozen=True):
    """A target of which each address has its own result, as a whole."""

    target: str
    expected: bool
    """Whether every address is as expected, and the last look-up of the name succeeded."""
    summary: str
    unexpected: int
    addresses: tuple[ResultAddress, ...]


def read_row(evidence: Evidence, diagnosis: Diagnosis) -> AddressResult:
    """Return how the address of one attempt is."""
    target = evidence.target
    expected = is_expected(evidence, diagnosis)
    return AddressResult(target.address, diagnosis.outcome, diagnosis.cause or "", expected)


def read_runtime(runtime: TargetRuntime) -> tuple[AddressResult, ...]:
    """Return how each address of a target is that has been attempted; empty for any other target."""
    if not runtime.target.has_replicas:
        return ()
    return tuple(
        read_row(each.evidence, each.diagnosis)
        for each in list_results(runtime)
        if each.evidence is not None and each.diagnosis is not None
    )


def split_by_target(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield the rows of each target, which follow one another."""
    for _, group in groupby(rows, key=lambda row: row[0].target.name):
        yield list(group)


def read_rows(rows: Sequence[Row]) -> tuple[AddressResult, ...]:
    """Return how the addresses of one target are; empty where it has no results by address."""
    if not any(evidence.target.address for evidence, _ in rows):
        return ()
    return tuple(read_row(*row) for row in rows)


def group_rows(rows: Iterable[Row]) -> Iterator[tuple[str, tuple[AddressResult, ...]]]:
    """Yield each target of `rows` of which addresses have their own results, and how they are."""
    for group in split_by_target(rows):
        if results := read_rows(group):
            yield group[0][0].target.name, results


def summarize_addresses(results: Sequence[AddressResult]) -> str:
    """Return in one sentence how the addresses of one target are; empty without any result."""
    lookups = [each for each in results if not each.address]
    addresses = [each for each in results if each.address]
    parts = [f"the look-up of the name fails ({each.cause or each.outcome})" for each in lookups]
    if not addresses:
        return "".join(parts)
    if lookups:
        parts[0] += ", and the addresses known before are tried"
    unexpected = [each for each in addresses if not each.expected]
    total = len(addresses)
    if not unexpected:
        counted = f"all {total} addresses are" if total > 1 else "its only address is"
        parts.append(f"{counted} as expected")
        return "; ".join(parts)
    fail = all(each.outcome == "failed" for each in unexpected)
    one = len(unexpected) == 1
    verb = ("fails" if one else "fail") if fail else ("is not" if one else "are not")
    counted = f"{len(unexpected)} of {total} address{'es' if total > 1 else ''} {verb}"
    parts.append(f"{counted}{'' if fail else ' as expected'}: {_list_by_cause(unexpected)}")
    return "; ".join(parts)


def _list_by_cause(results: Sequence[AddressResult]) -> str:
    """Return the causes, the most frequent first, each with its addresses."""
    counts = Counter(each.cause or each.outcome for each in results)
    room, parts = NAMED, []
    for cause, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        named = [each.address for each in results if (each.cause or each.outcome) == cause][:room]
        room -= len(named)
        more = count - len(named)
        listed = ", ".join(named) + (f"{' and ' if named else ''}{more} more" if more else "")
        parts.append(f"{listed} ({cause})")
    return ", ".join(parts)


def build_target_addresses(name: str, results: Sequence[AddressResult]) -> TargetAddresses:
    """Return what documents say of a target as a whole, next to a result of each address."""
    return TargetAddresses(
        target=safe_text(name),
        expected=all(each.expected for each in results),
        summary=summarize_addresses(results),
        unexpected=sum(not each.expected for each in results if each.address),
        addresses=tuple(
            ResultAddress(each.address, each.outcome, each.cause or None, each.expected)
            for each in results
            if each.address
        ),
    )
