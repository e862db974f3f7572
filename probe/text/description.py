"""Describes a value that is not what its key asks for, so that nobody has to quote it.

Pure and total. A value in the wrong place is often a secret: the text of a key where its path
belongs, a file of variables where YAML belongs. Only this module
decides what may be quoted, and only it has the words for what may not.
"""

import re
import traceback
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

from probe.text.safe_text import safe_text
from probe.text.text_kind import HOLDS_SECRET, identify_kind

PATH_MAX: Final = 4096
"""Bytes of the longest path that Linux opens, the NUL at its end included (limits.h)."""
NAME_MAX: Final = 255
"""Bytes of the longest name in a directory (limits.h)."""

_SHORTEST_SECRET: Final = 8
"""A text below this length is not treated as a secret."""
_LONGEST_QUOTED: Final = 64
LONGEST_NUMBER: Final = 12
"""Characters of a number that may be quoted; a longer one may be a card's or a code."""
_TYPO_RATIO: Final = 0.75
"""Ratio (difflib) to an allowed text from which on a text is taken for a typing error."""

_KNOWN: Final = frozenset({
    "grpc", "http/protobuf", "http/json", "grpc/protobuf", "protobuf", "json", "gzip", "deflate",
    "snappy", "zlib", "lz4", "zstd", "none", "otlp", "console", "prometheus", "insecure", "secure",
    "always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off",
    "parentbased_traceidratio", "parentbased_jaeger_remote", "jaeger_remote", "jaeger", "zipkin",
    "logging", "traces", "metrics", "logs", "profiles", "canary", "collector", "environment",
    "RequestClientCert", "RequireAnyClientCert", "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert", "NoClientCert", "parentbased_xray",
    "sigv4auth", "oauth2client", "localhost", "text/html", "application/json",
})  # fmt: skip
"""Words of the ecosystem, longer than a short one, that people write where they do not belong."""

_NUMBER: Final = re.compile(r"[-+]?(?:\d{1,12}(?:\.\d{1,9})?)(?:e[-+]?\d{1,3})?")
_DURATION: Final = re.compile(
    r"[-+]?(?:\d{1,9}(?:\.\d{1,9})?\s?"
    r"(?:[nuµμm]?s|[mhdwy]|mins?|secs?|milli(?:second)?s?|(?:second|minute|hour|day|week)s?)\s?){1,4}"
)
_SUITE: Final = re.compile(
    r"TLS_[A-Z0-9_]{1,56}|(?=.*(?:AES|CHACHA|DES|RC4|GCM|NULL))[A-Z0-9]+(?:-[A-Z0-9]+)+"
)
_WORD: Final = r"(?:(?:[a-z]+|[A-Z]+|(?:[A-Z]?[a-z]{2,})(?:[A-Z][a-z]{2,})*)\d{0,4}|[a-z]{1,3}\d{1,2}[a-z]{1,2})"
_DIGITS: Final = re.compile(r"\d+")
_WORDS: Final = re.compile(rf"_{{0,2}}{_WORD}(?:[_./-]{{1,2}}(?:{_WORD}|\d{{1,4}}))*_{{0,2}}")
_LABEL: Final = r"(?=[a-z0-9-]{1,32}(?:\.|:|$))[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_HOST: Final = re.compile(
    rf"(?:localhost|(?:\*\.)?(?:{_LABEL}\.)+[a-z]{{2,12}}\.?|\d{{1,3}}(?:\.\d{{1,3}}){{3}}|\[[0-9a-f:.]{{2,45}}\])"
    r"(?::[^\s:/?#@]{0,7})?"
)
_OTLP_PATH: Final = re.compile(r"(?:/v1/(?:traces|metrics|logs)|/)?")
_HOST_KEYS: Final = re.compile(
    r"(?:endpoint|targets|addresses|listen|sntp|http|server_name|authority|allow|ENDPOINT)[^.]*$"
)
_PATH_KEYS: Final = re.compile(
    r"(?:file|path|collector|receiver|manifest|sdk|CERTIFICATE|CLIENT_KEY|CONFIG)[^.]*$",
    re.IGNORECASE,
)

_MAY_BE_PATHS: Final = frozenset({"text", "text like a token", "text like properties", "a path"})
_HIDDEN_IN_URLS: Final = HOLDS_SECRET | {"text like a token"}
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_OWN: Final = ("'<", "`$", "`str", "`int", "`float", "`bool", "`array", "`object", "`null")
_NEVER_IN_A_PATH: Final = re.compile(r"[\x00\n\r\v\f\u0085\u2028\u2029]")
_DESCRIPTION: Final = re.compile(
    r"\([\w .'*/-]{2,60}, \d+ characters?(?: in \d+ lines)?\)", re.ASCII
)


class Description(str):
    """A text that describes a value, and so is shown as it is."""

    __slots__ = ()


def is_plausible_path(text: str) -> bool:
    """Return whether `text` may be a path that somebody wrote to name a file.

    False for PEM text in any encoding, a JWT or a JSON Web Key, a URL, text with a line break or
    a NUL, and what no Linux opens: a path of PATH_MAX bytes, or with a name
    in it of more than NAME_MAX. Whether there is such a file is not asked.
    """
    if not text or _NEVER_IN_A_PATH.search(text) or is_description(text):
        return False
    size = len(text.encode("utf-8", "surrogateescape"))
    if size >= PATH_MAX:
        return False
    if any(len(part.encode("utf-8", "surrogateescape")) > NAME_MAX for part in text.split("/")):
        return False
    return identify_kind(text) in _MAY_BE_PATHS


def describe_path(text: str) -> str:
    """Return `text` where it may be a path, else its description; a description stays one."""
    may_be_shown = not text or is_description(text) or is_plausible_path(text)
    return text if may_be_shown else make_placeholder(text)


def describe_name(text: str) -> str:
    """Return `text`, which is shown by design (a name, a label), or what it is: a key, a token."""
    if len(text) < _SHORTEST_SECRET or identify_kind(text) not in HOLDS_SECRET:
        return text
    return make_placeholder(text)


def describe_reference(text: str) -> str:
    """Return the name that a certificate must have, or what replaces it."""
    kind = identify_kind(text)
    return make_placeholder(text) if kind in HOLDS_SECRET or kind == "a URL with a query" else text


def describe_url_path(path: str) -> str:
    """Return the path of a URL, with `…` in the place of each part that looks like a token."""
    return "/".join("…" if _is_token(part) else part for part in path.split("/"))


def describe_url(url: str) -> str:
    """Return `url` without what may hold a secret.

    That is a user name and password, the query, the fragment, and what of the path looks like a
    token. What is not a URL is described.
    """
    try:
        parts = urlsplit(url)
        host, path = parts.netloc.rpartition("@")[2], describe_url_path(parts.path)
        return parts._replace(netloc=host, path=path, query="", fragment="").geturl()
    except ValueError:
        return make_placeholder(url)


def find_url_tokens(path: str) -> Iterator[str]:
    """Yield each part of the path of a URL that looks like a token."""
    yield from filter(_is_token, path.split("/"))


def _is_token(part: str) -> bool:
    return identify_kind(part) in _HIDDEN_IN_URLS


def is_description(text: str) -> bool:
    """Return whether `text` is what `described` makes of a value, in place of it."""
    return bool(_DESCRIPTION.fullmatch(text))


def placeholder_kind(placeholder: str) -> str:
    """Return the kind in what `make_placeholder` made; empty where it is something else."""
    return placeholder[1:].partition(",")[0] if is_description(placeholder) else ""


def make_placeholder(text: str) -> str:
    """Return what stands for `text` where a path would: `(PEM text, 1704 characters)`."""
    return f"({describe_text(text)})"


def describe_text(text: str) -> str:
    """Return the kind and the length of `text`, and nothing of it: `PEM text, 1704 characters`."""
    count = len(text)
    lines = text.strip().count("\n") + 1
    within = f" in {lines} lines" if lines > 1 else ""
    return f"{identify_kind(text)}, {count} character{'' if count == 1 else 's'}{within}"


def refuse_non_path(text: str) -> None:
    """Raise where `text` can't be a path, before anybody opens it.

    Raises:
        NotAPathError: with the description as its `strerror`, and without a file name.
    """
    if text and not is_plausible_path(text):
        raise NotAPathError(text)


class NotAPathError(OSError):
    """What stands where a path belongs is something else; no text of it is kept."""

    def __init__(self, text: str) -> None:
        """Describe `text`."""
        shown = text[1:-1] if is_description(text) else describe_text(text)
        super().__init__(22, f"this is {shown}, where a path belongs")


def describe_value(text: str, allowed: Iterable[str] = (), key: str = "") -> str:
    """Return `text` where it can't reasonably be a secret, else its kind and length.

    Quoted are: fewer than 8 characters; numbers, durations and cipher suites; what is close to an
    allowed value; known words of the ecosystem; under a key that asks for one, a host (with a
    port), a plain OTLP URL or a plausible path of plain words.

    Args:
        text: what was found.
        allowed: what would be right.
        key: the whole path of the key, which `describe_key` has passed: an unknown key is found
            there and is what was found.
    """
    if (
        isinstance(text, Description)
        or is_quotable(text, allowed)
        or _is_plain_path(text)
        or key.rpartition(".")[2] == text
    ):
        return text
    if is_description(text):
        return f"{text[1:-1]} (not shown)"
    if _HOST_KEYS.search(key) and _is_plain_address(text):
        return text
    if _PATH_KEYS.search(key) and is_plausible_path(text) and _reads_as_path(text):
        return text
    return f"{describe_text(text)} (not shown)"


def is_quotable(text: str, allowed: Iterable[str] = ()) -> bool:
    """Return whether `text` can't reasonably be a secret, whatever its key."""
    if len(text) < _SHORTEST_SECRET or text in _KNOWN or text.lower() in _KNOWN:
        return True
    if len(text) > _LONGEST_QUOTED:
        return False
    if any(form.fullmatch(text) for form in (_NUMBER, _DURATION, _SUITE)):
        return not text.isdecimal() or len(text) <= LONGEST_NUMBER
    from difflib import SequenceMatcher

    folded = text.lower()
    return any(
        folded == one.lower() or SequenceMatcher(None, folded, one.lower()).ratio() >= _TYPO_RATIO
        for one in (*allowed, *_KNOWN)
        if 2 * len(one) > len(text)
    )


def describe_key(text: str) -> str:
    """Return `text` where it reads as a key, else its description: `(a token, 40 characters)`.

    A key is words of letters, one of them with a number at most, joined by `_`, `.`, `/` or `-`, of
    64 characters at most. Where a mapping is swapped, or a file of variables is read as YAML, a key
    is somebody's secret.
    """
    if reads_as_key(text) or is_quotable(text) or is_description(text):
        return text
    return make_placeholder(text)


def reads_as_key(text: str) -> bool:
    """Return whether `text` is words, as names of keys, components and variables are."""
    parts = text.split("/")
    if len(_DIGITS.findall(text)) > 1:
        return text in _KNOWN
    return len(text) <= _LONGEST_QUOTED and all(
        part in _KNOWN or _WORDS.fullmatch(part) for part in parts
    )


def remove_quotes(text: str) -> str:
    """Return a library's message without what it quotes: that may be a part of the file.

    What YAML's parsers name in `<…>` is one of their own words, and so are msgspec's types and
    paths.
    """
    return _QUOTED.sub(lambda found: found[0] if found[0].startswith(_OWN) else "…", text)


def mask_arguments(message: str, arguments: Iterable[str]) -> str:
    """Return a usage error without those arguments that may be a key or another whole secret.

    What a user types may be quoted; what `"$(cat key.pem)"` puts there was never typed.
    """
    for text in arguments:
        if (
            len(text) >= _SHORTEST_SECRET
            and not is_plausible_path(text)
            and not _is_plain_address(text)
        ):
            for quoted in (text, repr(text)[1:-1]):
                message = message.replace(quoted, make_placeholder(text))
    return message


def _is_plain_address(text: str) -> bool:
    """Return whether `text` is a host, host:port, or a URL of them with an OTLP path at most."""
    scheme, mark, rest = text.partition("://")
    if not mark:
        return bool(_HOST.fullmatch(text))
    host, slash, path = rest.partition("/")
    return (
        bool(re.fullmatch(r"[a-z][a-z0-9+.-]{1,9}", scheme))
        and bool(_HOST.fullmatch(host))
        and bool(_OTLP_PATH.fullmatch(slash + path))
    )


def _reads_as_path(text: str) -> bool:
    """Return whether each name in `text` is words, or it begins at the root or with a dot."""
    return text.startswith(("/", "./", "../", "~/")) or "*" in text or reads_as_key(text)


def _is_plain_path(text: str) -> bool:
    """Return whether `text` begins as a path does, and each name in it is words."""
    return (
        text.startswith(("/", "./", "../"))
        and len(text) < PATH_MAX
        and all(name in {"", ".", ".."} or reads_as_key(name) for name in text.split("/"))
    )


_HEAD: Final = "Traceback (most recent call last):\n"
_BETWEEN: Final = "\nand because of that, or while it was handled:\n\n"
MOST_EXCEPTIONS: Final = 8
"""Exceptions of a chain that are shown; of a longer chain, the last ones."""


def describe_bug(error: BaseException) -> str:
    """Return the traceback of `error` and of what led to it, each message without what it quotes."""
    chain = list(_list_causes(error))[:MOST_EXCEPTIONS]
    return _BETWEEN.join(map(_describe_exception, reversed(chain)))


def _list_causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)


def _describe_exception(error: BaseException) -> str:
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    frames = "".join(traceback.format_tb(error.__traceback__))
    message = safe_text(remove_quotes(str(error)))
    return f"{_HEAD}{frames}{module}{kind.__qualname__}{': ' if message else ''}{message}\n"
