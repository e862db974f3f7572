"""The forms in which a secret may come back: itself, and its usual encodings. Pure and total.

A peer may echo a secret decoded, encoded, or within something longer that is encoded.
"""

import base64
import json
from typing import Final
from urllib.parse import quote, quote_plus

LONGEST_SECRET: Final = 16_384
"""Characters of a secret that are searched for; a peer repeats fewer."""

_MARKUP: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_REFERENCES: Final = tuple(
    str.maketrans(_MARKUP | quotes)
    for quotes in ({}, {'"': "&quot;", "'": "&#x27;"}, {'"': "&#34;", "'": "&#39;"})
)
"""How HTML is escaped: without quotes, as Python's html has it, and as Jinja and Go have it."""
_STANDS: Final = b"\0"


def encode_secret(value: str) -> tuple[str, ...]:
    """Return `value` and its encodings, each once.

    Base64 in both alphabets (RFC 4648 §4 and §5) at each of the three alignments that it may have
    within a longer text; percent-encoding (RFC 3986 §2.1) in either case, a space also as `+`;
    escapes of JSON (RFC 8259 §7) with and without those of non-ASCII characters and of `/`; HTML's
    character references; hexadecimal digits.
    """
    value = value[:LONGEST_SECRET]
    raw = value.encode("utf-8", "surrogateescape" if _has_raw_bytes(value) else "replace")
    forms = [value]
    for before in range(3):
        packed = _encode_within(raw, before)
        forms += (packed, packed.replace("+", "-").replace("/", "_"))
    for quoted in (quote(raw, safe=""), quote_plus(raw, safe=""), quote(raw)):
        forms += (quoted, _lower_escapes(quoted))
    for plain in (False, True):
        dumped = json.dumps(value, ensure_ascii=plain)[1:-1]
        forms += (dumped, dumped.replace("/", "\\/"))
    forms += (*(value.translate(references) for references in _REFERENCES), raw.hex())
    forms.append(raw.hex().upper())
    return tuple(dict.fromkeys(forms))


def _encode_within(raw: bytes, before: int) -> str:
    """Return the digits that only `raw` decides where `before` bytes (mod 3) precede it."""
    digits = base64.b64encode(_STANDS * before + raw).decode("ascii").rstrip("=")
    # A digit that also has bits of the bytes before or after it differs elsewhere.
    first = (before * 8 + 5) // 6
    last = len(digits) - bool((before + len(raw)) % 3)
    return digits[first:last]


def _lower_escapes(quoted: str) -> str:
    """Return percent-encoded text with lower-case digits in its escapes."""
    first, *others = quoted.split("%")
    return "%".join((first, *(other[:2].lower() + other[2:] for other in others)))


def _has_raw_bytes(value: str) -> bool:
    """Return whether lone surrogates stand for bytes that are not UTF-8 (PEP 383)."""
    return all(not "\ud800" <= char <= "\udfff" or "\udc80" <= char <= "\udcff" for char in value)
