"""The badge of a target: a small SVG, in the style of shields.io, for a README or a wiki.

Both texts pass `safe_text` and are escaped; it has no style sheet and no script.
"""

from html import escape
from typing import Final, Literal

from probe.ledger.target_runtime import TargetRuntime
from probe.report.address_summary import read_runtime
from probe.report.outcome import PAGE_COLOURS, Mood, find_mood
from probe.text.safe_text import safe_text

_LONGEST: Final = 60
_PADDING: Final = 6
_HEIGHT: Final = 20

_LABEL: Final = "#40464d"

_NARROW: Final = frozenset("fijlrtI.,:;'|!()[] /-")
_WIDE: Final = frozenset("mwMW@%—…")


def draw_badge(state: TargetRuntime | None, name: str) -> bytes:
    """Return the badge of `state`, a grey one where no target is called `name`."""
    if state is None:
        return _draw(safe_text(name, _LONGEST), "unknown", "pending")
    return _draw(safe_text(state.target.name, _LONGEST), *_describe(state))


def _describe(state: TargetRuntime) -> tuple[str, Mood | Literal["pending"]]:
    diagnosis = state.diagnosis
    if diagnosis is None:
        return "not probed yet", "pending"
    results = [each for each in read_runtime(state) if each.address]
    unexpected = sum(not each.expected for each in results)
    if unexpected:
        counted = f"{unexpected} of {len(results)} addresses not as expected"
        return counted, find_mood(diagnosis.outcome, expected=False)
    words: str = diagnosis.outcome
    if len(results) > 1:
        words += f" at all {len(results)} addresses"
    if diagnosis.cause:
        words = f"{words}: {diagnosis.cause}"
    if state.expected and diagnosis.cause:
        words += ", as expected"
    return words, find_mood(diagnosis.outcome, expected=state.expected)


def _draw(label: str, words: str, mood: Mood | Literal["pending"]) -> bytes:
    left, right = _width(label), _width(words)
    total = left + right
    title = escape(f"{label}: {words}")
    texts = "".join(
        f'<text x="{middle}" y="14" textLength="{width - 2 * _PADDING}" '
        f'lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
        for text, middle, width in (
            (label, left / 2, left),
            (words, left + right / 2, right),
        )
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{_HEIGHT}" role="img" '
        f'aria-label="{title}"><title>{title}</title>'
        f'<clipPath id="r"><rect width="{total}" height="{_HEIGHT}" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="{_HEIGHT}" fill="{_LABEL}"/>'
        f'<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{PAGE_COLOURS[mood]}"/></g>'
        '<g fill="#fff" text-anchor="middle" font-size="11" '
        f'font-family="Verdana,DejaVu Sans,sans-serif">{texts}</g></svg>\n'
    ).encode()


def _width(text: str) -> int:
    """Return the width of `text` with its padding; `textLength` makes any font keep to it."""
    narrow = sum(char in _NARROW for char in text)
    wide = sum(char in _WIDE or not char.isascii() for char in text)
    return round(narrow * 4.6 + wide * 11.0 + (len(text) - narrow - wide) * 7.0) + 2 * _PADDING
