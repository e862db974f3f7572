"""HTTP status codes in a log, by the words around them: `status=503`, `401 Client Error`, `HTTP/2 404`.

RFC 9110 §15; the OTLP specification, "OTLP/HTTP Response". What a code means is `answer_patterns`.
"""

import re
from collections.abc import Iterator
from typing import Final

from probe.messages.patterns import answer_patterns as answers
from probe.messages.patterns.pattern import Pattern

_BEFORE: Final = (
    r"(?:http|https|status|code|http error|error|returned|responded with|response|got|received"
    r"|http 1 [01]|http 2(?: 0)?|answered(?: with)?|replied(?: with)?)"
)
_AFTER: Final = (
    r"(?:client error|server error|bad request|unauthorized|payment required|forbidden|not found"
    r"|method not allowed|not acceptable|request timeout|conflict|gone|length required"
    r"|precondition failed|payload too large|request entity too large|content too large"
    r"|unsupported media type|unprocessable|too many requests|internal server error"
    r"|not implemented|bad gateway|service unavailable|gateway timeout|insufficient storage)"
)
_CODE: Final = re.compile(
    rf" {_BEFORE} (?P<a>[45][0-9]{{2}})(?= )| (?P<b>[45][0-9]{{2}})(?= {_AFTER} )"
)
_MEANING: Final[dict[int, Pattern]] = {
    400: answers.BAD_REQUEST,
    401: answers.UNAUTHENTICATED,
    403: answers.FORBIDDEN,
    404: answers.NOT_SERVED,
    405: answers.NOT_SERVED,
    407: answers.PROXY_WANTS_CREDENTIALS,
    413: answers.REJECTED,
    415: answers.OTHER_PROTOCOL,
    422: answers.REJECTED,
    429: answers.THROTTLED,
    495: answers.CERTIFICATE_REFUSED,
    496: answers.CERTIFICATE_WANTED,
    500: answers.UNAVAILABLE_NOW,
    501: answers.NOT_SERVED,
    502: answers.UNAVAILABLE_NOW,
    503: answers.UNAVAILABLE_NOW,
    504: answers.UNAVAILABLE_NOW,
    507: answers.STORAGE,
    526: answers.UNAVAILABLE_NOW,
}


def find_statuses(words: str) -> Iterator[tuple[Pattern, str]]:
    """Yield the pattern of each HTTP status in `words`, each code once, with the code."""
    codes = dict.fromkeys(int(found["a"] or found["b"]) for found in _CODE.finditer(words))
    for code in codes:
        if (pattern := _MEANING.get(code)) is not None:
            yield pattern, f"HTTP {code}"
