"""What a text looks like, by its form alone: PEM, a token, a URL, a file of variables, a path.

Pure and total. The answer is a noun for a description; nothing of the text is in it.
"""

import base64
import binascii
import re
from typing import Final
from urllib.parse import urlsplit

_PEM: Final = re.compile(r"-----\s?BEGIN|-----\s?END|---- BEGIN SSH2")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_JWT: Final = re.compile(r"eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*){0,3}", re.ASCII)
_KNOWN_TOKEN: Final = re.compile(
    r"(?:gh[opsur]_|github_pat_|glpat-|glsa_|glc_|xox[abeprs]-|AKIA|ASIA|sk-|pk_live_|sk_live_|hvs\.|"
    r"dop_v1_|npm_|pypi-|AIza|ya29\.|dt0c01\.|NRAK-|Api-Token |Bearer |Basic )[\w.~+/=-]{12,}",
    re.ASCII,
)
_KEY_BEGINS: Final = re.compile(rb"\x30(?:[\x20-\x7f]|\x81.|\x82..)\x02\x01[\x00\x01]", re.DOTALL)
"""A SEQUENCE that begins with a version, as each form of a private key does (RFC 5958 §2, RFC 8017
§A.1.2, RFC 5915 §3): the first line of a key in PEM is a part of it."""
_VARIABLE_LINE: Final = re.compile(r"(?:^|\s)(?:export\s+)?[A-Z][A-Z0-9_]{2,}=", re.ASCII)
_PROPERTY_LINE: Final = re.compile(r"(?:^|\n|\s)[A-Za-z][\w.-]*\s?=\s?\S", re.ASCII)
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_QUERY: Final = re.compile(r"^\S*\?[\w.-]+=\S")
HOLDS_SECRET: Final = frozenset({
    "PEM text", "PEM text with escaped line breaks", "a JSON Web Key", "base64 of PEM text",
    "base64 of DER", "a JWT", "a token", "a URL with a user name",
})  # fmt: skip
"""Kinds that are a secret wherever they stand, or hold one."""
_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{1,5}")


def identify_kind(text: str) -> str:
    """Return what `text` looks like, as a noun."""
    stripped = text.strip()
    if _PEM.search(text):
        escaped = "\\n" in text and "\n" not in text.strip()
        return "PEM text with escaped line breaks" if escaped else "PEM text"
    if stripped.startswith("{"):
        return "a JSON Web Key" if '"kty"' in stripped else "JSON or a mapping in one line"
    if packed := _identify_base64(stripped):
        return packed
    if _URL.match(stripped):
        return _identify_url(stripped)
    if _QUERY.search(stripped):
        return "a URL with a query"
    last = stripped.rpartition("/")[2]
    if _JWT.fullmatch(stripped) or _JWT.fullmatch(last):
        return "a JWT"
    if _KNOWN_TOKEN.fullmatch(last) and not _EXTENSION.fullmatch(last[last.rfind(".") :]):
        return "a token"
    if "\n" not in stripped and stripped.startswith(("/", "./", "../", "~/")):
        return "a path"
    if _VARIABLE_LINE.search(text):
        return "text like an env file"
    if "\n" in stripped:
        return "text like properties" if _PROPERTY_LINE.search(text) else "text"
    if _PROPERTY_LINE.search(text) and "/" not in text.partition("=")[0]:
        return "text like properties"
    return "text like a token" if _is_random(stripped) else "text"


def _identify_url(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        return "a URL"
    if "@" in parts.netloc:
        return "a URL with a user name"
    return "a URL with a query" if parts.query else "a URL"


def _identify_base64(text: str) -> str:
    """Say what base64 holds, where it holds PEM or DER; else an empty text."""
    joined = "".join(text.split())
    if not _BASE64.fullmatch(joined):
        return ""
    try:
        raw = base64.b64decode(joined.replace("-", "+").replace("_", "/") + "==")
    except (binascii.Error, ValueError):
        return ""
    if b"-----BEGIN" in raw[:256]:
        return "base64 of PEM text"
    return "base64 of DER" if _is_der(raw) or _KEY_BEGINS.match(raw) else ""


def _is_der(raw: bytes) -> bool:
    """Return whether `raw` is one DER SEQUENCE, whole (X.690 §8.1.3)."""
    if len(raw) < 16 or raw[0] != 0x30:
        return False
    octets = raw[1] & 0x7F if raw[1] & 0x80 else 0
    length = int.from_bytes(raw[2 : 2 + octets]) if octets else raw[1]
    return octets <= 4 and 2 + octets + length == len(raw)


def _is_random(text: str) -> bool:
    """Return whether `text` is one word that mixes letters and digits as no name does."""
    if len(text) < 16 or not re.fullmatch(r"[\w+/=.~-]+", text, re.ASCII):
        return False
    return len(re.findall(r"\d+", text)) > 1 and any(map(str.isalpha, text))
