"""Takes the target's own header values out of what a backend repeats: pure.

Law 11: a header may hold a token, and no record, page or log shows one.
"""

from collections.abc import Iterator
from typing import Final

import msgspec.structs

from probe.evidence import Answer, Ending
from probe.target import Secret

STANDS_FOR: Final = "(header value)"

_SHORTEST: Final = 4
"""Characters; what is shorter is no secret, and stands in ordinary words."""
_CUT: Final = "…"
_TEXTS: Final = ("message", "partial_message", "server", "location")

Headers = tuple[tuple[str, Secret], ...]


def answer_without(answer: Answer, headers: Headers) -> Answer:
    """Return `answer`, its texts without the values of `headers`."""
    if not headers:
        return answer
    texts = {name: text for name in _TEXTS if (text := getattr(answer, name))}
    return msgspec.structs.replace(answer, **{n: _without(t, headers) for n, t in texts.items()})


def ending_without(ending: Ending, headers: Headers) -> Ending:
    """Return `ending`, its detail without the values of `headers`."""
    if not headers or not ending.detail:
        return ending
    return msgspec.structs.replace(ending, detail=_without(ending.detail, headers))


def _without(text: str, headers: Headers) -> str:
    for part in _secrets(headers):
        text = _without_cut(text.replace(part, STANDS_FOR), part)
    return text


def _secrets(headers: Headers) -> Iterator[str]:
    """Yield each value, and what follows its scheme (`Bearer …`): the longer first."""
    for _, value in headers:
        whole = value.reveal().strip()
        for part in dict.fromkeys((whole, whole.rpartition(" ")[2])):
            if len(part) >= _SHORTEST:
                yield part


def _without_cut(text: str, part: str) -> str:
    """Take out the beginning of `part` where safe_text() has cut the text within it."""
    if not text.endswith(_CUT):
        return text
    shown = text.removesuffix(_CUT)
    for size in range(min(len(shown), len(part) - 1), _SHORTEST - 1, -1):
        if shown.endswith(part[:size]):
            return shown[:-size] + STANDS_FOR + _CUT
    return text
